// Limits per client address or recipient by GCRA (a leaky bucket in one timestamp), in one script.
// Their keys may be lost without harm, and live on a Redis of their own; the limits that must never
// be lost are in the account.
#pragma once

#include "store/connection.hpp"
#include "store/event_loop.hpp"
#include "store/local_limits.hpp"
#include "store/rate_rule.hpp"

#include <span>
#include <string>

namespace countersign::store {

// One per thread.
class rate_limits {
public:
    // `redis` outlives this object and the calls under way.
    explicit rate_limits(connection& redis);

    // Applies each rule to `who`, in their order, up to the first that refuses. At most
    // `rate_rules_max`, which outlive the call. It always answers: while Redis does not, this
    // thread's memory counts (a client then has each limit once per thread).
    [[nodiscard]] awaitable<rate_verdicts> apply(std::span<const rate_rule> rules, std::string who,
                                                 rate_use use, core::unix_time now);
    // Takes one request.
    [[nodiscard]] awaitable<rate_verdicts> take(std::span<const rate_rule> rules, std::string who,
                                                core::unix_time now) {
        return apply(rules, std::move(who), rate_use::take, now);
    }

private:
    [[nodiscard]] rate_verdicts apply_here(std::span<const rate_rule> rules, std::string_view who,
                                           rate_use use, core::unix_time now);

    connection& redis_;
    local_limits local_;
    bool away_ = false; // said in the log
};

} // namespace countersign::store
