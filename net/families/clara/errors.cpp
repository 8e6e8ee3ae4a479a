#include "net/families/clara/errors.hpp"

#include "net/families/clara/view.hpp"
#include "net/retry_after.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace countersign::net::clara {

namespace {

struct row {
    error_code id;
    unsigned status;
    std::string_view message;
};

constexpr std::string_view not_authenticated =
    "Authorization header or OTP is either missing, invalid or expired.";

// In the order of error_code. From `overloaded` on the contract has no words.
constexpr std::array rows{
    row{error_code::empty_body, 400, "Request body is empty."},
    row{error_code::invalid_schema, 400,
        "One or more required parameters are either not given or have invalid schema."},
    row{error_code::user_exists, 400, "User with the given identifier already exists."},
    row{error_code::not_authenticated, 401, not_authenticated},
    row{error_code::code_refused, 401, not_authenticated},
    row{error_code::not_active, 401,
        "Please activate your account to access the requested resource."},
    row{error_code::not_allowed, 403, "You do not have access to the requested resource."},
    row{error_code::user_not_found, 404, "User with the given identifier does not exist."},
    row{error_code::route_not_found, 404, "The requested route does not exist."},
    row{error_code::method_not_allowed, 405, "The requested method is not allowed for this route."},
    row{error_code::rate_limited, 429, "You have exceeded the rate limit."},
    row{error_code::failed, 500, "Something went wrong."},
    row{error_code::overloaded, 503, "Too many passwords are being checked. Please try again."},
    row{error_code::request_timeout, 408, "The request did not arrive in time."},
    row{error_code::body_too_large, 413, "The request body is too large."},
    row{error_code::header_too_large, 431, "The request header is too large."},
    row{error_code::unsupported, 501, "This is not supported."},
};

constexpr bool is_in_order() {
    for (std::size_t index = 0; index < rows.size(); ++index)
        if (static_cast<std::size_t>(rows[index].id) != index) return false;
    return true;
}
static_assert(is_in_order());

const row& row_of(error_code code) {
    return rows.at(static_cast<std::size_t>(code));
}

error_code common_word(core::refusal_reason reason) {
    using enum core::refusal_reason;
    switch (reason) {
    case session_ended:
    case wrong_password:
        return error_code::not_authenticated;
    case no_code:
    case wrong_code:
    case code_expired:
        return error_code::code_refused;
    case blocked:
    case mail_too_soon:
        return error_code::rate_limited;
    case only_method:
    case method_forbidden:
    case second_factor_required:
        return error_code::not_allowed;
    case code_not_mailed:
        return error_code::invalid_schema;
    // No command of this family is refused so.
    case step_up_missing:
    case step_up_malformed:
    case step_up_expired:
    case challenge_unknown:
    case password_missing:
    case no_password:
    case wrong_backup_code:
    case no_second_factor:
    case method_off:
    case method_on_already:
    case method_off_already:
    case factor_unknown:
    case enrolment_unknown:
    case enrolment_expired:
    case email_verified_already:
    case email_unchanged:
    case link_unknown:
    case link_expired:
    case refresh_reused:
    case no_such_session:
    case too_many_api_tokens:
    case no_such_api_token:
    case passkeys_off:
    case too_many_passkeys:
    case passkey_challenge_unknown:
    case passkey_refused:
        break;
    }
    return error_code::failed;
}

} // namespace

error from_refusal(const core::refusal& why, const refusal_words& own) {
    const auto found = std::ranges::find(own, why.reason, &refusal_words::value_type::first);
    return error(found != own.end() ? found->second : common_word(why.reason), why.retry_after);
}

error from_store(store::store_error why) {
    switch (why) {
    case store::store_error::corrupt:
        return error(error_code::failed);
    case store::store_error::unavailable:
    case store::store_error::contention:
    case store::store_error::overloaded:
    case store::store_error::outbox_full:
        break;
    }
    return error(error_code::failed, soon);
}

error overloaded() {
    return error(error_code::overloaded, soon);
}

error from_evidence(const evidence_failure& why) {
    return why.store ? from_store(*why.store) : overloaded();
}

error from_transport(transport_problem problem, std::string_view detail) {
    using enum transport_problem;
    switch (problem) {
    case malformed_request:
    case expectation_failed:
        return error(error_code::invalid_schema, {}, std::string(detail));
    case timeout:
        return error(error_code::request_timeout);
    case body_too_large:
        return error(error_code::body_too_large);
    case header_too_large:
        return error(error_code::header_too_large);
    case internal_error:
        return error(error_code::failed);
    case method_unknown:
    case unsupported_transfer:
    case unsupported_version:
        return error(error_code::unsupported, {}, std::string(detail));
    }
    return error(error_code::failed);
}

reply render(const error& error) {
    const auto& row = row_of(error.code);
    boost::json::value data;
    if (error.code == error_code::code_refused)
        data = boost::json::object{{"is_2fa_enabled", true}};
    auto out = envelope(row.status, "error",
                        error.message.empty() ? row.message : std::string_view(error.message),
                        std::move(data));
    add_retry_after(out, error.retry_after);
    return out;
}

} // namespace countersign::net::clara
