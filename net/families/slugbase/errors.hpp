// The slugbase family's error catalogue (contract sections 2.2 to 2.6) as data, and how the core's
// refusals and the store's failures are said in it.
#pragma once

#include "core/decision.hpp"
#include "net/evidence.hpp"
#include "net/reply.hpp"
#include "net/transport_problem.hpp"
#include "store/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net::slugbase {

enum class error_code : std::uint8_t {
    api_tokens_exhausted,
    bad_request,
    code_required,
    credentials_required,
    csrf_token_invalid,
    internal_error,
    invalid_code,
    invalid_credentials,
    invalid_login_code, // the same words, as a login's answer
    invalid_password,
    method_not_allowed,
    mfa_already_enabled,
    mfa_no_pending,
    mfa_not_enabled,
    mfa_pending_invalid,
    mfa_required,
    not_found,
    overloaded,
    password_required,
    payload_too_large,
    request_failed,
    request_header_too_large,
    request_malformed,
    request_timeout,
    sign_in_failed,
    too_many_mfa_attempts,
    too_many_mfa_setups,
    too_many_requests,
    too_many_sign_ins,
    unauthorized,
    unsupported,
};

// One error as a handler gives it.
struct error {
    error_code code = error_code::internal_error;
    core::seconds retry_after{0};
    std::string field, problem; // of bad_request: which member, and what is wrong with it
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
[[nodiscard]] error from_transport(transport_problem problem);

// {error, code?}; a body that is not as the schema says, and a missing credential, in the fuller
// shape of the seed page; what is too often, as text.
[[nodiscard]] reply render(const error& error);

} // namespace countersign::net::slugbase
