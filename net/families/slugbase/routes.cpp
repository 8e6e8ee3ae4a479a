#include "net/families/slugbase/routes.hpp"

#include <array>

namespace countersign::net::slugbase {

namespace {

using enum boost::beast::http::verb;
using credential::none;
using credential::pending_login;

struct guards {
    bool csrf = false;
    ip_limit limit = ip_limit::general;
    bool proves_code = false;
    bool before_enrolment = false;
};
constexpr guards shows{.before_enrolment = true};
constexpr guards changes{.csrf = true};
constexpr guards makes_token{.csrf = true, .limit = ip_limit::api_token};
constexpr guards enrols{.csrf = true, .limit = ip_limit::mfa_enrol, .before_enrolment = true};
constexpr guards confirms{
    .csrf = true, .limit = ip_limit::mfa_enrol, .proves_code = true, .before_enrolment = true};
constexpr guards proves{.csrf = true, .limit = ip_limit::mfa_verify, .proves_code = true};
// Exempt from the CSRF check: no session is spent.
constexpr guards signs_in{.limit = ip_limit::sign_in, .proves_code = true};
constexpr guards verifies{.limit = ip_limit::mfa_verify, .proves_code = true};

constexpr route row(boost::beast::http::verb method, std::string_view pattern, credential needs,
                    handled (*handler)(call&), guards guard = {}) {
    return {{method, pattern},      needs,  guard.csrf, guard.limit, guard.proves_code,
            guard.before_enrolment, handler};
}

// clang-format off
constexpr std::array table{
    row(post,    "/api/auth/login",                  none, log_in, signs_in),
    row(post,    "/api/auth/logout",                 none, log_out),
    row(get,     "/api/auth/me",                     credential::account, read_me, shows),
    row(get,     "/api/csrf-token",                  none, read_csrf_token),
    row(get,     "/api/auth/mfa/status",             credential::account, read_mfa_status, shows),
    row(post,    "/api/auth/mfa/enroll/begin",       credential::account, begin_enrolment, enrols),
    row(post,    "/api/auth/mfa/enroll/confirm",     credential::account, confirm_enrolment,
        confirms),
    row(post,    "/api/auth/mfa/enroll/cancel",      credential::account, cancel_enrolment, enrols),
    row(post,    "/api/auth/mfa/disable",            credential::account, disable_mfa, proves),
    row(post,    "/api/auth/mfa/backup/regenerate",  credential::account, regenerate_backup_codes,
        proves),
    row(post,    "/api/auth/mfa/verify",             pending_login, verify_login, verifies),
    row(get,     "/api/tokens",                      credential::account, list_api_tokens),
    row(post,    "/api/tokens",                      credential::account, create_api_token,
        makes_token),
    row(delete_, "/api/tokens/{id}",                 credential::account, revoke_api_token,
        changes),
};
// clang-format on

} // namespace

std::span<const route> routes() {
    return table;
}

} // namespace countersign::net::slugbase
