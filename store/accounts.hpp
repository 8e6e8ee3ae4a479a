// Accounts in Redis: load, decide, commit. The commit is a compare-and-set on the account's version
// in one script that also appends the decision's events to the outbox, so a change and its alert
// are one write. A decision whose commit did not take is never revealed.
#pragma once

#include "core/account.hpp"
#include "core/event.hpp"
#include "core/random.hpp"
#include "store/connection.hpp"
#include "store/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::store {

// What a decision wants written. No `next`: the account stays as it is, and its events, if any (an
// alert about a refused attempt), are committed with the same account.
struct change {
    std::optional<core::account> next;
    std::vector<core::event> events;
};

struct loaded_account {
    core::account value;
    std::string version; // random 128-bit commit id, 32 hexadecimal digits
};

// One per thread; members are called on its connection's thread.
class accounts {
public:
    // `partitions` is fixed when the data is created (see store/metadata.hpp). `redis` and `random`
    // outlive this object and the calls under way.
    accounts(connection& redis, core::random_source& random, int partitions);
    ~accounts();
    accounts(const accounts&) = delete;
    accounts& operator=(const accounts&) = delete;

    [[nodiscard]] boost::asio::awaitable<store_result<std::optional<loaded_account>>>
    load(core::account_id id);

    // Loads, calls `decide` with the account, and commits what it returns. Yields the account as it
    // now stands, durable together with the events; nullopt: there is none, `decide` was not asked.
    // After a lost race it loads and decides again, so `decide` runs once or more and only its last
    // answer counts, once this has returned. Transactions of one account on this thread queue up,
    // so they never race with each other. A lost reply is resolved by the commit id, all within
    // `transaction_budget`; after an error the change may or may not have been written. `decide`
    // must not throw and must not keep the reference.
    [[nodiscard]] boost::asio::awaitable<store_result<std::optional<core::account>>>
    transact(core::account_id id, std::function<change(const core::account&)> decide);

    // Writes an account that does not exist yet, with its events. False: it exists already.
    [[nodiscard]] boost::asio::awaitable<store_result<bool>>
    create(core::account value, std::vector<core::event> events);

    // Erases an account that still has the version that was read, and commits `events` with that.
    // False: it has another version by now, or is gone.
    [[nodiscard]] boost::asio::awaitable<store_result<bool>>
    erase(core::account_id id, std::string version, std::vector<core::event> events);

    static constexpr std::chrono::milliseconds transaction_budget{1800};

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace countersign::store
