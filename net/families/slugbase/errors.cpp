#include "net/families/slugbase/errors.hpp"

#include "net/retry_after.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace countersign::net::slugbase {

namespace {

// How an error is written: {error, code?}, the seed page's {error, message, code, details?}, or
// just its text.
enum class form : std::uint8_t { brief, page, text };

struct row {
    error_code id;
    unsigned status;
    std::string_view error;
    std::string_view code; // or none
    form written = form::brief;
};

constexpr std::string_view too_many_mfa = "Too many MFA attempts. Please try again later.";

// In the order of error_code.
constexpr std::array rows{
    row{error_code::api_tokens_exhausted, 400, "Too many API tokens. Revoke one first.", {}},
    row{error_code::bad_request, 400, "Bad Request", {}, form::page},
    row{error_code::code_required, 400, "Code is required", {}},
    row{error_code::credentials_required, 400, "Email and password are required", {}},
    row{error_code::csrf_token_invalid, 403, "Invalid CSRF token", {}},
    row{error_code::internal_error, 500, "Request failed", {}},
    row{error_code::invalid_code, 400, "Invalid code", "INVALID_CODE"},
    row{error_code::invalid_credentials, 401, "Invalid email or password", {}},
    row{error_code::invalid_login_code, 401, "Invalid code", "INVALID_CODE"},
    row{error_code::invalid_password, 401, "Invalid password", "INVALID_PASSWORD"},
    row{error_code::method_not_allowed, 405, "Method not allowed", {}},
    row{error_code::mfa_already_enabled, 409, "MFA is already enabled", "MFA_ALREADY_ENABLED"},
    row{error_code::mfa_no_pending, 400, "No enrollment in progress", "MFA_NO_PENDING"},
    row{error_code::mfa_not_enabled, 400, "MFA is not enabled", "MFA_NOT_ENABLED"},
    row{error_code::mfa_pending_invalid, 401, "MFA session expired. Please sign in again.",
        "MFA_PENDING_INVALID"},
    row{error_code::mfa_required, 403, "Two-factor authentication is required", "MFA_REQUIRED"},
    row{error_code::not_found, 404, "Not found", {}},
    row{error_code::overloaded, 503, "The server is busy. Please try again.", {}},
    row{error_code::password_required, 400, "Password is required", "PASSWORD_REQUIRED"},
    row{error_code::payload_too_large, 413, "The body is too large", {}},
    row{error_code::request_failed, 500, "Request failed", {}},
    row{error_code::request_header_too_large, 431, "The header section is too large", {}},
    row{error_code::request_malformed, 400, "The request is malformed", {}},
    row{error_code::request_timeout, 408, "The request did not arrive in time", {}},
    row{error_code::sign_in_failed, 500, "An error occurred during sign in.", {}},
    row{error_code::too_many_mfa_attempts, 429, too_many_mfa, {}, form::text},
    row{error_code::too_many_mfa_setups,
        429,
        "Too many MFA setup attempts. Please try again later.",
        {},
        form::text},
    row{error_code::too_many_requests,
        429,
        "Too many requests, please try again later.",
        {},
        form::text},
    row{error_code::too_many_sign_ins,
        429,
        "Too many authentication attempts, please try again later.",
        {},
        form::text},
    row{error_code::unauthorized, 401, "Unauthorized", {}, form::page},
    row{error_code::unsupported, 501, "The request uses a feature of HTTP that is not offered", {}},
};

constexpr bool in_order() {
    for (std::size_t index = 0; index < rows.size(); ++index)
        if (static_cast<std::size_t>(rows[index].id) != index) return false;
    return true;
}
static_assert(in_order());

// The seed page's words.
constexpr std::string_view bad_request_message =
    "The request contains invalid parameters or malformed data";
constexpr std::string_view unauthorized_message =
    "Authentication required. Please provide a valid API token";

error_code common_word(core::refusal_reason reason) {
    using enum core::refusal_reason;
    switch (reason) {
    case session_ended:
        return error_code::unauthorized;
    case challenge_unknown:
    // The factor was removed since the password was right: nothing is pending any more.
    case no_second_factor:
        return error_code::mfa_pending_invalid;
    case blocked:
        return error_code::too_many_mfa_attempts;
    case password_missing:
        return error_code::password_required;
    case wrong_password:
        return error_code::invalid_password;
    case no_code:
        return error_code::code_required;
    case wrong_code:
    case code_expired:
        return error_code::invalid_code;
    case method_off_already:
        return error_code::mfa_not_enabled;
    case method_on_already:
        return error_code::mfa_already_enabled;
    case only_method:
    case second_factor_required:
        return error_code::mfa_required;
    case enrolment_unknown:
    case enrolment_expired:
        return error_code::mfa_no_pending;
    case too_many_api_tokens:
        return error_code::api_tokens_exhausted;
    case no_such_api_token:
        return error_code::not_found;
    // No command of this family is refused so.
    case step_up_missing:
    case step_up_malformed:
    case step_up_expired:
    case no_password:
    case wrong_backup_code:
    case code_not_mailed:
    case method_off:
    case method_forbidden:
    case factor_unknown:
    case mail_too_soon:
    case email_verified_already:
    case email_unchanged:
    case link_unknown:
    case link_expired:
    case refresh_reused:
    case no_such_session:
    case passkeys_off:
    case too_many_passkeys:
    case passkey_challenge_unknown:
    case passkey_refused:
        break;
    }
    return error_code::internal_error;
}

} // namespace

