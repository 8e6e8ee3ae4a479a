#include "store/accounts.hpp"

#include "store/metadata.hpp"
#include "store/scripts.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::change;
using store::store_error;
using outcome = store::store_result<std::unique_ptr<core::account>>;

const core::account_id ada{"user_00000000000000000000000000000ada"};

core::account new_account(const core::account_id& id = ada) {
    core::account account;
    account.id = id;
    account.email = "ada@example.org";
    return account;
}

core::event new_event(core::event_type type = core::event_type::two_factor_added) {
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.type = type;
    event.account = ada;
    event.recipients = {"ada@example.org"};
    return event;
}

// Counts one miss and tells of it: a change with an event.
change count_a_miss(const core::account& before) {
    change wanted{before, {new_event()}};
    ++wanted.next->factor_attempts.misses;
    return wanted;
}

class Accounts : public store_fixture {
protected:
    explicit Accounts(append_only durability = append_only::off) : store_fixture(durability) {}

    void SetUp() override { ASSERT_TRUE(*run(accounts.create(new_account(), {}))); }

    [[nodiscard]] std::string key(std::string_view rest) const {
        return "cs:{" + std::to_string(store::partition_of(ada, 16)) + "}:" + std::string(rest);
    }
    [[nodiscard]] std::string account_key() const { return key("account:" + ada.value()); }
    std::int64_t alerts() { return ask_integer({"XLEN", key("outbox:alert")}); }
    std::int64_t codes() { return ask_integer({"XLEN", key("outbox:code")}); }
    std::string version() { return ask_text({"HGET", account_key(), "v"}).substr(0, 8); }
    int misses() {
        const auto loaded = run(accounts.load(ada));
        return loaded && *loaded ? (*loaded)->value.factor_attempts.misses : -1;
    }

    std::int64_t run_script(const store::script& code, std::vector<std::string> arguments) {
        const auto reply =
            run(redis->script(code,
                              {account_key(), key("outbox:code"), key("outbox:alert"), key("retry"),
                               key("reminders"), key("activity:" + ada.value())},
                              std::move(arguments)));
        return reply && reply->integer() ? *reply->integer() : -99;
    }

    seeded_random random{20260101};
    store::accounts accounts{*redis, random, 16};
};

class DurableAccounts : public Accounts {
protected:
    DurableAccounts() : Accounts(append_only::always) {}
};

TEST_F(Accounts, ACreatedAccount_IsLoadedAsItWas) {
    const auto loaded = run(accounts.load(ada));
    ASSERT_TRUE(loaded && *loaded);
    EXPECT_EQ((*loaded)->value, new_account());
    EXPECT_EQ((*loaded)->version.size(), 8U);
    EXPECT_EQ((*loaded)->version, version());
}

TEST_F(Accounts, CreatingOneThatExists_IsRefusedAndTellsNobody) {
    const auto before = version();
    const auto again = run(accounts.create(new_account(), {new_event()}));
    ASSERT_TRUE(again);
    EXPECT_FALSE(*again);
    EXPECT_EQ(version(), before);
    EXPECT_EQ(alerts(), 0);
}

TEST_F(Accounts, AnUnknownAccount_IsMissingAndTheDecisionIsNotAsked) {
    const core::account_id nobody("user_ffffffffffffffffffffffffffffffff");
    bool asked = false;
    const auto done = run(accounts.transact(nobody, [&](const core::account&) {
        asked = true;
        return change{};
    }));
    ASSERT_TRUE(done);
    EXPECT_EQ(*done, nullptr);
    EXPECT_FALSE(asked);
    EXPECT_FALSE(*run(accounts.load(nobody)));
}

TEST_F(Accounts, AChange_IsWrittenTogetherWithItsEventsInTheirLanes) {
    const auto before = version();
    const auto done = run(accounts.transact(ada, [](const core::account& account) {
        auto wanted = count_a_miss(account);
        wanted.events.push_back(new_event(core::event_type::one_time_code));
        return wanted;
    }));
    ASSERT_TRUE(done);
    EXPECT_NE(*done, nullptr);
    EXPECT_EQ(misses(), 1);
    EXPECT_NE(version(), before);
    EXPECT_EQ(alerts(), 1);
    EXPECT_EQ(codes(), 1);
    const auto entries = ask({"XRANGE", key("outbox:alert"), "-", "+"});
    const auto& fields = *(*entries.list()->front().list())[1].list();
    EXPECT_EQ(*fields[0].text(), "e");
    EXPECT_EQ(*fields[1].text(), core::to_json(new_event()));
}

