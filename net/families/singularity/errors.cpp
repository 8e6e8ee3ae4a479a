#include "net/families/singularity/errors.hpp"

#include "net/retry_after.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace countersign::net::singularity {

namespace {

struct row {
    error_code id;
    unsigned status;
    std::string_view code;
    std::string_view error; // the contract's `error`: a class name
    std::string_view description;
};

// In the order of error_code.
constexpr std::array rows{
    row{error_code::access_token_expired, 401, "ACCESS_TOKEN_EXPIRED", "AccessTokenExpired",
        "The access token is expired or its session was ended."},
    row{error_code::access_token_invalid, 401, "ACCESS_TOKEN_INVALID", "AccessTokenInvalid",
        "The access token cannot be decoded."},
    row{error_code::already_authenticated, 304, "ALREADY_AUTHENTICATED", "AlreadyAuthenticated",
        "Principal is already authenticated."},
    row{error_code::authentication_required, 401, "AUTHENTICATION_REQUIRED",
        "AuthenticationRequired", "User is not authenticated."},
    row{error_code::cannot_disable_only_two_factor_method, 400,
        "CANNOT_DISABLE_ONLY_TWO_FACTOR_METHOD", "CannotDisableOnlyTwoFactorMethod",
        "Cannot disable only two-factor authentication method."},
    row{error_code::database_failure, 500, "DATABASE_FAILURE", "DatabaseFailure",
        "The request could not be completed. Please try again."},
    row{error_code::email_already_verified, 304, "EMAIL_ALREADY_VERIFIED", "EmailAlreadyVerified",
        "Email is already verified."},
    row{error_code::email_cooldown_active, 429, "EMAIL_COOLDOWN_ACTIVE", "EmailCooldownActive",
        "Failed to send email because cooldown is active."},
    row{error_code::email_taken, 409, "EMAIL_TAKEN", "EmailTaken",
        "Email address is already taken."},
    row{error_code::email_verification_token_expired, 401, "EMAIL_VERIFICATION_TOKEN_EXPIRED",
        "EmailVerificationTokenExpired", "The email verification token is expired."},
    row{error_code::email_verification_token_invalid, 401, "EMAIL_VERIFICATION_TOKEN_INVALID",
        "EmailVerificationTokenInvalid", "The email verification token is not valid."},
    row{error_code::email_verification_token_missing, 401, "EMAIL_VERIFICATION_TOKEN_MISSING",
        "EmailVerificationTokenMissing", "The email verification token is missing."},
    row{error_code::internal_error, 500, "INTERNAL_ERROR", "InternalError",
        "The request could not be completed."},
    row{error_code::invalid_credentials, 401, "INVALID_CREDENTIALS", "InvalidCredentials",
        "Invalid credentials."},
    row{error_code::invalid_request, 400, "INVALID_REQUEST", "InvalidRequest",
        "The request is not valid."},
    row{error_code::invalid_two_factor_method, 400, "INVALID_TWO_FACTOR_METHOD",
        "InvalidTwoFactorMethod", "Invalid two factor method."},
    row{error_code::invalid_user_document, 500, "INVALID_USER_DOCUMENT", "InvalidUserDocument",
        "The user is stored in a form that cannot be read."},
    row{error_code::ip_login_rate_limit_exceeded, 429, "IP_LOGIN_RATE_LIMIT_EXCEEDED",
        "IpLoginRateLimitExceeded", "Too many login attempts from a single IP address."},
    row{error_code::ip_rate_limit_exceeded, 429, "IP_RATE_LIMIT_EXCEEDED", "IpRateLimitExceeded",
        "Too many requests from a single IP address."},
    row{error_code::malformed_request, 400, "MALFORMED_REQUEST", "MalformedRequest",
        "The request is malformed."},
    row{error_code::method_not_allowed, 405, "METHOD_NOT_ALLOWED", "MethodNotAllowed",
        "This path does not take that method."},
    row{error_code::missing_password_parameter, 400, "MISSING_PASSWORD_PARAMETER",
        "MissingPasswordParameter", "The password is missing."},
    row{error_code::no_2fa_code_provided, 400, "NO_2FA_CODE_PROVIDED", "NoTwoFactorCodeProvided",
        "Invalid request: at least one of email or totp must be provided."},
    row{error_code::no_password, 400, "NO_PASSWORD", "NoPassword", "The user has no password."},
    row{error_code::no_password_provider, 400, "NO_PASSWORD_PROVIDER", "NoPasswordProvider",
        "The user needs to set a password to perform this action."},
    row{error_code::not_found, 404, "NOT_FOUND", "NotFound", "There is nothing at this path."},
    row{error_code::password_reset_token_expired, 401, "PASSWORD_RESET_TOKEN_EXPIRED",
        "PasswordResetTokenExpired", "The password reset token is expired."},
    row{error_code::password_reset_token_invalid, 401, "PASSWORD_RESET_TOKEN_INVALID",
        "PasswordResetTokenInvalid", "The password reset token is not valid."},
    row{error_code::password_reset_token_missing, 401, "PASSWORD_RESET_TOKEN_MISSING",
        "PasswordResetTokenMissing", "The password reset token is missing."},
    row{error_code::payload_too_large, 413, "PAYLOAD_TOO_LARGE", "PayloadTooLarge",
        "The body is too large."},
    row{error_code::principal_not_found, 404, "PRINCIPAL_NOT_FOUND", "PrincipalNotFound",
        "No principal with specified ID found."},
    row{error_code::refresh_token_expired, 401, "REFRESH_TOKEN_EXPIRED", "RefreshTokenExpired",
        "The refresh token is expired."},
    row{error_code::refresh_token_invalid, 401, "REFRESH_TOKEN_INVALID", "RefreshTokenInvalid",
        "The refresh token is not valid."},
    row{error_code::refresh_token_missing, 401, "REFRESH_TOKEN_MISSING", "RefreshTokenMissing",
        "The refresh token is missing."},
    row{error_code::request_header_too_large, 431, "REQUEST_HEADER_TOO_LARGE",
        "RequestHeaderTooLarge", "The header section is too large."},
    row{error_code::request_timeout, 408, "REQUEST_TIMEOUT", "RequestTimeout",
        "The request did not arrive in time."},
    row{error_code::service_overloaded, 503, "SERVICE_OVERLOADED", "ServiceOverloaded",
        "Too many requests are waiting. Please try again."},
    row{error_code::session_expired, 401, "SESSION_EXPIRED", "SessionExpired",
        "The user's session has expired."},
    row{error_code::session_not_found, 404, "SESSION_NOT_FOUND", "SessionNotFound",
        "There is no such session."},
    row{error_code::step_up_token_expired, 401, "STEP_UP_TOKEN_EXPIRED", "StepUpTokenExpired",
        "The step-up token is expired."},
    row{error_code::step_up_token_invalid, 401, "STEP_UP_TOKEN_INVALID", "StepUpTokenInvalid",
        "The step-up token is not valid for this user and session."},
    row{error_code::step_up_token_missing, 401, "STEP_UP_TOKEN_MISSING", "StepUpTokenMissing",
        "The step-up token is missing."},
    row{error_code::totp_setup_token_expired, 401, "TOTP_SETUP_TOKEN_EXPIRED",
        "TotpSetupTokenExpired", "The TOTP setup token is expired."},
    row{error_code::totp_setup_token_invalid, 401, "TOTP_SETUP_TOKEN_INVALID",
        "TotpSetupTokenInvalid", "The TOTP setup token is not valid."},
    row{error_code::totp_setup_token_missing, 401, "TOTP_SETUP_TOKEN_MISSING",
        "TotpSetupTokenMissing", "The TOTP setup token is missing."},
    row{error_code::two_fa_disabled, 400, "2FA_DISABLED", "TwoFactorAuthenticationDisabled",
        "User needs to set up two-factor authentication to complete this action."},
    row{error_code::two_factor_authentication_token_expired, 401,
        "TWO_FACTOR_AUTHENTICATION_TOKEN_EXPIRED", "TwoFactorAuthenticationTokenExpired",
        "The two-factor authentication token is expired."},
    row{error_code::two_factor_authentication_token_invalid, 401,
        "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID", "TwoFactorAuthenticationTokenInvalid",
        "The two-factor authentication token is not valid."},
    row{error_code::two_factor_authentication_token_missing, 401,
        "TWO_FACTOR_AUTHENTICATION_TOKEN_MISSING", "TwoFactorAuthenticationTokenMissing",
        "The two-factor authentication token is missing."},
    row{error_code::two_factor_code_expired, 401, "TWO_FACTOR_CODE_EXPIRED", "TwoFactorCodeExpired",
        "Two-factor code has expired."},
    row{error_code::two_factor_method_already_disabled, 304, "TWO_FACTOR_METHOD_ALREADY_DISABLED",
        "AlreadyDisabled", "Two factor method is already disabled."},
    row{error_code::two_factor_method_already_enabled, 304, "TWO_FACTOR_METHOD_ALREADY_ENABLED",
        "AlreadyEnabled", "Two-factor authentication method is already enabled."},
    row{error_code::two_factor_method_disabled, 400, "TWO_FACTOR_METHOD_DISABLED",
        "TwoFactorMethodDisabled", "Two-factor authentication method is disabled."},
    row{error_code::unsupported, 501, "NOT_IMPLEMENTED", "NotImplemented",
        "The request uses a feature of HTTP that is not offered."},
    row{error_code::user_not_found, 404, "USER_NOT_FOUND", "UserNotFound", "User not found."},
    row{error_code::user_rate_limit_exceeded, 429, "USER_RATE_LIMIT_EXCEEDED",
        "UserRateLimitExceeded", "Too many failed attempts. Please try again later."},
    row{error_code::wrong_totp_recovery_code, 401, "WRONG_TOTP_RECOVERY_CODE",
        "WrongTotpRecoveryCode", "The given recovery code is not correct."},
    row{error_code::wrong_two_factor_code, 401, "WRONG_TWO_FACTOR_CODE", "WrongTwoFactorCode",
        "Wrong two-factor code."},
};

constexpr bool in_order() {
    for (std::size_t index = 0; index < rows.size(); ++index)
        if (static_cast<std::size_t>(rows[index].id) != index) return false;
    return true;
}
static_assert(in_order());

const row& row_of(error_code code) {
    return rows[static_cast<std::size_t>(code)];
}

error_code common_word(core::refusal_reason reason) {
    using enum core::refusal_reason;
    switch (reason) {
    case session_ended:
        return error_code::access_token_expired;
    case step_up_missing:
        return error_code::step_up_token_missing;
    case step_up_malformed:
        return error_code::step_up_token_invalid;
    case step_up_expired:
        return error_code::step_up_token_expired;
    case challenge_unknown:
        return error_code::two_factor_authentication_token_invalid;
    case blocked:
        return error_code::user_rate_limit_exceeded;
    case wrong_password:
        return error_code::invalid_credentials;
    case no_password:
        return error_code::no_password_provider;
    case no_code:
        return error_code::no_2fa_code_provided;
    case wrong_code:
        return error_code::wrong_two_factor_code;
    case code_expired:
        return error_code::two_factor_code_expired;
    case wrong_backup_code:
        return error_code::wrong_totp_recovery_code;
    case no_second_factor:
    case second_factor_required:
        return error_code::two_fa_disabled;
    case method_off:
    case method_forbidden:
        return error_code::two_factor_method_disabled;
    case method_on_already:
        return error_code::two_factor_method_already_enabled;
    case method_off_already:
        return error_code::two_factor_method_already_disabled;
    case only_method:
        return error_code::cannot_disable_only_two_factor_method;
    case enrolment_unknown:
        return error_code::totp_setup_token_invalid;
    case enrolment_expired:
        return error_code::totp_setup_token_expired;
    case mail_too_soon:
        return error_code::email_cooldown_active;
    case email_verified_already:
        return error_code::email_already_verified;
    case email_unchanged:
        return error_code::email_taken;
    case link_unknown:
        return error_code::email_verification_token_invalid;
    case link_expired:
        return error_code::email_verification_token_expired;
    case refresh_reused:
        return error_code::refresh_token_invalid;
    case no_such_session:
        return error_code::session_not_found;
    // No command of this family is refused so.
    case password_missing:
    case code_not_mailed:
    case factor_unknown:
    case too_many_api_tokens:
    case no_such_api_token:
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
    return error(found != own.end() ? found->second : common_word(why.reason), {}, why.retry_after);
}

error from_store(store::store_error why) {
    switch (why) {
    case store::store_error::corrupt:
        return error(error_code::invalid_user_document);
    case store::store_error::unavailable:
    case store::store_error::contention:
    case store::store_error::overloaded:
    case store::store_error::outbox_full:
        break;
    }
    return error(error_code::database_failure, {}, soon);
}

error overloaded() {
    return error(error_code::service_overloaded, {}, soon);
}

error from_evidence(const evidence_failure& why) {
    return why.store ? from_store(*why.store) : overloaded();
}

error from_token(token_name token, core::token_error why) {
    struct words {
        error_code missing, malformed, expired;
    };
    using enum error_code;
    static constexpr std::array<words, 7> by_token{{
        {authentication_required, access_token_invalid, access_token_expired},
        {refresh_token_missing, refresh_token_invalid, refresh_token_expired},
        {step_up_token_missing, step_up_token_invalid, step_up_token_expired},
        {two_factor_authentication_token_missing, two_factor_authentication_token_invalid,
         two_factor_authentication_token_expired},
        {totp_setup_token_missing, totp_setup_token_invalid, totp_setup_token_expired},
        {email_verification_token_missing, email_verification_token_invalid,
         email_verification_token_expired},
        {password_reset_token_missing, password_reset_token_invalid, password_reset_token_expired},
    }};
    const auto& say = by_token[static_cast<std::size_t>(token)];
    switch (why) {
    case core::token_error::missing:
        return error(say.missing);
    case core::token_error::malformed:
        return error(say.malformed);
    case core::token_error::expired:
        return error(say.expired);
    }
    return error(say.malformed);
}

error from_transport(transport_problem problem, std::string_view detail) {
    using enum transport_problem;
    const auto word = [problem] {
        switch (problem) {
        case malformed_request:
            return error_code::malformed_request;
        case timeout:
            return error_code::request_timeout;
        case body_too_large:
            return error_code::payload_too_large;
        case expectation_failed:
            return error_code::malformed_request;
        case header_too_large:
            return error_code::request_header_too_large;
        case internal_error:
            return error_code::internal_error;
        case method_unknown:
        case unsupported_transfer:
        case unsupported_version:
            return error_code::unsupported;
        }
        return error_code::internal_error;
    }();
    return error(word, std::string(detail));
}

reply render(const error& error, std::string_view path, core::unix_time now) {
    const auto& row = row_of(error.code);
    reply out{.status = row.status};
    add_retry_after(out, error.retry_after);
    if (row.status == 304) return out;

    boost::json::object body;
    body["timestamp"] = core::to_rfc3339(now);
    body["status"] = row.status;
    body["code"] = row.code;
    body["error"] = row.error;
    body["message"] = error.message.empty() ? row.description : std::string_view(error.message);
    body["path"] = path;
    out.body = boost::json::serialize(body);
    return out;
}

} // namespace countersign::net::singularity
