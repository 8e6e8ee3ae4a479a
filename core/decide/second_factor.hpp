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

// The challenge is pending and of this purpose (any, if none is given).
[[nodiscard]] std::optional<refusal> check_challenge(const account& account, const challenge_id& id,
                                                     std::optional<challenge_purpose> purpose);
void use_challenge(account& account, const challenge_id& id);

// Which of the offered codes counts (`any` first), and whether it proves the factor (native
// contract section 3.6): with TOTP on only `totp` does, so that nobody steps down to the weaker
// mailed code, unless the account itself prefers e-mail.
[[nodiscard]] std::optional<refusal>
prove_second_factor(rules::draft& draft, const presented_code& code, const context& context,
                    const request_origin& origin, unix_time now);

} // namespace countersign::core
