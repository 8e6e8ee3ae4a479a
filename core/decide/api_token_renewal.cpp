#include "core/decide/api_token_renewal.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace countersign::core {

namespace {

bool is_outdated(const api_token& stored, const api_token_hash& presented,
                 const code_hasher& codes) {
    if (!is_hash_of(presented, stored.hash)) return false;
    const auto ids = codes.pepper_ids();
    const auto place = std::ranges::find(ids, codes.pepper_of(stored.hash)) - ids.begin();
    return place < std::ssize(ids) && codes.is_outdated(static_cast<std::size_t>(place));
}

} // namespace

bool is_outdated(const account& current, const api_token_hash& presented,
                 const code_hasher& codes) {
    return std::ranges::any_of(current.api_tokens, [&](const api_token& stored) {
        return is_outdated(stored, presented, codes);
    });
}

decision<nothing> decide(const account& current, const renew_api_token& command,
                         const context& context, unix_time) {
    if (!is_outdated(current, command.presented, context.codes))
        return {nothing(), std::nullopt, {}};
    auto next = current;
    for (auto& stored : next.api_tokens)
        if (is_outdated(stored, command.presented, context.codes))
            stored.hash = requester_key(command.presented);
    return {nothing(), std::move(next), {}};
}

} // namespace countersign::core
