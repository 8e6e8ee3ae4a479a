#include "store/counters.hpp"

#include "store/accounts.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::event_type;
using outcome = store::store_result<std::unique_ptr<core::account>>;

core::account_id ada() {
    return core::account_id("user_00000000000000000000000000000ada");
}

core::event new_event(event_type type) {
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.type = type;
    event.account = ada();
    event.recipients = {"ada@example.org"};
    return event;
}

store::change with_events(const core::account& before, const std::vector<event_type>& types) {
    store::change wanted{before, {}};
    ++wanted.next->factor_attempts.misses;
    for (const auto type : types)
        wanted.events.push_back(new_event(type));
    return wanted;
}

class StoreCounters : public store_fixture {
protected:
    store::connection_options counted_options(store::redis_counters& counters) const {
        auto made = options();
        made.counted = &counters;
        return made;
    }
    store::store_result<bool> create() {
        core::account account;
        account.id = ada();
        account.email = "ada@example.org";
        return run(accounts.create(account, {}));
    }
    outcome change(std::vector<event_type> types) {
        return run(accounts.transact(
            ada(), [&](const core::account& now) { return with_events(now, types); }));
    }

    void commit_as_another_server() {
        boost::asio::io_context own(1);
        test_connection connection(own, options());
        seeded_random other_random(7);
        store::accounts others(*connection, other_random, 16);
        EXPECT_TRUE(run_coroutine(own, others.transact(ada(), [](const core::account& now) {
            return with_events(now, {});
        })));
    }

    seeded_random random{1};
    store::account_counters counted;
    store::accounts accounts{*redis, random, 16, {.codes = 100, .alerts = 16}, &counted};
};

TEST_F(StoreCounters, CommitsAndTheirEvents_AreCountedWhenTheyTook) {
    ASSERT_TRUE(*create());
    ASSERT_FALSE(*create());
    EXPECT_EQ(counted.commits.value(), 1U);
    ASSERT_TRUE(change({event_type::one_time_code, event_type::new_login}));
    ASSERT_TRUE(change({}));
    EXPECT_EQ(change({event_type::new_login}).error(), store::store_error::outbox_full);
    EXPECT_EQ(counted.commits.value(), 3U);
    EXPECT_EQ(counted.events[0].value(), 1U);
    EXPECT_EQ(counted.events[1].value(), 1U);
    EXPECT_EQ(counted.outbox_full.value(), 1U);

    const auto version = run(accounts.load(ada())).value()->version;
    EXPECT_FALSE(*run(accounts.erase(ada(), "another", {new_event(event_type::one_time_code)})));
    EXPECT_TRUE(*run(accounts.erase(ada(), version, {new_event(event_type::one_time_code)})));
    EXPECT_EQ(counted.commits.value(), 4U);
    EXPECT_EQ(counted.events[0].value(), 2U);
    EXPECT_EQ(counted.lost_races.value(), 0U);
    EXPECT_EQ(counted.repeated.value(), 0U);
}

TEST_F(StoreCounters, ALostRace_IsCountedBesideTheCommitThatFollows) {
    ASSERT_TRUE(*create());
    bool first = true;
    ASSERT_TRUE(run(accounts.transact(ada(), [&](const core::account& now) {
        // A commit between the load and the decision's own.
        if (std::exchange(first, false)) std::thread([this] { commit_as_another_server(); }).join();
        return with_events(now, {event_type::new_login});
    })));
    EXPECT_EQ(counted.lost_races.value(), 1U);
    EXPECT_EQ(counted.commits.value(), 2U) << "to create it, and this one";
    EXPECT_EQ(counted.events[1].value(), 1U);
}

TEST_F(StoreCounters, CallsAndTheirErrors_AreCountedByWhatWasWrong) {
    store::redis_counters calls;
    test_connection own(context, counted_options(calls));
    ASSERT_TRUE(run(own->command({"PING"})));
    EXPECT_EQ(calls.calls.value(), 1U);
    EXPECT_EQ(calls.in_flight.value(), 0);

    ASSERT_TRUE(run(own->command({"SET", "text", "a"})));
    EXPECT_FALSE(run(own->command({"LPUSH", "text", "b"})));
    EXPECT_EQ(calls.error_replies.value(), 1U);

    const auto soon = std::chrono::steady_clock::now() + 50ms;
    EXPECT_FALSE(run(own->command({"BLPOP", "nothing", "1"}, soon)));
    EXPECT_EQ(calls.past_deadline.value(), 1U);
    EXPECT_EQ(calls.without_connection.value(), 0U);

    EXPECT_EQ(calls.calls.value(), 4U);
    EXPECT_EQ(calls.in_flight.value(), 0);
}

TEST_F(StoreCounters, WithoutRedis_CallsAreThoseWithoutAConnection) {
    store::redis_counters calls;
    auto nowhere = counted_options(calls);
    nowhere.address = {.unix_socket = "/nowhere/redis.sock"};
    nowhere.deadline = 100ms;
    test_connection own(context, nowhere);
    (void)run(own->command({"PING"})); // waits for the first connection
    EXPECT_FALSE(run(own->command({"PING"})));
    EXPECT_EQ(calls.calls.value(), 2U);
    EXPECT_GE(calls.without_connection.value(), 1U);
    EXPECT_EQ(calls.without_connection.value() + calls.past_deadline.value(), 2U);
}

// Begins a call that takes a while, and another one meanwhile.
awaitable<std::int64_t> look_while_busy(store::connection& redis,
                                        const store::redis_counters& calls) {
    const auto seen = calls.in_flight.value();
    (void)co_await redis.command({"PING"});
    co_return seen;
}

awaitable<std::int64_t> busy(store::connection& redis, const store::redis_counters& calls) {
    using boost::asio::experimental::awaitable_operators::operator&&;
    std::vector<std::string> slow{"BLPOP", "nothing", "0.1"};
    const auto [reply, seen] =
        co_await (redis.command(std::move(slow)) && look_while_busy(redis, calls));
    EXPECT_TRUE(reply);
    co_return seen;
}

TEST_F(StoreCounters, AFullQueue_AndWhatIsInFlight_AreSeenWhileItIsSo) {
    store::redis_counters calls;
    auto with = counted_options(calls);
    with.in_flight_max = 1;
    test_connection own(context, with);
    ASSERT_TRUE(run(own->command({"PING"})));
    EXPECT_EQ(run(busy(*own, calls)), 1);
    EXPECT_EQ(calls.queue_full.value(), 1U);
    EXPECT_EQ(calls.in_flight.value(), 0);
}

} // namespace
} // namespace countersign::tests
