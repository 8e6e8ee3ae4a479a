// An API token is known by its keyed hash, and only whoever presents it has what that is made of:
// so it is put under the current pepper when it is used.
#pragma once

#include "core/account.hpp"
#include "core/decide/evidence.hpp"
#include "core/decision.hpp"

namespace countersign::core {

// Whether the token that was presented stands in the account under a pepper that hashes no longer.
[[nodiscard]] bool is_outdated(const account& current, const api_token_hash& presented,
                               const code_hasher& codes);

struct renew_api_token {
    api_token_hash presented;
};
// Changes nothing where it does not stand, or not under such a pepper. Never refuses.
[[nodiscard]] decision<nothing> decide(const account& current, const renew_api_token& command,
                                       const context& context, unix_time now);

} // namespace countersign::core
