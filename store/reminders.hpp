// When the notifier is to look at an account: a sorted set per partition, score = due time in ms,
// one member per account. Every write of an account keeps its member as core::notice_due() says
// (commit.lua, erase.lua), so none is lost and none is left; nothing else adds any.
#pragma once

#include "core/types.hpp"
#include "store/connection.hpp"
#include "store/error.hpp"
#include "store/event_loop.hpp"

#include <optional>
#include <string>
#include <vector>

namespace countersign::store {

[[nodiscard]] std::string reminders_key(int partition);

struct reminder {
    core::account_id account;
    core::unix_time due{};
};

// Any number may be at work at once, on any of the servers' threads and processes.
class reminders {
public:
    // `redis` outlives this object and the calls under way.
    reminders(connection& redis, int partitions) : redis_(redis), partitions_(partitions) {}

    // Those that are due, the longest due first: at most `page_max` of a partition.
    [[nodiscard]] awaitable<store_result<std::vector<reminder>>> due(int partition,
                                                                     core::unix_time now);

    // Another due time for a reminder, or none (nullopt), unless it has changed since it was seen.
    [[nodiscard]] awaitable<store_result<void>> replace(reminder seen,
                                                        std::optional<core::unix_time> due);

    [[nodiscard]] int partitions() const noexcept { return partitions_; }

    static constexpr int page_max = 100;

private:
    connection& redis_;
    int partitions_;
};

} // namespace countersign::store