TEST_F(Accounts, ADecisionWithNothingToWrite_WritesNothing) {
    const auto before = version();
    const auto done = run(accounts.transact(ada, [](const core::account&) { return change{}; }));
    ASSERT_TRUE(done);
    EXPECT_NE(*done, nullptr);
    EXPECT_EQ(version(), before);
}

TEST_F(Accounts, EventsAlone_AreCommittedWithTheSameAccount) {
    const auto before = version();
    ASSERT_TRUE(run(accounts.transact(
        ada, [](const core::account&) { return change{std::nullopt, {new_event()}}; })));
    EXPECT_EQ(alerts(), 1);
    EXPECT_NE(version(), before);
    EXPECT_EQ((*run(accounts.load(ada)))->value, new_account());
}

TEST_F(Accounts, T04_ParallelTransactionsOverTwoConnections_AllCountAndNoneTwice) {
    test_connection second(context, options());
    seeded_random other_random(7);
    store::accounts others(*second, other_random, 16);
    std::vector<awaitable<outcome>> work;
    for (int i = 0; i < 50; ++i) {
        work.push_back(accounts.transact(ada, count_a_miss));
        work.push_back(others.transact(ada, count_a_miss));
    }
    for (const auto& done : run_coroutines(context, std::move(work))) {
        ASSERT_TRUE(done) << to_string(done.error());
        EXPECT_NE(*done, nullptr);
    }
    EXPECT_EQ(misses(), 100);
    EXPECT_EQ(alerts(), 100);
}

TEST_F(Accounts, T04_OfManyWhoWantTheSameThing_ExactlyOneGetsIt) {
    test_connection second(context, options());
    seeded_random other_random(7);
    store::accounts others(*second, other_random, 16);
    std::vector<int> won(40);
    const auto take = [&won](std::size_t who) {
        return [&won, who](const core::account& account) {
            won[who] = account.factor_attempts.misses == 0 ? 1 : 0;
            return won[who] == 1 ? count_a_miss(account) : change{};
        };
    };
    std::vector<awaitable<outcome>> work;
    for (std::size_t i = 0; i < won.size(); ++i)
        work.push_back((i % 2 == 0 ? accounts : others).transact(ada, take(i)));
    for (const auto& done : run_coroutines(context, std::move(work)))
        ASSERT_TRUE(done);
    EXPECT_EQ(std::count(won.begin(), won.end(), 1), 1);
    EXPECT_EQ(alerts(), 1);
}

TEST_F(Accounts, ATransactionAfterAQueuedOne_SeesWhatAnotherThreadDidMeanwhile) {
    // The second of the queue inherits the first's account and writes nothing: it must have looked.
    std::vector<int> seen;
    std::vector<awaitable<outcome>> work;
    work.push_back(accounts.transact(ada, count_a_miss));
    work.push_back(accounts.transact(ada, [&seen](const core::account& account) {
        seen.push_back(account.factor_attempts.misses);
        return change{};
    }));
    for (const auto& done : run_coroutines(context, std::move(work)))
        ASSERT_TRUE(done);
    EXPECT_EQ(seen, (std::vector{1, 1})) << "first inherited, then loaded";
}

TEST_F(Accounts, ALostRace_IsDecidedAgainOnWhatIsThere) {
    test_connection second(context, options());
    seeded_random other_random(7);
    store::accounts others(*second, other_random, 16);
    ASSERT_TRUE(run(others.transact(ada, count_a_miss)));
    std::vector<int> seen;
    // A commit between the load and the decision's own, made by hand.
    const auto done = run(accounts.transact(ada, [&](const core::account& account) {
        if (seen.empty()) {
            std::thread([this] {
                boost::asio::io_context own(1);
                test_connection third(own, options());
                seeded_random third_random(9);
                store::accounts intruder(*third, third_random, 16);
                EXPECT_TRUE(run_coroutine(own, intruder.transact(ada, count_a_miss)));
            }).join();
        }
        seen.push_back(account.factor_attempts.misses);
        return count_a_miss(account);
    }));
    ASSERT_TRUE(done);
    EXPECT_EQ(seen, (std::vector{1, 2}));
    EXPECT_EQ(misses(), 3);
}

