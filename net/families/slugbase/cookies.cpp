#include "net/families/slugbase/cookies.hpp"

#include "core/crypto/secret.hpp"
#include "net/json_body.hpp"

#include <chrono>

namespace countersign::net::slugbase {

namespace {

constexpr std::size_t csrf_bytes = 32;
constexpr std::chrono::hours csrf_life{24};

bool is_csrf_token(std::string_view text) {
    return text.size() == 2 * csrf_bytes &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

void set_cookie(services& services, const request& request, reply& out, std::string_view name,
                std::string_view value, core::seconds life, same_site site) {
    out.headers.emplace_back("Set-Cookie",
                             to_header({.prefix = services.cookie_prefix,
                                        .name = name,
                                        .value = value,
                                        .life = value.empty() ? core::seconds(0) : life,
                                        .site = site,
                                        .secure = services.secure_cookies || request.secure}));
}

std::string csrf_token(services& services, const request& request) {
    const auto own = request.cookie(csrf_cookie, services.cookie_prefix).value_or("");
    return is_csrf_token(own) ? std::string(own) : services.random.hex(csrf_bytes);
}

void set_csrf_cookie(services& services, const request& request, reply& out,
                     std::string_view token) {
    set_cookie(services, request, out, csrf_cookie, token, csrf_life);
}

bool may_be_forged(const services& services, const request& request) {
    const auto cookie = [&](std::string_view name) {
        return request.cookie(name, services.cookie_prefix).value_or("");
    };
    if (request.header("authorization") || cookie(session_cookie).empty()) return false;
    const auto expected = cookie(csrf_cookie);
    if (!is_csrf_token(expected)) return true;
    if (const auto shown = request.header("x-csrf-token"))
        return !core::equal_in_constant_time(*shown, expected);
    json_body body(request, json_body::absence::is_empty);
    const auto shown = body.optional_text("csrfToken").value_or("");
    return !core::equal_in_constant_time(shown, expected);
}

} // namespace countersign::net::slugbase
