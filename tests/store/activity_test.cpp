// An account's history in Redis: written in the commit that it tells of, bounded, read by pages,
// and gone with the account.
#include "store/accounts.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <thread>

namespace countersign::tests {
namespace {

using core::event_type;
using store::change;

const core::account_id ada{"user_00000000000000000000000000000ada"};

core::event new_event(event_type type, const core::account_id& account = ada) {
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.type = type;
    event.account = account;
    event.recipients = {"ada@example.org"};
    event.ip = "192.0.2.1";
    event.by = "service:0123456789abcdef";
    return event;
}

class ActivityStream : public store_fixture {
protected:
    void SetUp() override {
        core::account account;
        account.id = ada;
        account.email = "ada@example.org";
        ASSERT_TRUE(*run(accounts.create(std::move(account), {})));
    }
    [[nodiscard]] static std::string key(std::string_view rest, const core::account_id& id = ada) {
        return "cs:{" + std::to_string(store::partition_of(id, 16)) + "}:" + std::string(rest);
    }
    [[nodiscard]] static std::string history(const core::account_id& id = ada) {
        return key("activity:" + id.value(), id);
    }
    bool commit(std::vector<core::event> events, const core::account_id& id = ada) {
        return run(accounts.transact(
                       id, [&](const core::account& before) { return change{before, events}; }))
            .has_value();
    }
    // From within a decision, which must not wait.
    void ask_from_elsewhere(std::vector<std::string> words) {
        std::thread([&] {
            boost::asio::io_context own(1);
            test_connection other(own, options());
            EXPECT_TRUE(run_coroutine(own, other->command(words)));
        }).join();
    }
    std::vector<store::placed_activity> read(std::string before = "", std::size_t count = 100) {
        auto rows = run(accounts.activity(ada, std::move(before), count));
        EXPECT_TRUE(rows);
        return rows ? *std::move(rows) : std::vector<store::placed_activity>{};
    }

    seeded_random random{20260101};
    store::accounts accounts{*redis, random, 16};
};

TEST_F(ActivityStream, AnEvent_IsRecordedInTheCommitThatMailsIt) {
    const auto event = new_event(event_type::two_factor_removed);
    ASSERT_TRUE(commit({event}));
    const auto rows = read();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].row, core::row_of(event));
    EXPECT_TRUE(store::is_activity_place(rows[0].place));
    EXPECT_EQ(ask_integer({"XLEN", key("outbox:alert")}), 1);
}

TEST_F(ActivityStream, AnEventWithoutRecipients_IsRecordedOnly) {
    auto event = new_event(event_type::new_login);
    event.recipients.clear();
    ASSERT_TRUE(commit({event}));
    EXPECT_EQ(read().size(), 1u);
    EXPECT_EQ(ask_integer({"XLEN", key("outbox:alert")}), 0);
}

TEST_F(ActivityStream, AMailedCode_IsNotRecorded) {
    ASSERT_TRUE(commit({new_event(event_type::one_time_code)}));
    EXPECT_EQ(ask_integer({"XLEN", key("outbox:code")}), 1);
    EXPECT_EQ(ask_integer({"EXISTS", history()}), 0);
}

TEST_F(ActivityStream, ACommitWithoutEvents_LeavesItAlone) {
    ASSERT_TRUE(commit({}));
    EXPECT_EQ(ask_integer({"EXISTS", history()}), 0);
}

TEST_F(ActivityStream, ALostRace_RecordsNothing) {
    ASSERT_TRUE(commit({}));
    bool first = true;
    ASSERT_TRUE(run(accounts.transact(ada, [&](const core::account& before) {
        if (first) ask_from_elsewhere({"HSET", key("account:" + ada.value()), "v", "another"});
        first = false;
        return change{before, {new_event(event_type::new_login)}};
    })));
    EXPECT_EQ(read().size(), 1u);
}

TEST_F(ActivityStream, AWrongTypeOfHistory_IsCorruptAndNothingIsWritten) {
    ask({"SET", history(), "text"});
    EXPECT_FALSE(commit({new_event(event_type::new_login)}));
    EXPECT_EQ(ask_integer({"XLEN", key("outbox:alert")}), 0);
    EXPECT_EQ(run(accounts.activity(ada, "", 10)).error(), store::store_error::corrupt);
}

TEST_F(ActivityStream, OnlyTheLatestRows_AreKept) {
    const std::vector<core::event> ten(10, new_event(event_type::new_login));
    for (std::size_t written = 0; written < core::activity_rows_max; written += ten.size())
        ASSERT_TRUE(commit(ten));
    ASSERT_TRUE(commit({new_event(event_type::sessions_ended)}));
    EXPECT_EQ(ask_integer({"XLEN", history()}), std::int64_t{core::activity_rows_max});
    EXPECT_EQ(read().at(0).row.what, "sessions_ended");
}

TEST_F(ActivityStream, Pages_GoFromTheNewestOnAndMissNothing) {
    for (const auto type : {event_type::new_login, event_type::password_changed,
                            event_type::email_changed, event_type::sessions_ended})
        ASSERT_TRUE(commit({new_event(type)}));
    const auto first = read("", 3);
    ASSERT_EQ(first.size(), 3u);
    EXPECT_EQ(first[0].row.what, "sessions_ended");
    const auto second = read(first[2].place, 3);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].row.what, "new_login");
    EXPECT_TRUE(read(second[0].place).empty());
}

TEST_F(ActivityStream, Erasing_TakesItAwayAndStillMails) {
    ASSERT_TRUE(commit({new_event(event_type::new_login)}));
    const auto seen = run(accounts.load(ada));
    ASSERT_TRUE(
        *run(accounts.erase(ada, (*seen)->version, {new_event(event_type::account_deleted)})));
    EXPECT_EQ(ask_integer({"EXISTS", history()}), 0);
    EXPECT_EQ(ask_integer({"XLEN", key("outbox:alert")}), 2);
}

TEST_F(ActivityStream, AStrangers_IsForgottenWithIt) {
    const core::account_id stranger("stranger_00000000000000000000000000000000");
    ASSERT_TRUE(commit({new_event(event_type::sign_in_blocked, stranger)}, stranger));
    EXPECT_EQ(ask_integer({"XLEN", history(stranger)}), 1) << "the same work as for an account";
    const auto life = ask_integer({"PTTL", history(stranger)});
    EXPECT_GT(life, 86'000'000);
    EXPECT_LE(life, 86'400'000);
}

TEST(ActivityPlace, IsTwoNumbers) {
    for (const auto* good : {"0-0", "1790000000000-12"})
        EXPECT_TRUE(store::is_activity_place(good)) << good;
    for (const auto* bad :
         {"", "-", "1", "1-", "-1", "1-2-3", "+", "(1-1", "a-1", "1234567890123456789-1", "1 -1"})
        EXPECT_FALSE(store::is_activity_place(bad)) << bad;
}

} // namespace
} // namespace countersign::tests
