// The challenge that login and step-up share: begun by a right password, ended by a proved factor.
// For core/decide/ only.
#pragma once

#include "core/decide/login.hpp"
#include "core/decide/rules.hpp"

namespace countersign::core {

// Records the challenge and, if e-mail is the preferred method, mails a code (unless it is too
// soon: then the code of the earlier mail is still good).
[[nodiscard]] second_factor_pending begin_challenge(rules::draft& draft, challenge pending,
                                                    const sealed_code& mail, const context& context,
                                                    const request_origin& origin, unix_time now);

// Whether one more challenge may be begun (T-16). Refuses with blocked: so many were begun and not
// completed, in the last hour or day, that nothing is evaluated for now.
[[nodiscard]] std::optional<refusal> check_unanswered(const account& account, const policy& policy,
                                                      unix_time now);

// The challenge is pending and of this purpose (any, if none is given).
[[nodiscard]] std::optional<refusal> check_challenge(const account& account, const challenge_id& id,
                                                     std::optional<challenge_purpose> purpose);
// The challenge was completed: it no longer weighs on what check_unanswered() counts.
void use_challenge(account& account, const challenge_id& id);

// A login was refused after its password was right: the holder hears of a wrong code, at most once
// an hour.
void tell_of_failure(rules::draft& draft, const refusal& why, const context& context,
                     const request_origin& origin, unix_time now);

// Which of the offered codes counts (`any` first), and whether it proves the factor (native
// contract section 3.6): with TOTP on only `totp` does, so that nobody steps down to the weaker
// mailed code, unless the account itself prefers e-mail. A mailed code is of `made_for`
// (bound_code()).
[[nodiscard]] std::optional<refusal>
prove_second_factor(rules::draft& draft, const presented_code& code, const challenge_id& made_for,
                    const context& context, const request_origin& origin, unix_time now);

} // namespace countersign::core
