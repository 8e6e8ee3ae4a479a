#include "store/local_limits.hpp"

#include <algorithm>

namespace countersign::store {

namespace {

std::int64_t microseconds(auto time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

core::milliseconds rounded_up(std::int64_t microseconds) {
    return std::chrono::ceil<core::milliseconds>(std::chrono::microseconds(microseconds));
}

} // namespace

rate_verdict local_limits::apply(const rate_rule& rule, std::string_view who, rate_use use,
                                 core::unix_time now) {
    const auto interval = microseconds(rule.window) / rule.count;
    const auto burst = interval * rule.count;
    const auto present = microseconds(now.time_since_epoch());
    auto key = rate_key(rule, who);
    const auto found = arrivals_.find(key);

    auto ahead = std::max<std::int64_t>(found == arrivals_.end() ? 0 : found->second - present, 0);
    rate_verdict verdict{.allowed = use == rate_use::give_back || ahead + interval <= burst};
    if (!verdict.allowed) {
        verdict.retry_in = rounded_up(ahead + interval - burst);
    } else if (use != rate_use::look) {
        ahead = std::max<std::int64_t>(ahead + static_cast<int>(use) * interval, 0);
        if (found != arrivals_.end()) {
            found->second = present + ahead;
        } else if (ahead > 0) {
            if (arrivals_.size() >= entries_max_) make_room(now);
            arrivals_.emplace(std::move(key), present + ahead);
        }
    }
    verdict.remaining = static_cast<int>(std::max<std::int64_t>((burst - ahead) / interval, 0));
    verdict.whole_in = rounded_up(ahead);
    return verdict;
}

// Forgets whatever says nothing any more; if all of it does, any one entry.
void local_limits::make_room(core::unix_time now) {
    const auto present = microseconds(now.time_since_epoch());
    std::erase_if(arrivals_, [&](const auto& entry) { return entry.second <= present; });
    if (arrivals_.size() >= entries_max_) arrivals_.erase(arrivals_.begin());
}

} // namespace countersign::store
