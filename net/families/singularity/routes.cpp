#include "net/families/singularity/routes.hpp"

#include <array>

namespace countersign::net::singularity {

namespace {

using enum boost::beast::http::verb;
using enum credential;

struct guards {
    ip_limit limit = ip_limit::general;
    bool proves_code = false;
    bool before_enrolment = false;
};
constexpr guards proves{.proves_code = true};
constexpr guards sign_in{.limit = ip_limit::sign_in, .proves_code = true};
constexpr guards limited{.limit = ip_limit::sign_in};
// What enrolling takes, and whose session it is.
constexpr guards enrols{.before_enrolment = true};
constexpr guards confirms{.proves_code = true, .before_enrolment = true};
constexpr guards steps_up{
    .limit = ip_limit::sign_in, .proves_code = true, .before_enrolment = true};

constexpr route row(boost::beast::http::verb method, std::string_view pattern, credential needs,
                    handled (*handler)(call&), guards guard = {}) {
    return {{method, pattern},      needs,  guard.limit, guard.proves_code,
            guard.before_enrolment, handler};
}

// clang-format off
constexpr std::array table{
    row(post,    "/api/auth/register",                     guest, register_account),
    row(post,    "/api/auth/login",                        guest, log_in, sign_in),
    row(post,    "/api/auth/logout",                       access_optional, log_out),
    row(post,    "/api/auth/refresh",                      credential::refresh,
        singularity::refresh),
    row(get,     "/api/auth/status",                       any_token, status),
    row(post,    "/api/auth/step-up",                      access, begin_step_up, steps_up),
    row(get,     "/api/auth/2fa/totp/setup",               access_and_step_up, begin_totp,
        enrols),
    row(post,    "/api/auth/2fa/totp/setup",               access_and_step_up, confirm_totp,
        confirms),
    row(delete_, "/api/auth/2fa/totp",                     access_and_step_up, disable_totp),
    row(post,    "/api/auth/2fa/totp/recover",             two_factor, recover, sign_in),
    row(post,    "/api/auth/2fa/email/send",               access_or_two_factor, send_email_code,
        enrols),
    row(post,    "/api/auth/2fa/email/enable",             access_and_step_up, enable_email,
        confirms),
    row(delete_, "/api/auth/2fa/email",                    access_and_step_up, disable_email),
    row(get,     "/api/auth/2fa/email/cooldown",           access_or_two_factor, email_cooldown,
        enrols),
    row(post,    "/api/auth/2fa/login",                    two_factor_guest, complete_login,
        sign_in),
    row(post,    "/api/auth/2fa/step-up",                  two_factor_and_access, complete_step_up,
        steps_up),
    row(post,    "/api/auth/2fa/preferred-method",         access_and_step_up, prefer_method),
    row(post,    "/api/auth/email/verification",           none, verify_email),
    row(post,    "/api/auth/email/verification/send",      access, send_verification),
    row(get,     "/api/auth/email/verification/cooldown",  access, verification_cooldown),
    row(post,    "/api/auth/password/reset-request",       none, request_password_reset),
    row(post,    "/api/auth/password/reset",               none, reset_password, limited),
    row(get,     "/api/auth/password/reset/cooldown",      none, password_reset_cooldown),
    row(get,     "/api/users/me",                          access, read_user, enrols),
    row(put,     "/api/users/me",                          access, rename_user),
    row(delete_, "/api/users/me",                          access_and_step_up, delete_user),
    row(put,     "/api/users/me/email",                    access_and_step_up, change_email),
    row(put,     "/api/users/me/password",                 access_and_step_up, change_password,
        proves),
    row(get,     "/api/users/me/sessions",                 access, list_sessions),
    row(delete_, "/api/users/me/sessions",                 access, end_all_sessions),
    row(delete_, "/api/users/me/sessions/{id}",            access, end_session),
};
// clang-format on

} // namespace

std::span<const route> routes() {
    return table;
}

} // namespace countersign::net::singularity
