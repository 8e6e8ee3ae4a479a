// Whether a token still stands, for those who take tokens and do not issue them (RFC 7662).
#pragma once

#include "core/account.hpp"
#include "core/decide/evidence.hpp"
#include "core/tokens.hpp"
#include "core/types.hpp"

namespace countersign::core {

// The session of a token of that kind, which token_service::verify() has found good; the account is
// its subject. Null: the session has ended, the token is a refresh token that was used, the account
// has yet to enrol a factor that policy requires, or it is locked (NIST SP 800-63B-4
// section 3.2.2), not merely paused: strangers can pause it.
[[nodiscard]] const session* standing_session(const account& current, token_kind kind,
                                              const token_claims& claims, const context& context,
                                              unix_time now);

} // namespace countersign::core
