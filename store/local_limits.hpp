// The limits of store/rate_limits.hpp in one thread's memory, for as long as their Redis does not
// answer: bounded, and forgotten with the process.
#pragma once

#include "store/rate_rule.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace countersign::store {

class local_limits {
public:
    // Each entry is one limit of one client, about 150 bytes.
    explicit local_limits(std::size_t entries_max = 65'536) : entries_max_(entries_max) {}

    // The same arithmetic as scripts/rate.lua.
    [[nodiscard]] rate_verdict apply(const rate_rule& rule, std::string_view who, rate_use use,
                                     core::unix_time now);

    [[nodiscard]] std::size_t size() const noexcept { return arrivals_.size(); }

private:
    void make_room(core::unix_time now);

    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    std::size_t entries_max_;
    // By key: the theoretical arrival time of the next request, in microseconds.
    std::unordered_map<std::string, std::int64_t, hash, std::equal_to<>> arrivals_;
};

} // namespace countersign::store
