#include "core/decide/erasure.hpp"

#include "core/decide/rules.hpp"

#include <utility>

namespace countersign::core {

std::vector<event> events_of_erasure(const account& current, const request_origin& origin,
                                     const context& context, unix_time now) {
    rules::draft draft(current, now);
    rules::alert(draft, event_type::account_deleted, context, origin, now);
    return std::move(draft.events);
}

} // namespace countersign::core
