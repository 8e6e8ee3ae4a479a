// What a decision is: an outcome to answer with, the account as it shall be, and the events that
// somebody must hear of. `decide(account, command, context, now)` is pure: same arguments, same
// decision. Nothing of a decision may be revealed before it was committed.
#pragma once

#include "core/account.hpp"
#include "core/event.hpp"
#include "core/policy.hpp"
#include "core/result.hpp"
#include "core/webauthn.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace countersign::core {

enum class refusal_reason : std::uint8_t {
    session_ended,     // the access token's session is over or was revoked
    step_up_missing,   // the request needs a step-up token
    step_up_malformed, // not ours, of another session, or below the level that the account needs
    step_up_expired,
    challenge_unknown, // the two-factor token's challenge was used, evicted, or is of another
                       // purpose
    blocked,           // too many misses in a row, or too many challenges begun and not completed:
                       // nothing was evaluated; see retry_after
    password_missing,  // the account has a password and none was given
    wrong_password,    // or no such account, or an account without a password
    no_password,       // the action needs a local password and the account has none
    no_code,           // none of the codes that this account could take was given
    wrong_code,
    code_expired,
    wrong_backup_code,
    code_not_mailed,  // no code of that purpose is on its way
    no_second_factor, // the account has none enabled
    method_off,       // that method is not enabled
    method_on_already,
    method_off_already,
    only_method,       // the last second factor is not removed
    factor_unknown,    // the account has no such factor
    enrolment_unknown, // never begun, replaced by a later one, or of another session
    enrolment_expired,
    mail_too_soon, // cooldown or budget of mails; see retry_after
    email_verified_already,
    email_unchanged,
    link_unknown, // never sent, replaced, or used
    link_expired,
    refresh_reused, // not the live refresh token: the session was ended
    no_such_session,
    too_many_api_tokens,
    no_such_api_token,
    passkeys_off, // webauthn.rp_id names no relying party
    too_many_passkeys,
    passkey_challenge_unknown, // never asked for, answered, replaced, or too old
    passkey_refused,           // what the browser brought back failed a check; see check
    method_forbidden,          // policy says that the method is no second factor
    second_factor_required,    // policy wants one and the account has none: it may only enrol one
};

struct refusal {
    refusal_reason reason;
    seconds retry_after{0};                // of blocked and mail_too_soon
    std::optional<webauthn_error> check{}; // of passkey_refused
    friend bool operator==(const refusal&, const refusal&) = default;
};

// What result<T, refusal>::value() does where there is none: the caller did not look.
[[noreturn]] inline void throw_exception_from_error(const refusal& why,
                                                    const boost::source_location& where) {
    throw_exception_from_error(why.reason, where);
}

struct nothing {
    friend bool operator==(const nothing&, const nothing&) = default;
};

template <typename Success>
struct [[nodiscard]] decision {
    using success_type = Success;
    boost::system::result<Success, refusal> outcome;
    std::optional<account> next; // nullopt: unchanged
    std::vector<event> events;
};

} // namespace countersign::core
