// The service family's problems as data (RFC 9457), and how the core's refusals, the store's
// failures and the transport's are said in them.
#pragma once

#include "core/decision.hpp"
#include "net/json_body.hpp"
#include "net/reply.hpp"
#include "net/transport_problem.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::net::service {

enum class error_code : std::uint8_t {
    account_unreadable,
    blocked,
    body_too_large,
    code_expired,
    email_factor_forbidden,
    email_factor_off,
    email_taken,
    enrolment_expired,
    enrolment_not_found,
    expectation_failed,
    factor_not_found,
    header_too_large,
    insufficient_scope,
    internal_error,
    invalid_request,
    last_factor,
    mail_too_soon,
    malformed_request,
    method_not_allowed,
    no_second_factor,
    not_found,
    not_implemented,
    overloaded,
    passkey_challenge_not_found,
    passkey_refused,
    passkeys_off,
    request_timeout,
    service_key_invalid,
    service_key_missing,
    store_unavailable,
    subject_not_found,
    too_many_factors,
    totp_off,
    unsupported_http_version,
    unsupported_media_type,
    wrong_code,
};
inline constexpr std::size_t error_code_count = 36;

// The stable name, as in a problem's `code`: "subject_not_found".
[[nodiscard]] std::string_view to_string(error_code code) noexcept;

// One problem as a handler gives it.
struct error {
    error_code code;
    std::string detail; // empty: the catalogue's
    std::string field;  // the member or parameter that is wrong, if it is one
    core::seconds retry_after{0};
    std::string challenge;  // of WWW-Authenticate (RFC 6750 section 3)
    std::string_view check; // of passkey_refused: which one failed

    error() : error(error_code::internal_error) {}
    explicit error(error_code which, std::string text = {}, core::seconds wait = {})
        : code(which), detail(std::move(text)), retry_after(wait) {}
};

// What result<T, error>::value() does where there is none: the caller did not look.
[[noreturn]] inline void throw_exception_from_error(const error& why,
                                                    const boost::source_location& where) {
    core::throw_exception_from_error(why.code, where);
}

[[nodiscard]] error from_refusal(const core::refusal& why);
[[nodiscard]] error from_store(store::store_error why);
[[nodiscard]] error from_transport(transport_problem problem, std::string_view detail);
// What is wrong with the body, which is not ok().
[[nodiscard]] error from_body(const json_body& body);
[[nodiscard]] error invalid(std::string_view field, std::string sentence);

// {type, title, status, detail, code, field?, check?}.
[[nodiscard]] reply render(const error& error);

} // namespace countersign::net::service
