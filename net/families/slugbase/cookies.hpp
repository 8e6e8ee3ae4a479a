// The slugbase family's cookies (contract section 2.1), and the forgery check of requests that
// carry the session in one of them (section 2.2).
#pragma once

#include "net/cookies.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/services.hpp"

#include <string>
#include <string_view>

namespace countersign::net::slugbase {

inline constexpr std::string_view session_cookie = "slugbase.sid";
inline constexpr std::string_view pending_cookie = "slugbase.mfa_pending";
inline constexpr std::string_view csrf_cookie = "_csrf";

// An empty value clears the cookie.
void set_cookie(services& services, const request& request, reply& out, std::string_view name,
                std::string_view value, core::seconds life, same_site site = same_site::strict);

// The request's own token if it carries a well-formed one, else a new one.
[[nodiscard]] std::string csrf_token(services& services, const request& request);
void set_csrf_cookie(services& services, const request& request, reply& out,
                     std::string_view token);

// Whether the request may have been forged: it carries the session in a cookie, which browsers add
// by themselves, and nothing that shows that the sender could read the CSRF token. A credential in
// the Authorization field counts alone, and nobody adds that by himself.
[[nodiscard]] bool may_be_forged(const services& services, const request& request);

} // namespace countersign::net::slugbase
