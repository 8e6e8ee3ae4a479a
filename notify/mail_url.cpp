#include "notify/mail_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arpa/inet.h>

namespace countersign::notify {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::uint16_t submission_port = 587;  // RFC 6409
constexpr std::uint16_t submissions_port = 465; // RFC 8314

int hex_value(char letter) {
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    if (letter >= 'a' && letter <= 'f') {
        return letter - 'a' + 10;
    }
    return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

// Nothing for a broken escape or a control character.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t index = 0; index < text.size(); ++index) {
        char letter = text[index];
        if (letter == '%') {
            if (index + 2 >= text.size()) {
                return std::nullopt;
            }
            const int high = hex_value(text[index + 1]);
            const int low = hex_value(text[index + 2]);
            if (high < 0 || low < 0) {
                return std::nullopt;
            }
            letter = static_cast<char>(high * 16 + low);
            index += 2;
        }
        if (static_cast<unsigned char>(letter) < ' ' || letter == 0x7F) {
            return std::nullopt;
        }
        out += letter;
    }
    return out;
}

bool is_host(std::string_view host, bool bracketed) {
    if (bracketed) { // a NUL would end the text for inet_pton, and what follows it would be kept
        in6_addr address{};
        return host.find('\0') == npos &&
               ::inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
    }
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char letter) {
        return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= 'a' && letter <= 'z') || letter == '-' || letter == '.' || letter == '_';
    });
}

// `host`, `host:port`, `[address]` or `[address]:port` into `out`; false if it is none of them.
bool take_host_and_port(std::string_view text, mail_url& out) {
    const bool bracketed = text.starts_with('[');
    const auto host_end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && host_end == npos) {
        return false;
    }
    const auto host = bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end);
    if (!is_host(host, bracketed)) {
        return false;
    }
    out.host = host;
    const auto rest = host_end == npos ? std::string_view() : text.substr(host_end + bracketed);
    out.port = out.implicit_tls ? submissions_port : submission_port;
    if (rest.empty()) {
        return true;
    }
    const char* const end = rest.data() + rest.size();
    const auto [stopped, failure] = std::from_chars(rest.data() + 1, end, out.port);
    return rest.front() == ':' && failure == std::errc() && stopped == end && out.port != 0;
}

} // namespace

bool mail_url::is_loopback() const noexcept {
    in_addr address{};
    return host == "localhost" || host == "::1" ||
           (host.starts_with("127.") && ::inet_pton(AF_INET, host.c_str(), &address) == 1);
}

boost::system::result<mail_url, std::string> parse_mail_url(std::string_view url) {
    mail_url out;
    constexpr std::string_view plain = "smtp://";
    constexpr std::string_view tls = "smtps://";
    out.implicit_tls = url.starts_with(tls);
    if (!out.implicit_tls && !url.starts_with(plain)) {
        return std::string("mail.url must begin with smtp:// or smtps://");
    }
    url.remove_prefix(out.implicit_tls ? tls.size() : plain.size());
    if (url.ends_with('/')) {
        url.remove_suffix(1);
    }

    if (const auto at = url.rfind('@'); at != npos) {
        const auto credentials = url.substr(0, at);
        url.remove_prefix(at + 1);
        const auto colon = credentials.find(':');
        auto user = percent_decoded(credentials.substr(0, colon));
        auto password =
            percent_decoded(colon == npos ? std::string_view() : credentials.substr(colon + 1));
        if (!user || !password || user->empty() || password->empty()) {
            return std::string("mail.url needs a user and a password before the @, each "
                               "percent-encoded (`@` is %40, `:` is %3A, `%` is %25)");
        }
        out.user = std::move(*user);
        out.password = core::secret_string(std::move(*password));
    }
    if (!take_host_and_port(url, out)) {
        return std::string("mail.url needs a host after the scheme, and at most a port after it: "
                           "smtp://user:password@mail.example.org:587");
    }
    return out;
}

} // namespace countersign::notify
