#include "app/setting_values.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace countersign::app {

namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view spaces = " \t";

// Decimal digits with an optional minus, the whole text, nothing else.
std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool within(std::int64_t value, bounds allowed) {
    return value >= allowed.min && value <= allowed.max;
}

std::string range_text(bounds allowed) {
    return "from " + std::to_string(allowed.min) + " to " + std::to_string(allowed.max);
}

std::string instead_of(std::string_view text) {
    return ", not \"" + std::string(text) + "\"";
}

constexpr std::string_view app_origin = "android:apk-key-hash:";

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Without the port.
std::string_view host_of_origin(std::string_view origin) {
    const auto scheme_end = origin.find("://");
    if (scheme_end == std::string_view::npos) return {};
    const auto authority = origin.substr(scheme_end + 3);
    return authority.substr(0, authority.find(':'));
}

std::optional<std::int64_t> seconds_of_suffix(char suffix) {
    switch (suffix) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86'400;
    default:
        return std::nullopt;
    }
}

// The part of a URL between `://` and the next `/`, `?` or `#`.
std::string_view authority_of(std::string_view url) {
    const auto scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos) return {};
    url.remove_prefix(scheme_end + 3);
    return url.substr(0, url.find_first_of("/?#"));
}

bool is_printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

template <typename Network>
std::string canonical_text(const Network& network) {
    return network.canonical().to_string();
}

} // namespace

fallible<std::int64_t> parse_integer(std::string_view text, bounds allowed) {
    const auto value = whole_number(text);
    if (!value || !within(*value, allowed))
        return problem{"must be a whole number " + range_text(allowed) + instead_of(text)};
    return *value;
}

fallible<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return problem{"must be true or false" + instead_of(text)};
}

fallible<std::chrono::seconds> parse_duration(std::string_view text, bounds allowed) {
    auto number = text;
    std::int64_t unit = 1;
    if (const auto scale = text.empty() ? std::nullopt : seconds_of_suffix(text.back())) {
        unit = *scale;
        number.remove_suffix(1);
    }
    const auto value = whole_number(number);
    // Compared before it is multiplied: no number of the operator's overflows.
    if (!value || *value < 0 || *value > allowed.max / unit || !within(*value * unit, allowed))
        return problem{"must be a duration " + range_text(allowed) +
                       " seconds, in seconds or with one of the suffixes s, m, h, d" +
                       instead_of(text)};
    return std::chrono::seconds(*value * unit);
}

