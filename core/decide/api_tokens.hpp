// Personal API tokens: credentials for programs, made and revoked by the account's holder.
#pragma once

#include "core/decide/evidence.hpp"

namespace countersign::core {

struct create_api_token {
    requester by;
    api_token token;
    request_origin origin;
};
// Refuses with session_ended, too_many_api_tokens.
[[nodiscard]] decision<nothing> decide(const account& current, const create_api_token& command,
                                       const context& context, unix_time now);

struct revoke_api_token {
    requester by;
    api_token_id id;
};
// Refuses with session_ended, no_such_api_token.
[[nodiscard]] decision<nothing> decide(const account& current, const revoke_api_token& command,
                                       const context& context, unix_time now);

} // namespace countersign::core
