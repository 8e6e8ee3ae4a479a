// What a limit is, and what it says of a request.
#pragma once

#include "core/types.hpp"

#include <boost/container/static_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::store {

struct rate_rule {
    std::string_view name; // of static storage; part of the key: cs:rate:{<who>}:<name>
    int count;             // at least one request …
    core::seconds window;  // … per this long, refilled evenly (bursts up to `count`)
};

enum class rate_use : std::int8_t { give_back = -1, look = 0, take = 1 };

struct rate_verdict {
    bool allowed = true;
    int remaining = 0;             // of the burst
    core::milliseconds retry_in{}; // zero when allowed
    core::milliseconds whole_in{}; // until the whole burst is there again
    friend bool operator==(const rate_verdict&, const rate_verdict&) = default;
};

inline constexpr std::size_t rate_rules_max = 4; // of one request
// One for each rule in turn, ending with the first that refused.
using rate_verdicts = boost::container::static_vector<rate_verdict, rate_rules_max>;

[[nodiscard]] inline std::string rate_key(const rate_rule& rule, std::string_view who) {
    std::string key("cs:rate:{");
    key.append(who).append("}:").append(rule.name);
    return key;
}

} // namespace countersign::store