fallible<listen_settings> parse_listen(std::string_view text) {
    problem wrong{"must be an IP address and a port such as 127.0.0.1:8080 or [::1]:8080" +
                  instead_of(text)};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return wrong;
    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);

    boost::system::error_code error;
    const auto address = ip::make_address(std::string(host), error);
    if (error || address.is_v6() != bracketed) return wrong;
    const auto port = parse_integer(text.substr(colon + 1), {0, 65'535});
    if (!port) return problem{"has a wrong port, which " + port.error().sentence};
    return listen_settings{address.to_string(), static_cast<std::uint16_t>(*port)};
}

std::string to_text(const listen_settings& listen) {
    const bool is_v6 = listen.address.find(':') != std::string::npos;
    return (is_v6 ? "[" + listen.address + "]" : listen.address) + ":" +
           std::to_string(listen.port);
}

fallible<std::string> parse_network(std::string_view text) {
    boost::system::error_code error;
    std::string network(text);
    if (text.find('/') == std::string_view::npos) {
        const auto address = ip::make_address(network, error);
        if (!error) network += address.is_v4() ? "/32" : "/128";
    }
    if (const auto v4 = ip::make_network_v4(network, error); !error) return canonical_text(v4);
    if (const auto v6 = ip::make_network_v6(network, error); !error) return canonical_text(v6);
    return problem{"must hold networks such as 10.0.0.0/8 or fd00::/8" + instead_of(text)};
}

fallible<std::string> parse_base_uri(std::string_view text) {
    const auto authority = authority_of(text);
    const bool has_scheme = text.starts_with("http://") || text.starts_with("https://");
    if (!has_scheme || authority.empty() || authority.find('@') != std::string_view::npos ||
        text.find_first_of("?#\"\\<>") != std::string_view::npos || !is_printable_ascii(text))
        return problem{"must be http:// or https:// with a host, without user, query and fragment"};
    while (text.ends_with('/'))
        text.remove_suffix(1);
    return std::string(text);
}

fallible<std::string> parse_domain(std::string_view text) {
    constexpr std::size_t size_max = 253;
    bool good = !text.empty() && text.size() <= size_max && is_letter_or_digit(text.front()) &&
                is_letter_or_digit(text.back()) && text.find("..") == std::string_view::npos;
    for (const char c : text)
        good = good && (is_letter_or_digit(c) || c == '-' || c == '.');
    // An address is no domain: what ends with a number is one.
    good = good && (text.back() < '0' || text.back() > '9');
    if (!good) return problem{"must be a domain in lower case, not \"" + std::string(text) + "\""};
    return std::string(text);
}

fallible<std::string> parse_origin(std::string_view text) {
    problem wrong{"must hold origins such as https://login.example.org, not \"" +
                  std::string(text) + "\""};
    if (text.starts_with(app_origin)) {
        if (text.size() == app_origin.size()) return wrong;
        return std::string(text);
    }
    const auto host = host_of_origin(text);
    const bool local = text == "http://localhost" || text.starts_with("http://localhost:");
    if (!(text.starts_with("https://") || local) || !parse_domain(host)) return wrong;
    const auto port = text.substr(text.find(host, text.find("://")) + host.size());
    if (!port.empty() && !parse_integer(port.substr(1), {1, 65'535})) return wrong;
    return std::string(text);
}

bool is_origin_of(std::string_view origin, std::string_view domain) {
    if (origin.starts_with(app_origin)) return true;
    const auto host = host_of_origin(origin);
    return host == domain || (host.ends_with(domain) && host.size() > domain.size() &&
                              host[host.size() - domain.size() - 1] == '.');
}

fallible<void> check_mail_url(std::string_view text) {
    const bool has_scheme = text.starts_with("smtp://") || text.starts_with("smtps://");
    if (!has_scheme || authority_of(text).empty() || !is_printable_ascii(text))
        return problem{"must be smtp:// or smtps:// with a host (special characters as %XX)"};
    return {};
}

std::vector<std::string_view> split_list(std::string_view text) {
    std::vector<std::string_view> parts;
    if (text.find_first_not_of(spaces) == std::string_view::npos) return parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(',', begin), text.size());
        auto part = text.substr(begin, end - begin);
        part.remove_prefix(std::min(part.find_first_not_of(spaces), part.size()));
        part = part.substr(0, part.find_last_not_of(spaces) + 1);
        parts.push_back(part);
        begin = end + 1;
    }
    return parts;
}

std::string join_list(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts)
        text += (text.empty() ? "" : ",") + part;
    return text;
}

bool has_password(std::string_view url) noexcept {
    // Up to the last @, because an unescaped password may hold / and #.
    const auto scheme_end = url.find("://");
    const auto at = url.rfind('@');
    if (scheme_end == std::string_view::npos || at == std::string_view::npos) return false;
    const auto colon = url.find(':', scheme_end + 3);
    return colon != std::string_view::npos && colon < at;
}

std::string redacted(std::string_view url) {
    const auto scheme_end = url.find("://");
    const auto at = url.rfind('@');
    if (at == std::string_view::npos) return std::string(url);
    if (scheme_end == std::string_view::npos || at < scheme_end) return "***";
    return std::string(url.substr(0, scheme_end + 3)) + "***" + std::string(url.substr(at));
}

} // namespace countersign::app
