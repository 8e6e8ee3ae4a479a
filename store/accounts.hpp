// Accounts in Redis: load, decide, commit. The commit is a compare-and-set on the account's version
// in one script that also appends the decision's events to the outbox, so a change and its alert
// are one write. A decision whose commit did not take is never revealed.
#pragma once

#include "core/account.hpp"
#include "core/activity.hpp"
#include "core/event.hpp"
#include "core/random.hpp"
#include "store/connection.hpp"
#include "store/error.hpp"
#include "store/event_loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

// What a decision wants written. No `next`: the account stays as it is, and its events, if any (an
// alert about a refused attempt), are committed with the same account. Events that are recorded go
// into the account's history too, and those without recipients only there.
struct change {
    std::optional<core::account> next;
    std::vector<core::event> events;
    // It goes with a refusal: written even if the outbox is full, or a guess would not count.
    bool of_refusal = false;
};

// How many entries wait in the outbox at the most, over all partitions; each partition has an equal
// share, rounded up. Beyond it a change with such an event is refused (store_error::outbox_full),
// and one without is not. Entries whose retry waits count as alerts.
struct outbox_limits {
    std::int64_t codes = 20'000;
    std::int64_t alerts = 100'000;
};

struct loaded_account {
    core::account value;
    std::string version; // the commit id: 64 random bits
};

// A row of an account's history, and its place in it: "<digits>-<digits>".
struct placed_activity {
    std::string place;
    core::activity_row row;
};
// Whether `text` may be a row's place.
[[nodiscard]] bool is_activity_place(std::string_view text) noexcept;

// One per thread; members are called on its connection's thread.
class accounts {
public:
    // `partitions` is fixed when the data is created (see store/metadata.hpp). `redis`, `random`
    // and `counted` (nullptr: nobody asks) outlive this object and the calls under way.
    accounts(connection& redis, core::random_source& random, int partitions,
             outbox_limits limits = {}, account_counters* counted = nullptr);
    ~accounts();
    accounts(const accounts&) = delete;
    accounts& operator=(const accounts&) = delete;

    // A stranger (core/decide/strangers.hpp) is always there: a new one where it was forgotten. It
    // is kept for a day after its last transaction, and its events are mailed to nobody.
    [[nodiscard]] awaitable<store_result<std::optional<loaded_account>>> load(core::account_id id);

    // Loads, calls `decide` with the account, and commits what it returns. Yields the account as it
    // now stands, durable together with the events; nullptr: there is none, `decide` was not asked.
    // After a lost race it loads and decides again, so `decide` runs once or more and only its last
    // answer counts, once this has returned. Transactions of one account on this thread queue up,
    // so they never race with each other. A lost reply is resolved by the commit id, all within
    // `transaction_budget`; after an error the change may or may not have been written. `decide`
    // must not throw and must not keep the reference.
    [[nodiscard]] awaitable<store_result<std::unique_ptr<core::account>>>
    transact(core::account_id id, std::function<change(const core::account&)> decide);

    // Writes an account that does not exist yet, with its events. False: it exists already.
    [[nodiscard]] awaitable<store_result<bool>> create(core::account value,
                                                       std::vector<core::event> events);

    // Erases an account that still has the version that was read, with its history, and commits
    // `events` with that.
    // False: it has another version by now, or is gone.
    [[nodiscard]] awaitable<store_result<bool>> erase(core::account_id id, std::string version,
                                                      std::vector<core::event> events);

    // Rows of the account's history, the newest first, `count` at the most. `before`: only those
    // that are older than the row at that place; empty: from the newest on.
    [[nodiscard]] awaitable<store_result<std::vector<placed_activity>>>
    activity(core::account_id id, std::string before, std::size_t count);

    static constexpr std::chrono::milliseconds transaction_budget{1800};

    // Every account's key in Redis matches this (SCAN's MATCH), and a stranger's may.
    static constexpr const char* key_pattern = "cs:{*}:account:*";
    // The account whose key in Redis that is; nullopt: none of ours.
    [[nodiscard]] std::optional<core::account_id> id_of_key(std::string_view key) const;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace countersign::store
