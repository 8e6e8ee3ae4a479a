// What the second factors of an account are worth by policy. Where e-mail is no factor
// (`policy.email_factor`, NIST SP 800-63B-4 section 3.1.3.1), nobody turns it on any more, and an
// account that has it goes on asking for its code, so that it never has fewer factors than before;
// but that code takes a session to level 1 only.
#pragma once

#include "core/account.hpp"
#include "core/decision.hpp"
#include "core/policy.hpp"

#include <optional>

namespace countersign::core {

// Whether a factor is on that reaches level 2.
[[nodiscard]] bool reaches_aal2(const account& account, const policy& policy) noexcept;

// Whether a mailed code stands for the second factor: where e-mail is no factor, not beside one
// that is, or it would open the account at a level below the other's.
[[nodiscard]] bool takes_mailed_codes(const account& account, const policy& policy) noexcept;

// The level of a session of the account. `session.assurance` alone says that it proved the factor
// that was on, whatever that is worth.
[[nodiscard]] assurance_level level_of(const session& session, const account& account,
                                       const policy& policy) noexcept;

// Whether the account's holder may do anything but look who they are, enrol a factor and log out.
// Refuses with second_factor_required where `policy.require_second_factor` is on and no factor that
// reaches level 2 is (OWASP ASVS 5.0 6.3.3); nullopt: they may.
[[nodiscard]] std::optional<refusal> check_enrolled(const account& account,
                                                    const policy& policy) noexcept;

} // namespace countersign::core
