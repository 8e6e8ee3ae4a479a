// The native family's error catalogue (contract sections 3.2 and 3.9) as data, and how the core's
// refusals and the store's failures are said in it.
#pragma once

#include "core/decision.hpp"
#include "core/tokens.hpp"
#include "net/evidence.hpp"
#include "net/reply.hpp"
#include "net/transport_problem.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net::singularity {

enum class error_code : std::uint8_t {
    access_token_expired,
    access_token_invalid,
    already_authenticated,
    authentication_required,
    cannot_disable_only_two_factor_method,
    database_failure,
    email_already_verified,
    email_cooldown_active,
    email_taken,
    email_verification_token_expired,
    email_verification_token_invalid,
    email_verification_token_missing,
    internal_error,
    invalid_credentials,
    invalid_request,
    invalid_two_factor_method,
    invalid_user_document,
    ip_login_rate_limit_exceeded,
    ip_rate_limit_exceeded,
    malformed_request,
    method_not_allowed,
    missing_password_parameter,
    no_2fa_code_provided,
    no_password,
    no_password_provider,
    not_found,
    password_reset_token_expired,
    password_reset_token_invalid,
    password_reset_token_missing,
    payload_too_large,
    principal_not_found,
    refresh_token_expired,
    refresh_token_invalid,
    refresh_token_missing,
    request_header_too_large,
    request_timeout,
    service_overloaded,
    session_expired,
    session_not_found,
    step_up_token_expired,
    step_up_token_invalid,
    step_up_token_missing,
    totp_setup_token_expired,
    totp_setup_token_invalid,
    totp_setup_token_missing,
    two_fa_disabled,
    two_factor_authentication_token_expired,
    two_factor_authentication_token_invalid,
    two_factor_authentication_token_missing,
    two_factor_code_expired,
    two_factor_method_already_disabled,
    two_factor_method_already_enabled,
    two_factor_method_disabled,
    unsupported,
    user_not_found,
    user_rate_limit_exceeded,
    wrong_totp_recovery_code,
    wrong_two_factor_code,
};

// One error as a handler gives it; `message` empty means the catalogue's description.
struct error {
    error_code code;
    std::string message;
    core::seconds retry_after{0};

    error() : error(error_code::internal_error) {}
    explicit error(error_code which, std::string text = {}, core::seconds wait = {})
        : code(which), message(std::move(text)), retry_after(wait) {}
};

// What result<T, error>::value() does where there is none: the caller did not look.
[[noreturn]] inline void throw_exception_from_error(const error& why,
                                                    const boost::source_location& where) {
    core::throw_exception_from_error(why.code, where);
}

// A route may say a refusal in words of its own.
using refusal_words = std::vector<std::pair<core::refusal_reason, error_code>>;

[[nodiscard]] error from_refusal(const core::refusal& why, const refusal_words& own = {});
[[nodiscard]] error from_store(store::store_error why);
// Too many password checks are waiting.
[[nodiscard]] error overloaded();
[[nodiscard]] error from_evidence(const evidence_failure& why);

enum class token_name : std::uint8_t {
    access,
    refresh,
    step_up,
    two_factor,
    totp_setup,
    email_verification,
    password_reset,
};
[[nodiscard]] error from_token(token_name token, core::token_error why);
[[nodiscard]] error from_transport(transport_problem problem, std::string_view detail);

// {timestamp, status, code, error, message, path}; a 304 has no body (RFC 9110 section 15.4.5).
[[nodiscard]] reply render(const error& error, std::string_view path, core::unix_time now);

} // namespace countersign::net::singularity
