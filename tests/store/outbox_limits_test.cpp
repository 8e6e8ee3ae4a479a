// A full outbox refuses what has to tell somebody, and nothing else.
#include "store/accounts.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

namespace countersign::tests {
namespace {

using core::event_type;
using store::change;
using store::store_error;

constexpr int partitions = 4;
constexpr std::int64_t alerts_max = 20; // five in each partition
constexpr std::int64_t codes_max = 9;   // three, rounded up

core::account_id id_of(int number) {
    const auto digits = std::to_string(number);
    return core::account_id("user_" + std::string(32 - digits.size(), '0') + digits);
}

change tell(const core::account& before, std::vector<event_type> types) {
    change wanted{.next = before};
    ++wanted.next->factor_attempts.misses;
    for (const auto type : types) {
        core::event event;
        event.id = core::event_id("0123456789abcdef0123456789abcdef");
        event.type = type;
        event.account = before.id;
        event.recipients = {before.email};
        wanted.events.push_back(std::move(event));
    }
    return wanted;
}

class OutboxLimits : public store_fixture {
protected:
    void SetUp() override { ASSERT_TRUE(create(0)); }

    bool create(int number) {
        core::account account;
        account.id = id_of(number);
        account.email = "ada@example.org";
        const auto created = run(accounts.create(std::move(account), {}));
        return created && *created;
    }
    // Nothing if it was committed.
    std::optional<store_error> commit(std::vector<event_type> types, bool of_refusal = false,
                                      int number = 0) {
        const auto done = run(accounts.transact(id_of(number), [&](const core::account& before) {
            auto wanted = tell(before, types);
            wanted.of_refusal = of_refusal;
            return wanted;
        }));
        if (done) return std::nullopt;
        return done.error();
    }
    [[nodiscard]] std::string key(const std::string& rest, int number = 0) const {
        return "cs:{" + std::to_string(store::partition_of(id_of(number), partitions)) +
               "}:" + rest;
    }
    std::int64_t alerts() { return ask_integer({"XLEN", key("outbox:alert")}); }
    int misses() {
        const auto loaded = run(accounts.load(id_of(0)));
        return loaded && *loaded ? (*loaded)->value.factor_attempts.misses : -1;
    }

    seeded_random random{1};
    store::accounts accounts{
        *redis, random, partitions, {.codes = codes_max, .alerts = alerts_max}};
};

TEST_F(OutboxLimits, AFullLane_RefusesChangesWithItsEvents_AndTakesEveryOther) {
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(commit({event_type::new_login}), std::nullopt);
    EXPECT_EQ(commit({event_type::new_login}), store_error::outbox_full);
    EXPECT_EQ(misses(), 5) << "nothing of it was written";
    EXPECT_EQ(alerts(), 5);
    EXPECT_EQ(commit({event_type::one_time_code, event_type::new_login}), store_error::outbox_full);

    EXPECT_EQ(commit({}), std::nullopt);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(commit({event_type::one_time_code}), std::nullopt);
    EXPECT_EQ(commit({event_type::one_time_code}), store_error::outbox_full);
    EXPECT_EQ(commit({}), std::nullopt);
    EXPECT_TRUE(redis->healthy());
}

TEST_F(OutboxLimits, AChangeThatDoesNotFitWhole_IsRefused) {
    for (int i = 0; i < 4; ++i)
        ASSERT_EQ(commit({event_type::new_login}), std::nullopt);
    EXPECT_EQ(commit({event_type::new_login, event_type::email_changed}), store_error::outbox_full);
    EXPECT_EQ(alerts(), 4);
    EXPECT_EQ(commit({event_type::new_login}), std::nullopt);
}

TEST_F(OutboxLimits, WhatIsTriedAgainLater_CountsAsWaiting) {
    for (int i = 0; i < 5; ++i)
        ask({"ZADD", key("retry"), "1", std::to_string(i)});
    EXPECT_EQ(commit({event_type::new_login}), store_error::outbox_full);
    EXPECT_EQ(commit({event_type::one_time_code}), std::nullopt);
}

TEST_F(OutboxLimits, WhatGoesWithARefusal_IsCountedHoweverFullItIs) {
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(commit({event_type::new_login}), std::nullopt);
    EXPECT_EQ(commit({event_type::sign_in_blocked}, true), std::nullopt);
    EXPECT_EQ(misses(), 6);
    EXPECT_EQ(alerts(), 6);
}

TEST_F(OutboxLimits, OncePartitionsAreSentEmpty_TheyTakeAgain) {
    for (int i = 0; i < 5; ++i)
        ASSERT_EQ(commit({event_type::new_login}), std::nullopt);
    ASSERT_EQ(commit({event_type::new_login}), store_error::outbox_full);
    const auto first = ask({"XRANGE", key("outbox:alert"), "-", "+", "COUNT", "1"});
    ask({"XDEL", key("outbox:alert"), *first.list()->front().list()->front().text()});
    EXPECT_EQ(commit({event_type::new_login}), std::nullopt);
}

TEST_F(OutboxLimits, ANewAccount_IsRefusedWithItsMail) {
    for (int i = 0; i < 3; ++i)
        ASSERT_EQ(commit({event_type::one_time_code}), std::nullopt);
    core::account fresh;
    int number = 1; // one of the same partition
    while (store::partition_of(id_of(number), partitions) !=
           store::partition_of(id_of(0), partitions))
        ++number;
    fresh.id = id_of(number);
    fresh.email = "ada@example.org";
    auto events = tell(fresh, {event_type::email_verification}).events;
    const auto created = run(accounts.create(fresh, std::move(events)));
    ASSERT_TRUE(created.has_error());
    EXPECT_EQ(created.error(), store_error::outbox_full);
    const auto there = run(accounts.load(fresh.id));
    EXPECT_TRUE(there && !*there);
}

TEST_F(OutboxLimits, ManyCommitsAtOnce_FillItToTheLimitAndNotBeyond) {
    constexpr int people = 80;
    for (int number = 1; number <= people; ++number)
        ASSERT_TRUE(create(number));
    test_connection second(context, options());
    seeded_random other_random(2);
    store::accounts others(*second, other_random, partitions,
                           {.codes = codes_max, .alerts = alerts_max});
    const auto add_an_alert = [](const core::account& before) {
        return tell(before, {event_type::new_login});
    };
    using outcome = store::store_result<std::unique_ptr<core::account>>;
    std::vector<awaitable<outcome>> work;
    for (int number = 1; number <= people; ++number)
        work.push_back((number % 2 ? accounts : others).transact(id_of(number), add_an_alert));
    int committed = 0;
    for (const auto& done : run_coroutines(context, std::move(work))) {
        if (done)
            ++committed;
        else
            EXPECT_EQ(done.error(), store_error::outbox_full);
    }
    EXPECT_EQ(committed, alerts_max);
    for (int partition = 0; partition < partitions; ++partition)
        EXPECT_EQ(ask_integer({"XLEN", "cs:{" + std::to_string(partition) + "}:outbox:alert"}),
                  alerts_max / partitions);
}

} // namespace
} // namespace countersign::tests