TEST_F(Accounts, ACommitThatRunsTwice_TakesEffectOnceHoweverLateTheSecondComes) {
    const auto commit = [this](std::string expected, std::string proposed) {
        return run_script(store::scripts::commit(),
                          {std::move(expected), std::move(proposed), "", "", "", "", ada.value(),
                           "", "3", "", "an alert"});
    };
    const auto before = version();
    EXPECT_EQ(commit(before, "_first_v"), 1);
    EXPECT_EQ(commit(before, "_first_v"), 2);
    EXPECT_EQ(alerts(), 1);
    EXPECT_EQ(commit("_first_v", "second_v"), 1);
    EXPECT_EQ(commit(before, "_first_v"), 2) << "known again although others have moved on";
    EXPECT_EQ(commit(before, "_third_v"), 0) << "a lost race";
    EXPECT_EQ(version(), "second_v");
    EXPECT_EQ(alerts(), 2);
}

TEST_F(Accounts, AnErasureThatRunsTwice_TakesEffectOnce) {
    const auto before = version();
    const auto erase = [&](const char* repeated) {
        return run_script(store::scripts::erase(),
                          {before, repeated, ada.value(), "3", "", "an alert"});
    };
    EXPECT_EQ(erase("0"), 1);
    EXPECT_EQ(erase("0"), 0);
    EXPECT_EQ(erase("1"), 2);
    EXPECT_EQ(alerts(), 1);
}

TEST_F(Accounts, AnEmbeddedScript_HasTheHashThatRedisGivesIt) {
    for (const auto* code : {&store::scripts::commit(), &store::scripts::erase()})
        EXPECT_EQ(ask_text({"SCRIPT", "LOAD", code->source}), code->sha1);
}

TEST_F(Accounts, AWrongTypeOfAccount_IsCorruptAndNothingIsWritten) {
    ask({"SET", account_key(), "text"});
    EXPECT_EQ(run(accounts.load(ada)).error(), store_error::corrupt);
    EXPECT_EQ(run(accounts.transact(ada, count_a_miss)).error(), store_error::corrupt);
    EXPECT_EQ(run(accounts.create(new_account(), {new_event()})).error(), store_error::corrupt);
    EXPECT_EQ(alerts(), 0);
    EXPECT_EQ(ask_text({"GET", account_key()}), "text");
}

TEST_F(Accounts, AWrongTypeOfOutbox_IsCorruptAndNothingIsWritten) {
    const auto before = version();
    ask({"SET", key("outbox:alert"), "text"});
    const auto done = run(accounts.transact(ada, [](const core::account& account) {
        auto wanted = count_a_miss(account);
        wanted.events.insert(wanted.events.begin(), new_event(core::event_type::one_time_code));
        return wanted;
    }));
    EXPECT_EQ(done.error(), store_error::corrupt);
    EXPECT_EQ(version(), before);
    EXPECT_EQ(codes(), 0);
    EXPECT_EQ(misses(), 0);
}

TEST_F(Accounts, ADocumentThatIsNone_IsCorrupt) {
    ask({"HSET", account_key(), "d", "{}"});
    EXPECT_EQ(run(accounts.load(ada)).error(), store_error::corrupt);
    ask({"HSET", account_key(), "d",
         core::to_document(
             new_account(core::account_id("user_ffffffffffffffffffffffffffffffff")))});
    EXPECT_EQ(run(accounts.load(ada)).error(), store_error::corrupt) << "another's document";
    ask({"HDEL", account_key(), "d"});
    EXPECT_EQ(run(accounts.load(ada)).error(), store_error::corrupt);
}

