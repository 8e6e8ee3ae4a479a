// A reminder goes with the writes of its account: never lost, never left.
#include "store/reminders.hpp"

#include "core/account.hpp"
#include "store/accounts.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::unix_time;
using store::change;

constexpr int partitions = 4;
const core::account_id ada{"user_00000000000000000000000000000ada"};
constexpr unix_time noon{1'800'000'000'000ms};

core::account with_logins(core::account account, std::vector<unix_time> until) {
    account.challenges.clear();
    for (const auto at : until)
        account.challenges.push_back(
            {.id = core::challenge_id(std::to_string(account.challenges.size())),
             .begun_at = noon,
             .expires_at = at});
    return account;
}

class Reminders : public store_fixture {
protected:
    void SetUp() override {
        core::account account;
        account.id = ada;
        account.email = "ada@example.org";
        ASSERT_TRUE(*run(accounts.create(std::move(account), {})));
    }
    [[nodiscard]] static int place() { return store::partition_of(ada, partitions); }
    std::int64_t count() { return ask_integer({"ZCARD", store::reminders_key(place())}); }
    // Nullopt: nobody is reminded of it.
    std::optional<unix_time> due_of_ada() {
        const auto due = run(reminders.due(place(), unix_time::max()));
        EXPECT_TRUE(due);
        if (!due || due->empty()) return std::nullopt;
        EXPECT_EQ(due->size(), 1u);
        EXPECT_EQ(due->front().account, ada);
        return due->front().due;
    }
    bool write(const std::function<void(core::account&)>& change_it) {
        return run(accounts.transact(ada,
                                     [&](const core::account& before) {
                                         change wanted{.next = before};
                                         change_it(*wanted.next);
                                         return wanted;
                                     }))
            .has_value();
    }
    bool pend(std::vector<unix_time> until) {
        return write([&](core::account& account) { account = with_logins(account, until); });
    }

    seeded_random random{20260101};
    store::accounts accounts{*redis, random, partitions};
    store::reminders reminders{*redis, partitions};
};

TEST_F(Reminders, AnAccount_IsRememberedAtItsEarliestPendingLoginUntilThereIsNone) {
    EXPECT_EQ(due_of_ada(), std::nullopt);
    ASSERT_TRUE(pend({noon + 20s, noon + 10s}));
    EXPECT_EQ(due_of_ada(), noon + 10s);
    ASSERT_TRUE(pend({noon + 20s}));
    EXPECT_EQ(due_of_ada(), noon + 20s);
    EXPECT_EQ(count(), 1);
    ASSERT_TRUE(pend({}));
    EXPECT_EQ(count(), 0);
    ASSERT_TRUE(write([](core::account& account) {
        account.unfinished = core::unfinished_login{.at = noon, .client = {}};
    }));
    EXPECT_EQ(due_of_ada(), noon);
}

TEST_F(Reminders, AnAccountThatIsCreatedWithAPendingLogin_IsRemembered_AndErasedNoMore) {
    core::account bob;
    bob.id = core::account_id("user_00000000000000000000000000000b0b");
    bob.email = "bob@example.org";
    const auto partition = store::partition_of(bob.id, partitions);
    ASSERT_TRUE(*run(accounts.create(with_logins(bob, {noon}), {})));
    EXPECT_EQ(ask_integer({"ZCARD", store::reminders_key(partition)}), 1);
    const auto version = run(accounts.load(bob.id)).value().value().version;
    ASSERT_TRUE(*run(accounts.erase(bob.id, version, {})));
    EXPECT_EQ(ask_integer({"ZCARD", store::reminders_key(partition)}), 0);
}

TEST_F(Reminders, OnlyWhatIsDue_IsGiven_TheLongestDueFirst) {
    ASSERT_TRUE(pend({noon}));
    EXPECT_TRUE(run(reminders.due(place(), noon - 1ms))->empty());
    EXPECT_EQ(run(reminders.due(place(), noon))->size(), 1u);
    for (int number = 0; number < 2 * store::reminders::page_max; ++number)
        ask({"ZADD", store::reminders_key(place()),
             std::to_string((noon - 1s).time_since_epoch().count() - number),
             "user_" + std::to_string(number)});
    const auto page = run(reminders.due(place(), noon));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->size(), static_cast<std::size_t>(store::reminders::page_max));
    EXPECT_EQ(page->front().account.value(), "user_199");
    EXPECT_TRUE(std::ranges::is_sorted(*page, {}, &store::reminder::due));
}

TEST_F(Reminders, OneThatHasChangedSinceItWasSeen_StaysAsItIs) {
    ASSERT_TRUE(pend({noon}));
    ASSERT_TRUE(run(reminders.replace({.account = ada, .due = noon - 1ms}, std::nullopt)));
    EXPECT_EQ(due_of_ada(), noon);
    ASSERT_TRUE(run(reminders.replace({.account = ada, .due = noon}, noon + 60s)));
    EXPECT_EQ(due_of_ada(), noon + 60s);
    ASSERT_TRUE(run(reminders.replace({.account = ada, .due = noon}, std::nullopt)));
    EXPECT_EQ(due_of_ada(), noon + 60s);
    ASSERT_TRUE(run(reminders.replace({.account = ada, .due = noon + 60s}, std::nullopt)));
    EXPECT_EQ(count(), 0);
    ASSERT_TRUE(run(reminders.replace({.account = ada, .due = noon}, noon)));
    EXPECT_EQ(count(), 0) << "nothing but a write of the account makes one";
}

TEST_F(Reminders, ACommitThatFails_LeavesTheReminderAsItWas) {
    ASSERT_TRUE(pend({noon}));
    ask({"SET", "cs:{" + std::to_string(place()) + "}:outbox:alert", "text"});
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.account = ada;
    event.recipients = {"ada@example.org"};
    const auto done = run(accounts.transact(ada, [&](const core::account& before) {
        return change{.next = with_logins(before, {}), .events = {event}};
    }));
    EXPECT_FALSE(done);
    EXPECT_EQ(due_of_ada(), noon);
}

TEST_F(Reminders, AWrongType_IsCorruptAndNothingIsWritten) {
    ask({"SET", store::reminders_key(place()), "text"});
    EXPECT_FALSE(pend({noon}));
    EXPECT_TRUE(run(accounts.load(ada)).value().value().value.challenges.empty());
    EXPECT_FALSE(run(reminders.due(place(), noon)));
    // What wants no other time goes on.
    EXPECT_TRUE(write([](core::account& account) { account.name = "Ada"; }));
}

} // namespace
} // namespace countersign::tests
