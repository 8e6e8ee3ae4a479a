#include "net/families/clara/routes.hpp"

#include <array>

namespace countersign::net::clara {

namespace {

using enum boost::beast::http::verb;
using enum credential;

struct guards {
    ip_limit limit = ip_limit::general;
    bool proves_code = false;
    bool before_enrolment = false;
};
constexpr guards proves{.proves_code = true};
constexpr guards shows{.before_enrolment = true};
constexpr guards enrols{.proves_code = true, .before_enrolment = true};
constexpr guards unlimited{.limit = ip_limit::none};

constexpr route row(boost::beast::http::verb method, std::string_view pattern, credential needs,
                    handled (*handler)(call&), guards guard = {}) {
    return {{method, pattern},      needs,  guard.limit, guard.proves_code,
            guard.before_enrolment, handler};
}

// clang-format off
constexpr std::array table{
    row(post,    "/api/v1/auth/register",                     key, register_account),
    row(post,    "/api/v1/auth/session",                      credential::password, log_in, proves),
    row(delete_, "/api/v1/auth/session",                      user, log_out, shows),
    row(patch,   "/api/v1/users/{user_email}/password",       user_or_key, change_password, proves),
    row(post,    "/api/v1/users/{user_email}/otp/{otp_type}", key, send_code),
    row(post,    "/api/v1/users/{user_email}/activate",       key, activate, proves),
    row(post,    "/api/v1/users/{user_id}/2fa",               active_user_or_private_key,
        enable_two_factor, enrols),
    row(delete_, "/api/v1/users/{user_id}/2fa",               active_user_or_private_key,
        disable_two_factor, proves),
    row(get,     "/api/v1/users",                             private_key, list_users),
    row(get,     "/api/v1/users/{user_id}",                   user_or_private_key, read_user,
        shows),
    row(patch,   "/api/v1/users/{user_id}",                   user_or_private_key, update_user),
    row(delete_, "/api/v1/users/{user_id}",                   private_key, delete_user),
    row(get,     "/api/v1/health",                            none, health, unlimited),
    row(get,     "/api/v1/version",                           none, version, unlimited),
};
// clang-format on

} // namespace

std::span<const route> routes() {
    return table;
}

} // namespace countersign::net::clara
