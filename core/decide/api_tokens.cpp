#include "core/decide/api_tokens.hpp"

#include "core/decide/rules.hpp"

#include <algorithm>

namespace countersign::core {

decision<nothing> decide(const account& current, const create_api_token& command,
                         const context& context, unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    if (current.api_tokens.size() >= context.rules.api_tokens_max)
        return rules::refuse<nothing>(refusal_reason::too_many_api_tokens);
    rules::draft draft(current, now);
    draft.next.api_tokens.push_back(command.token);
    auto made = rules::make_event(draft, event_type::api_token_created, command.origin, now);
    made.label = command.token.name;
    rules::alert(draft, std::move(made), context.rules);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const revoke_api_token& command, const context&,
                         unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    const auto revoked = std::erase_if(
        draft.next.api_tokens, [&](const api_token& token) { return token.id == command.id; });
    if (revoked == 0) return rules::refuse<nothing>(refusal_reason::no_such_api_token);
    return std::move(draft).grant(nothing{});
}

} // namespace countersign::core
