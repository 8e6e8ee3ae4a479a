// smtp:// and smtps:// URLs: what is taken can stand in a dialogue, and what is refused is refused
// without its password.
#include "notify/mail_url.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace countersign::fuzz {
namespace {

// A refusal says the same to everybody, so nothing of the URL can be in it.
bool is_said_to_everybody(const std::string& sentence) {
    constexpr std::array<std::string_view, 3> refused{"", "smtp://u@h", "smtp://"};
    return std::ranges::any_of(refused, [&](std::string_view url) {
        return notify::parse_mail_url(url).error() == sentence;
    });
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char letter) {
        return static_cast<unsigned char>(letter) < ' ' || letter == 0x7F;
    });
}

void mail_url(std::string_view input) {
    const auto read = notify::parse_mail_url(input);
    if (read.has_error()) {
        require(is_said_to_everybody(read.error()), "a refusal quotes nothing");
        return;
    }
    const auto& url = read.unsafe_value();
    require(url.port != 0, "the port is one");
    require(!url.host.empty() && !has_control(url.host) &&
                url.host.find_first_of(" @/[]") == std::string::npos,
            "the host is a name or an address");
    require(!has_control(url.user) && !has_control(url.password.reveal()),
            "credentials are one line");
    require(url.user.empty() == url.password.reveal().empty(), "a user has a password");
    (void)url.is_loopback();
}

const registration here("mail_url", mail_url);

} // namespace
} // namespace countersign::fuzz