TEST_F(Accounts, Erasing_NeedsTheVersionThatWasReadAndTellsOfIt) {
    const auto before = version();
    ASSERT_TRUE(run(accounts.transact(ada, count_a_miss)));
    EXPECT_FALSE(*run(accounts.erase(ada, before, {new_event()})));
    EXPECT_EQ(alerts(), 1);
    EXPECT_TRUE(*run(accounts.erase(ada, version(), {new_event()})));
    EXPECT_EQ(alerts(), 2);
    EXPECT_FALSE(*run(accounts.load(ada)));
    EXPECT_FALSE(*run(accounts.erase(ada, before, {new_event()})));
    EXPECT_EQ(alerts(), 2);
}

TEST_F(Accounts, AFrozenRedis_IsUnavailableWithinTwoSecondsAndTheChangeCountsAtMostOnce) {
    const auto start = std::chrono::steady_clock::now();
    // Frozen between the load and the commit.
    const auto done = run(accounts.transact(ada, [this](const core::account& account) {
        server.pause();
        return count_a_miss(account);
    }));
    EXPECT_EQ(done.error(), store_error::unavailable);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    server.resume();
    const auto resumed = std::chrono::steady_clock::now();
    while (!run(accounts.load(ada)) && std::chrono::steady_clock::now() - resumed < 5s) {
    }
    EXPECT_LT(std::chrono::steady_clock::now() - resumed, 2s);
    const auto counted = misses();
    EXPECT_LE(counted, 1);
    EXPECT_EQ(alerts(), counted);
}

TEST_F(Accounts, AShortFreeze_IsRiddenOutAndTheChangeCountsOnce) {
    std::thread thaw;
    const auto done = run(accounts.transact(ada, [&](const core::account& account) {
        server.pause();
        thaw = std::thread([this] {
            std::this_thread::sleep_for(500ms);
            server.resume();
        });
        return count_a_miss(account);
    }));
    thaw.join();
    ASSERT_TRUE(done);
    EXPECT_EQ(misses(), 1);
    EXPECT_EQ(alerts(), 1);
}

TEST_F(Accounts, ManyWaitingForAFrozenAccount_AllHearWithinTwoSeconds) {
    server.pause();
    const auto start = std::chrono::steady_clock::now();
    std::vector<awaitable<outcome>> work;
    for (int i = 0; i < 200; ++i)
        work.push_back(accounts.transact(ada, count_a_miss));
    for (const auto& done : run_coroutines(context, std::move(work)))
        EXPECT_FALSE(done);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    server.resume();
}

TEST_F(DurableAccounts, T07_WhatWasCommitted_IsThereAfterRedisIsKilled) {
    ASSERT_TRUE(run(accounts.transact(ada, count_a_miss)));
    server.restart();
    while (!run(redis->command({"PING"}))) {
    }
    EXPECT_EQ(misses(), 1);
    EXPECT_EQ(alerts(), 1);
    ASSERT_TRUE(run(accounts.transact(ada, count_a_miss)));
    EXPECT_EQ(misses(), 2);
}

TEST_F(DurableAccounts, T13_WhileRedisIsKilledAgainAndAgain_EveryCommittedMissIsCounted) {
    test_connection second(context, options());
    seeded_random other_random(7);
    store::accounts others(*second, other_random, 16);
    std::thread chaos([this] {
        for (int i = 0; i < 4; ++i) {
            std::this_thread::sleep_for(150ms);
            server.restart();
        }
    });
    int committed = 0;
    int unknown = 0;
    for (int round = 0; round < 40; ++round) {
        std::vector<awaitable<outcome>> work;
        for (int i = 0; i < 4; ++i) {
            work.push_back(accounts.transact(ada, count_a_miss));
            work.push_back(others.transact(ada, count_a_miss));
        }
        for (const auto& done : run_coroutines(context, std::move(work)))
            ++(done ? committed : unknown);
    }
    chaos.join();
    while (!run(redis->command({"PING"}))) {
    }
    EXPECT_GT(committed, 100);
    EXPECT_GE(misses(), committed);
    EXPECT_EQ(alerts(), misses());
    RecordProperty("committed", committed);
    RecordProperty("unknown", unknown);
    RecordProperty("counted", misses());
}

} // namespace
} // namespace countersign::tests
