#include "net/reply.hpp"

#include "net/request.hpp"
#include "net/strictness.hpp"

#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace countersign::net {
namespace {

bool sendable_value(std::string_view value) noexcept {
    return std::none_of(value.begin(), value.end(), [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return (byte < 0x20 && byte != '\t') || byte == 0x7F;
    });
}

bool set_by_transport(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 5> names{"Connection", "Content-Length", "Content-Type",
                                                    "Date", "Transfer-Encoding"};
    return std::any_of(names.begin(), names.end(), [name](std::string_view reserved) {
        return equal_ignoring_case(name, reserved);
    });
}

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

void append_status_line(std::string& out, unsigned status) {
    if (status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
        return;
    }
    const std::string_view reason =
        boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
    out += "HTTP/1.1 ";
    append_number(out, status);
    out += ' ';
    out += reason;
    out += "\r\n";
}

bool is_bodiless(unsigned status) noexcept {
    return status == 204 || status == 304;
}

} // namespace

bool sends_content(const reply& value, const reply_framing& framing) noexcept {
    return !framing.head && !is_bodiless(value.status);
}

bool serialise(const reply& value, const reply_framing& framing, std::string& out) {
    bool cacheable = false;
    for (const auto& [name, text] : value.headers) {
        if (!is_token(name) || !sendable_value(text) || set_by_transport(name)) return false;
        cacheable = cacheable || equal_ignoring_case(name, "Cache-Control");
    }
    if (!sendable_value(value.content_type)) return false;
    if (value.status < 200 || value.status > 599) return false;
    if (value.stream && !value.body.empty()) return false;

    append_status_line(out, value.status);
    out += "Date: ";
    out += framing.date;
    out += "\r\nX-Content-Type-Options: nosniff\r\n";
    if (!cacheable) out += "Cache-Control: no-store\r\n";
    if (framing.tls) out += "Strict-Transport-Security: max-age=31536000\r\n";
    if (!is_bodiless(value.status)) {
        out += "Content-Type: ";
        out += value.content_type;
        out += "\r\nContent-Length: ";
        append_number(out, value.stream ? value.stream->size() : value.body.size());
        out += "\r\n";
    }
    if (framing.close) out += "Connection: close\r\n";
    if (!framing.close && framing.http_1_0) out += "Connection: keep-alive\r\n";
    for (const auto& [name, text] : value.headers) {
        out += name;
        out += ": ";
        out += text;
        out += "\r\n";
    }
    out += "\r\n";
    if (sends_content(value, framing)) out += value.body;
    return true;
}

std::string http_date(std::chrono::sys_seconds time) {
    constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = time.time_since_epoch().count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    // Not by the locale, which is the process' own affair.
    std::array<char, 40> text{};
    const auto length =
        std::strftime(text.data(), text.size(), "---, %d --- %Y %H:%M:%S GMT", &parts);
    std::string date(text.data(), length);
    date.replace(0, 3, days[static_cast<std::size_t>(parts.tm_wday)]);
    date.replace(8, 3, months[static_cast<std::size_t>(parts.tm_mon)]);
    return date;
}

} // namespace countersign::net
