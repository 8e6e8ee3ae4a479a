#include "net/families/service/routes.hpp"

#include <algorithm>
#include <array>

namespace countersign::net::service {

namespace {

using enum boost::beast::http::verb;
using enum store::service_scope;

struct more {
    std::optional<store::service_scope> or_else = std::nullopt;
    bool proves_code = false;
    bool streams_body = false;
};
constexpr more proves{.proves_code = true};
constexpr more streams{.streams_body = true};
constexpr more or_verify{.or_else = verify};

constexpr route row(boost::beast::http::verb method, std::string_view pattern,
                    store::service_scope needs, handled (*handler)(call&), more about = {}) {
    return {{method, pattern},  needs,  about.or_else, about.proves_code,
            about.streams_body, handler};
}

// clang-format off
constexpr std::array table{
    row(put,     "/api/service/v1/subjects/{subject}",                       manage, put_subject),
    row(get,     "/api/service/v1/subjects/{subject}",                       manage, read_subject,
        or_verify),
    row(delete_, "/api/service/v1/subjects/{subject}",                       manage, erase_subject),
    row(post,    "/api/service/v1/subjects/{subject}/totp",                  manage, begin_totp),
    row(post,    "/api/service/v1/subjects/{subject}/totp/{factor}/confirm", manage, confirm_totp,
        proves),
    row(post,    "/api/service/v1/subjects/{subject}/passkeys",              manage, begin_passkey),
    row(post,    "/api/service/v1/subjects/{subject}/passkeys/{factor}/confirm", manage,
        confirm_passkey),
    row(post,    "/api/service/v1/subjects/{subject}/passkey-challenges",    verify,
        begin_passkey_verification),
    row(post,    "/api/service/v1/subjects/{subject}/email-codes",           verify, mail_code),
    row(post,    "/api/service/v1/subjects/{subject}/verifications",         verify,
        service::verify, proves),
    row(delete_, "/api/service/v1/subjects/{subject}/factors",               manage, reset_factors),
    row(delete_, "/api/service/v1/subjects/{subject}/factors/{factor}",      manage, reset_factor),
    row(post,    "/api/service/v1/subjects/{subject}/sessions",              sessions, open_session,
        proves),
    row(delete_, "/api/service/v1/subjects/{subject}/sessions",              sessions,
        end_sessions),
    row(get,     "/api/service/v1/subjects/{subject}/activity",              manage, read_activity),
    row(put,     "/api/service/v1/subjects/{subject}/notification-addresses", manage,
        put_notification_addresses),
    row(post,    "/api/service/v1/subjects/{subject}/backup-codes",          manage,
        replace_backup_codes),
    row(post,    "/api/service/v1/introspect",                               sessions, introspect,
        or_verify),
    row(post,    "/api/service/v1/imports",                                  import,
        import_subjects, streams),
};
// clang-format on

} // namespace

bool route::allows(const store::service_key& presented) const {
    return std::ranges::any_of(presented.scopes, [&](store::service_scope scope) {
        return scope == needs || scope == or_else;
    });
}

std::span<const route> routes() {
    return table;
}

} // namespace countersign::net::service
