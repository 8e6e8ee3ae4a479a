#include "net/cookies.hpp"

namespace countersign::net {

std::string to_header(const cookie& cookie) {
    std::string text;
    text.append(cookie.prefix).append(cookie.name).append("=").append(cookie.value);
    text.append("; Path=/; Max-Age=").append(std::to_string(cookie.life.count()));
    text.append("; HttpOnly; SameSite=");
    text.append(cookie.site == same_site::strict ? "Strict" : "Lax");
    if (cookie.secure) text.append("; Secure");
    return text;
}

} // namespace countersign::net
