// The slugbase family's routes as data: what each asks for, what limits it, who handles it. Tests
// about guards are generated from this table, so a new route cannot forget one.
#pragma once

#include "net/families/slugbase/handlers.hpp"
#include "net/family.hpp"
#include "net/route.hpp"

#include <span>

namespace countersign::net::slugbase {

// Which limit per IP counts a request beside the general one (contract section 2.6).
enum class ip_limit : std::uint8_t { general, sign_in, mfa_verify, mfa_enrol, api_token };

struct route {
    route_key key;
    credential needs;
    bool csrf; // refuses a session cookie without the CSRF token (contract section 2.2)
    ip_limit limit;
    bool proves_code; // takes a code or a password: refuses while the account is blocked (T-12)
    // Whether an account may come here that has yet to enrol the factor that policy requires
    // (core::check_enrolled()); of routes that a session or an API token opens.
    bool before_enrolment;
    handled (*handler)(call&);
};

[[nodiscard]] std::span<const route> routes();

// What the table says to a reader of the API, in the names of api.json (description.cpp).
[[nodiscard]] family_description describe();

} // namespace countersign::net::slugbase