error from_refusal(const core::refusal& why, const refusal_words& own) {
    const auto found = std::ranges::find(own, why.reason, &refusal_words::value_type::first);
    return {.code = found != own.end() ? found->second : common_word(why.reason),
            .retry_after = why.retry_after};
}

error from_store(store::store_error why) {
    switch (why) {
    case store::store_error::corrupt:
        return {.code = error_code::internal_error};
    case store::store_error::unavailable:
    case store::store_error::contention:
    case store::store_error::overloaded:
    case store::store_error::outbox_full:
        break;
    }
    return {.code = error_code::request_failed, .retry_after = soon};
}

error overloaded() {
    return {.code = error_code::overloaded, .retry_after = soon};
}

error from_evidence(const evidence_failure& why) {
    return why.store ? from_store(*why.store) : overloaded();
}

error from_transport(transport_problem problem) {
    using enum transport_problem;
    switch (problem) {
    case malformed_request:
    case expectation_failed:
        return {.code = error_code::request_malformed};
    case timeout:
        return {.code = error_code::request_timeout};
    case body_too_large:
        return {.code = error_code::payload_too_large};
    case header_too_large:
        return {.code = error_code::request_header_too_large};
    case internal_error:
        return {.code = error_code::internal_error};
    case method_unknown:
    case unsupported_transfer:
    case unsupported_version:
        return {.code = error_code::unsupported};
    }
    return {.code = error_code::internal_error};
}

reply render(const error& error) {
    const auto& row = rows[static_cast<std::size_t>(error.code)];
    reply out{.status = row.status};
    add_retry_after(out, error.retry_after);
    boost::json::object body{{"error", row.error}};
    switch (row.written) {
    case form::text:
        out.content_type = "text/plain; charset=utf-8";
        out.body = row.error;
        return out;
    case form::page:
        body["message"] =
            error.code == error_code::unauthorized ? unauthorized_message : bad_request_message;
        body["code"] = row.status;
        if (!error.field.empty())
            body["details"] = boost::json::array{
                boost::json::object{{"field", error.field}, {"message", error.problem}}};
        break;
    case form::brief:
        if (!row.code.empty()) body["code"] = row.code;
        break;
    }
    out.body = boost::json::serialize(body);
    return out;
}

} // namespace countersign::net::slugbase
