// Limits per client address, checked before a handler runs. Which limit counts which route is in
// the families' route tables.
#pragma once

#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace countersign::net {

struct limit_exceeded {
    std::size_t rule; // index of the first rule that was exceeded
    core::seconds retry_after;
};

// What a request's limits said. Empty, so that nothing was exceeded, with policy.ip_limits off.
struct ip_limits_taken {
    std::span<const store::rate_rule> rules;
    store::rate_verdicts verdicts;

    [[nodiscard]] std::optional<limit_exceeded> exceeded() const;
    // Adds `RateLimit-Policy` and `RateLimit`, with an item for each rule
    // (draft-ietf-httpapi-ratelimit-headers-10).
    void add_to(reply& out) const;
};

// Takes one request out of each rule, in their order, for the request's client address. The rules
// are of static storage, `rate_rules_max` at the most.
[[nodiscard]] awaitable<ip_limits_taken>
take_ip_limits(services& services, std::span<const store::rate_rule> rules, const request& request);

// Gives the request back to a rule that counts failures only.
[[nodiscard]] awaitable<void> give_back_ip_limit(services& services, const store::rate_rule& rule,
                                                 const request& request);

} // namespace countersign::net
