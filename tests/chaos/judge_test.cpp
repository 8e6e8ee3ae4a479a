// The judge of the soak sees each kind of fault that it is there for.
#include "tests/chaos/judge.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using std::chrono::milliseconds;

moment at(int time_ms) {
    return moment(milliseconds(time_ms));
}

mail_note mail_about(const std::string& mark, int time_ms, std::uint64_t connection = 1) {
    return {.mark = mark,
            .subject = "Changed",
            .message_id = "<" + mark + "@example.org>",
            .date = "Thu, 1 Jan 1970 00:00:00 +0000",
            .bytes_hash = 7,
            .by = victim::notifier,
            .connection = connection,
            .arrived = at(time_ms)};
}

watched_change change(const std::string& mark, durable_state state, bool acknowledged) {
    return {.mark = mark, .subject = "Changed", .acknowledged = acknowledged, .state = state};
}

// A change, its mail, the notifier's death at 1 s before it was settled, and the second copy.
chaos_history one_duplicate() {
    return {.changes = {change("a", durable_state::made, true)},
            .kills = {{.who = victim::notifier, .at = at(1'000), .back = at(1'500)}},
            .mails = {mail_about("a", 999), mail_about("a", 1'600, 2)},
            .ends = {{.by = victim::notifier, .connection = 1, .at = at(1'001)}}};
}

std::string only_fault(const chaos_history& history) {
    const auto verdict = judge_chaos(history);
    return verdict.faults.size() == 1 ? verdict.faults.front()
                                      : std::to_string(verdict.faults.size()) + " faults";
}

TEST(ChaosJudge, DuplicateOfAKilledNotifier_IsCounted) {
    const auto verdict = judge_chaos(one_duplicate());
    EXPECT_TRUE(verdict.faults.empty());
    EXPECT_EQ(verdict.duplicates_of_killed, 1U);
    EXPECT_EQ(verdict.made, 1U);
}

TEST(ChaosJudge, LostChange_IsAFault) {
    EXPECT_EQ(only_fault({.changes = {change("a", durable_state::not_made, true)}}),
              "acknowledged and lost: a (Changed)");
}

TEST(ChaosJudge, ChangeWithoutMail_IsAFaultWhetherAnsweredOrNot) {
    for (const bool acknowledged : {true, false}) {
        const chaos_history history{.changes = {change("a", durable_state::made, acknowledged)}};
        EXPECT_EQ(only_fault(history), "no mail about a (Changed)");
        EXPECT_EQ(mails_missing(history), 1U);
    }
}

TEST(ChaosJudge, MailWithoutAChange_IsAFault) {
    EXPECT_EQ(only_fault({.mails = {mail_about("a", 1)}}),
              "a mail about nothing: a (Changed), <a@example.org>");
    EXPECT_EQ(only_fault({.changes = {change("a", durable_state::not_made, false)},
                          .mails = {mail_about("a", 1)}}),
              "a mail about what was not made: a (Changed)");
}

TEST(ChaosJudge, MailOfWhatLeavesNoTrace_MayComeOrNot) {
    chaos_history history{.changes = {change("a", durable_state::open, false)}};
    EXPECT_TRUE(judge_chaos(history).faults.empty());
    history.mails = {mail_about("a", 1)};
    EXPECT_TRUE(judge_chaos(history).faults.empty());
}

TEST(ChaosJudge, CopiesThatDiffer_AreAFault) {
    auto other_id = one_duplicate();
    other_id.mails.back().message_id = "<b@example.org>";
    EXPECT_EQ(only_fault(other_id), "copies differ in Message-ID or Date: a (Changed)");
    auto other_bytes = one_duplicate();
    other_bytes.mails.back().bytes_hash = 8;
    EXPECT_EQ(only_fault(other_bytes), "copies differ in their bytes: a (Changed)");
}

TEST(ChaosJudge, TwoChangesWithOneMessageId_AreAFault) {
    auto history = one_duplicate();
    history.changes.push_back(change("b", durable_state::made, true));
    history.mails.push_back(mail_about("b", 1'700, 2));
    history.mails.back().message_id = history.mails.front().message_id;
    EXPECT_EQ(only_fault(history), "b (Changed) and a (Changed) share a Message-ID");
}

TEST(ChaosJudge, DuplicateOfWhatWasSettled_IsAFault) {
    auto history = one_duplicate(); // another mail on the connection: the first was settled
    history.changes.push_back(change("b", durable_state::made, true));
    history.mails.insert(history.mails.begin() + 1, mail_about("b", 1'000));
    EXPECT_EQ(only_fault(history), "sent again without a kill: a (Changed)");
}

TEST(ChaosJudge, DuplicateWithoutTheDeathOfItsSender_IsAFault) {
    auto nobody_killed = one_duplicate();
    nobody_killed.kills.clear();
    EXPECT_EQ(only_fault(nobody_killed), "sent again without a kill: a (Changed)");
    auto other_killed = one_duplicate();
    other_killed.kills.front().who = victim::server;
    EXPECT_EQ(only_fault(other_killed), "sent again without a kill: a (Changed)");
    auto said_goodbye = one_duplicate();
    said_goodbye.ends.front().said_quit = true;
    EXPECT_EQ(only_fault(said_goodbye), "sent again without a kill: a (Changed)");
}

TEST(ChaosJudge, DuplicateAboutAKillOfRedis_IsCountedApart) {
    auto history = one_duplicate();
    history.kills.front().who = victim::redis;
    const auto verdict = judge_chaos(history);
    EXPECT_TRUE(verdict.faults.empty());
    EXPECT_EQ(verdict.duplicates_about_redis, 1U);
    history.mails.front().arrived = at(-3'000);
    EXPECT_EQ(only_fault(history), "sent again without a kill: a (Changed)");
}

} // namespace
} // namespace countersign::tests
