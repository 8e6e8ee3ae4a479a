#include "net/families/service/errors.hpp"

#include "net/retry_after.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <array>

namespace countersign::net::service {

namespace {

struct row {
    error_code id;
    unsigned status;
    std::string_view code;
    std::string_view title;
    std::string_view detail;
};

// In the order of error_code.
constexpr std::array rows{
    row{error_code::account_unreadable, 500, "account_unreadable", "The account cannot be read",
        "The account is stored in a form that cannot be read. The server's log says more."},
    row{error_code::blocked, 429, "blocked", "Too many wrong codes",
        "Too many wrong codes in a row: nothing was checked. Ask again after Retry-After."},
    row{error_code::body_too_large, 413, "body_too_large", "The body is too large",
        "The body is too large."},
    row{error_code::code_expired, 422, "code_expired", "The code has expired",
        "The mailed code has expired. Have a new one mailed."},
    row{error_code::email_factor_forbidden, 409, "email_factor_forbidden",
        "E-mail is no second factor here",
        "This server takes no mailed code as a second factor. Enrol an authenticator app."},
    row{error_code::email_factor_off, 409, "email_factor_off", "The e-mail factor is off",
        "E-mail is no second factor of this subject. PUT it with emailFactor true first."},
    row{error_code::email_taken, 409, "email_taken", "The address is taken",
        "Another account has this e-mail address."},
    row{error_code::enrolment_expired, 410, "enrolment_expired", "The enrolment has expired",
        "The enrolment was not confirmed in time. Begin a new one."},
    row{error_code::enrolment_not_found, 404, "enrolment_not_found", "No such enrolment",
        "No enrolment of this factor is pending: it was confirmed, replaced or never begun."},
    row{error_code::expectation_failed, 417, "expectation_failed", "The expectation cannot be met",
        "Of all expectations only 100-continue is met."},
    row{error_code::factor_not_found, 404, "factor_not_found", "No such factor",
        "The subject has no such factor."},
    row{error_code::header_too_large, 431, "header_too_large", "The header section is too large",
        "The header section is too large."},
    row{error_code::insufficient_scope, 403, "insufficient_scope",
        "The service key may not do this",
        "The service key lacks the scope that this route asks for."},
    row{error_code::internal_error, 500, "internal_error", "The request could not be completed",
        "The request could not be completed."},
    row{error_code::invalid_request, 400, "invalid_request", "The request is not valid",
        "The request is not valid."},
    row{error_code::last_factor, 409, "last_factor", "The last second factor stays",
        "This server does not take an account's last second factor away."},
    row{error_code::mail_too_soon, 429, "mail_too_soon", "Too many mails",
        "The last mail was sent too short a time ago. Ask again after Retry-After."},
    row{error_code::malformed_request, 400, "malformed_request", "The request is malformed",
        "The request is malformed."},
    row{error_code::method_not_allowed, 405, "method_not_allowed", "The method is not allowed",
        "This path does not take that method."},
    row{error_code::no_second_factor, 409, "no_second_factor", "There is no second factor",
        "The subject has no second factor. Enrol one first."},
    row{error_code::not_found, 404, "not_found", "Not found", "There is nothing at this path."},
    row{error_code::not_implemented, 501, "not_implemented", "Not implemented",
        "The request uses a feature of HTTP that is not offered."},
    row{error_code::overloaded, 503, "overloaded", "Too many requests are waiting",
        "Too many requests are waiting. Ask again after Retry-After."},
    row{error_code::passkey_challenge_not_found, 422, "passkey_challenge_not_found",
        "No challenge is pending",
        "No challenge is pending: it was answered, replaced, ran out or was never asked for."},
    row{error_code::passkey_refused, 422, "passkey_refused", "The passkey was refused",
        "What the browser brought back failed a check of WebAuthn."},
    row{error_code::passkeys_off, 409, "passkeys_off", "Passkeys are off",
        "This server takes no passkeys: the setting webauthn.rp_id names no domain."},
    row{error_code::request_timeout, 408, "request_timeout", "The request came too slowly",
        "The request did not arrive in time."},
    row{error_code::service_key_invalid, 401, "service_key_invalid", "The service key is not valid",
        "There is no such service key, or it was revoked."},
    row{error_code::service_key_missing, 401, "service_key_missing", "A service key is missing",
        "Present a service key: Authorization: Bearer csk_…"},
    row{error_code::store_unavailable, 500, "store_unavailable", "The store is away",
        "The request may or may not have taken effect. Ask again after Retry-After."},
    row{error_code::subject_not_found, 404, "subject_not_found", "No such subject",
        "There is no such subject. PUT it first."},
    row{error_code::too_many_factors, 409, "too_many_factors", "Too many factors",
        "The subject has ten authenticator apps. Remove one first."},
    row{error_code::totp_off, 409, "totp_off", "There is no authenticator app",
        "Backup codes stand beside an authenticator app, and the subject has none. Enrol one "
        "first."},
    row{error_code::unsupported_http_version, 505, "unsupported_http_version",
        "The version of HTTP is not supported", "Use HTTP/1.1."},
    row{error_code::unsupported_media_type, 415, "unsupported_media_type",
        "The media type is not supported", "The body must be sent as another media type."},
    row{error_code::wrong_code, 422, "wrong_code", "The code is wrong",
        "The code is wrong, or was used before."},
};

constexpr bool in_order() {
    for (std::size_t index = 0; index < rows.size(); ++index)
        if (static_cast<std::size_t>(rows[index].id) != index) return false;
    return rows.size() == error_code_count;
}
static_assert(in_order());

const row& row_of(error_code code) {
    return rows[static_cast<std::size_t>(code)];
}

} // namespace

std::string_view to_string(error_code code) noexcept {
    return row_of(code).code;
}

error from_refusal(const core::refusal& why) {
    const auto code = [&] {
        using enum core::refusal_reason;
        switch (why.reason) {
        case blocked:
            return error_code::blocked;
        case wrong_code:
            return error_code::wrong_code;
        case code_expired:
            return error_code::code_expired;
        case no_second_factor:
            return error_code::no_second_factor;
        case method_off:
            return error_code::email_factor_off;
        case method_forbidden:
            return error_code::email_factor_forbidden;
        case method_on_already:
            return error_code::too_many_factors;
        case method_off_already:
            return error_code::totp_off;
        case only_method:
            return error_code::last_factor;
        case factor_unknown:
            return error_code::factor_not_found;
        case enrolment_unknown:
            return error_code::enrolment_not_found;
        case enrolment_expired:
            return error_code::enrolment_expired;
        case mail_too_soon:
            return error_code::mail_too_soon;
        case passkeys_off:
            return error_code::passkeys_off;
        case too_many_passkeys:
            return error_code::too_many_factors;
        case passkey_challenge_unknown:
            return error_code::passkey_challenge_not_found;
        case passkey_refused:
            return error_code::passkey_refused;
        // No command of this family is refused so.
        case session_ended:
        case step_up_missing:
        case step_up_malformed:
        case step_up_expired:
        case challenge_unknown:
        case password_missing:
        case wrong_password:
        case no_password:
        case no_code:
        case wrong_backup_code:
        case code_not_mailed:
        case second_factor_required:
        case email_verified_already:
        case email_unchanged:
        case link_unknown:
        case link_expired:
        case refresh_reused:
        case no_such_session:
        case too_many_api_tokens:
        case no_such_api_token:
            break;
        }
        return error_code::internal_error;
    }();
    error made(code, {}, why.retry_after);
    if (why.reason == core::refusal_reason::too_many_passkeys)
        made.detail = "The subject has ten passkeys. Remove one first.";
    if (why.check) {
        made.check = to_string(*why.check);
        made.detail = "The check '" + std::string(made.check) + "' of WebAuthn failed.";
    }
    return made;
}

error from_store(store::store_error why) {
    switch (why) {
    case store::store_error::corrupt:
        return error(error_code::account_unreadable);
    case store::store_error::overloaded: // it did not run
        return error(error_code::overloaded, {}, soon);
    case store::store_error::unavailable:
    case store::store_error::contention:
    case store::store_error::outbox_full:
        break;
    }
    return error(error_code::store_unavailable, {}, soon);
}

error from_transport(transport_problem problem, std::string_view detail) {
    using enum transport_problem;
    const auto code = [problem] {
        switch (problem) {
        case malformed_request:
            return error_code::malformed_request;
        case timeout:
            return error_code::request_timeout;
        case body_too_large:
            return error_code::body_too_large;
        case expectation_failed:
            return error_code::expectation_failed;
        case header_too_large:
            return error_code::header_too_large;
        case internal_error:
            return error_code::internal_error;
        case method_unknown:
        case unsupported_transfer:
            return error_code::not_implemented;
        case unsupported_version:
            return error_code::unsupported_http_version;
        }
        return error_code::internal_error;
    }();
    return error(code, std::string(detail));
}

error from_body(const json_body& body) {
    return invalid(body.problem_field(), body.problem());
}

error invalid(std::string_view field, std::string sentence) {
    error made(error_code::invalid_request, std::move(sentence));
    made.field = field;
    return made;
}

reply render(const error& error) {
    const auto& row = row_of(error.code);
    reply out{.status = row.status, .content_type = "application/problem+json"};
    add_retry_after(out, error.retry_after);
    if (!error.challenge.empty()) out.headers.emplace_back("WWW-Authenticate", error.challenge);

    boost::json::object body;
    body["type"] = "urn:countersign:problem:" + std::string(row.code);
    body["title"] = row.title;
    body["status"] = row.status;
    body["detail"] = error.detail.empty() ? row.detail : std::string_view(error.detail);
    body["code"] = row.code;
    if (!error.field.empty()) body["field"] = error.field;
    if (!error.check.empty()) body["check"] = error.check;
    out.body = boost::json::serialize(body);
    return out;
}

} // namespace countersign::net::service
