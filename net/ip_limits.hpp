// Limits per client address (or another caller's name), checked before a handler runs. Which limit
// counts which route is in the families' route tables.
#pragma once

#include "net/request.hpp"
#include "net/services.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <span>
#include <string>

namespace countersign::net {

struct limit_exceeded {
    std::size_t rule; // index of the first rule that was exceeded
    core::seconds retry_after;
};

// Takes one request out of each rule, in their order, for the request's client address. Yields the
// first rule that has nothing left, or nullopt; nothing is taken with policy.ip_limits off.
[[nodiscard]] boost::asio::awaitable<store::store_result<std::optional<limit_exceeded>>>
take_ip_limits(services& services, std::span<const store::rate_rule> rules, const request& request);

} // namespace countersign::net
