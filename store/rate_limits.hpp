// Limits per IP or recipient by GCRA (a leaky bucket in one timestamp), in one script, one key.
// Their keys may be lost without harm; the limits that must never be lost are in the account.
#pragma once

#include "core/types.hpp"
#include "store/connection.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>

namespace countersign::store {

struct rate_rule {
    std::string_view name; // a literal; part of the key: cs:rate:<name>:<who>
    int count;             // at least one request …
    core::seconds window;  // … per this long, refilled evenly (bursts up to `count`)
};

struct rate_verdict {
    bool allowed;
    int remaining;               // of the burst
    core::milliseconds retry_in; // zero when allowed
};

class rate_limits {
public:
    explicit rate_limits(connection& redis);

    // Takes one request out of what `who` has left. A refused one costs nothing.
    [[nodiscard]] boost::asio::awaitable<store_result<rate_verdict>>
    take(rate_rule rule, std::string who, core::unix_time now);

    // The time left until `who` may do again what was last done with start_cooldown(); zero if now.
    // `name` is a literal; the key is cs:cooldown:<name>:<who>.
    [[nodiscard]] boost::asio::awaitable<store_result<core::milliseconds>>
    cooldown(std::string_view name, std::string who);
    // Starts the cooldown unless one runs; returns what was left of the running one, or zero.
    [[nodiscard]] boost::asio::awaitable<store_result<core::milliseconds>>
    start_cooldown(std::string_view name, std::string who, core::milliseconds length);

private:
    connection& redis_;
};

} // namespace countersign::store
