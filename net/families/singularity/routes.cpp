#include "net/families/singularity/routes.hpp"

#include <array>

namespace countersign::net::singularity {

namespace {

using enum boost::beast::http::verb;
using enum credential;
constexpr auto general = ip_limit::general;
constexpr auto sign_in = ip_limit::sign_in;
constexpr bool proves = true;
constexpr bool plain = false;

// clang-format off
constexpr std::array table{
    route{{post,    "/api/auth/register"},                    guest,                general, plain,  register_account},
    route{{post,    "/api/auth/login"},                       guest,                sign_in, proves, log_in},
    route{{post,    "/api/auth/logout"},                      access_optional,      general, plain,  log_out},
    route{{post,    "/api/auth/refresh"},                     credential::refresh,  general, plain,  singularity::refresh},
    route{{get,     "/api/auth/status"},                      any_token,            general, plain,  status},
    route{{post,    "/api/auth/step-up"},                     access,               sign_in, proves, begin_step_up},

    route{{get,     "/api/auth/2fa/totp/setup"},              access_and_step_up,   general, plain,  begin_totp},
    route{{post,    "/api/auth/2fa/totp/setup"},              access_and_step_up,   general, proves, confirm_totp},
    route{{delete_, "/api/auth/2fa/totp"},                    access_and_step_up,   general, plain,  disable_totp},
    route{{post,    "/api/auth/2fa/totp/recover"},            two_factor,           sign_in, proves, recover},
    route{{post,    "/api/auth/2fa/email/send"},              access_or_two_factor, general, plain,  send_email_code},
    route{{post,    "/api/auth/2fa/email/enable"},            access_and_step_up,   general, proves, enable_email},
    route{{delete_, "/api/auth/2fa/email"},                   access_and_step_up,   general, plain,  disable_email},
    route{{get,     "/api/auth/2fa/email/cooldown"},          access_or_two_factor, general, plain,  email_cooldown},
    route{{post,    "/api/auth/2fa/login"},                   two_factor_guest,     sign_in, proves, complete_login},
    route{{post,    "/api/auth/2fa/step-up"},                 two_factor_and_access, sign_in, proves, complete_step_up},
    route{{post,    "/api/auth/2fa/preferred-method"},        access_and_step_up,   general, plain,  prefer_method},

    route{{post,    "/api/auth/email/verification"},          none,                 general, plain,  verify_email},
    route{{post,    "/api/auth/email/verification/send"},     access,               general, plain,  send_verification},
    route{{get,     "/api/auth/email/verification/cooldown"}, access,               general, plain,  verification_cooldown},
    route{{post,    "/api/auth/password/reset-request"},      none,                 general, plain,  request_password_reset},
    route{{post,    "/api/auth/password/reset"},              none,                 sign_in, plain,  reset_password},
    route{{get,     "/api/auth/password/reset/cooldown"},     none,                 general, plain,  password_reset_cooldown},

    route{{get,     "/api/users/me"},                         access,               general, plain,  read_user},
    route{{put,     "/api/users/me"},                         access,               general, plain,  rename_user},
    route{{delete_, "/api/users/me"},                         access_and_step_up,   general, plain,  delete_user},
    route{{put,     "/api/users/me/email"},                   access_and_step_up,   general, plain,  change_email},
    route{{put,     "/api/users/me/password"},                access_and_step_up,   general, proves, change_password},
    route{{get,     "/api/users/me/sessions"},                access,               general, plain,  list_sessions},
    route{{delete_, "/api/users/me/sessions"},                access,               general, plain,  end_all_sessions},
    route{{delete_, "/api/users/me/sessions/{id}"},           access,               general, plain,  end_session},
};
// clang-format on

} // namespace

std::span<const route> routes() {
    return table;
}

} // namespace countersign::net::singularity
