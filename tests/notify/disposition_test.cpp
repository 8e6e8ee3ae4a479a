#include "notify/disposition.hpp"

#include "notify/smtp_failure.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace countersign::tests {
namespace {

using namespace notify;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

submission_report failed(std::vector<failure_kind> kinds, int delivered = 0) {
    submission_report report;
    report.delivered = delivered;
    for (const auto kind : kinds) {
        report.failed.push_back(
            {"r" + std::to_string(report.failed.size()) + "@x.org", {kind, "why"}});
    }
    return report;
}

TEST(Disposition, AllDelivered_IsSettled) {
    EXPECT_EQ(judge(failed({}, 2), 3, 0, 0).what, fate::settle);
}

TEST(Disposition, ATransientFailure_IsRetriedEverLater) {
    const std::vector<core::milliseconds> delays{seconds(5),  seconds(30), minutes(2), minutes(10),
                                                 minutes(30), hours(1),    hours(1)};
    for (std::size_t attempts = 0; attempts < delays.size(); ++attempts) {
        const auto outcome =
            judge(failed({failure_kind::transient}, 1), static_cast<int>(attempts), 0, 0);
        EXPECT_EQ(outcome.what, fate::retry);
        EXPECT_EQ(outcome.delay, delays[attempts]);
        EXPECT_TRUE(outcome.counted);
        EXPECT_EQ(outcome.owed, std::vector<std::string>{"r0@x.org"});
    }
}

TEST(Disposition, DelaysAreSpreadByAFifth) {
    EXPECT_EQ(judge(failed({failure_kind::transient}), 0, 0, 1).delay, seconds(6));
    EXPECT_EQ(judge(failed({failure_kind::transient}), 0, 0, -1).delay, seconds(4));
}

TEST(Disposition, After72HoursOfTransientFailures_ItIsADeadLetter) {
    int attempts = 0;
    while (judge(failed({failure_kind::transient}), attempts, 0, 0).what == fate::retry) {
        ++attempts;
    }
    EXPECT_GE(time_tried(attempts), hours(72));
    EXPECT_LT(time_tried(attempts - 1), hours(72));
    EXPECT_EQ(judge(failed({failure_kind::transient}), attempts, 0, 0).reason, "transient why");
}

TEST(Disposition, APermanentFailure_IsADeadLetterForWhomItConcerns) {
    const auto outcome = judge(failed({failure_kind::permanent_recipient}, 1), 0, 0, 0);
    EXPECT_EQ(outcome.what, fate::give_up);
    EXPECT_EQ(outcome.owed, std::vector<std::string>{"r0@x.org"});
}

TEST(Disposition, OneForNowAndOneForGood_AreTriedUntilOnlyTheLatterIsLeft) {
    const auto both =
        judge(failed({failure_kind::permanent_recipient, failure_kind::transient}), 0, 0, 0);
    EXPECT_EQ(both.what, fate::retry);
    EXPECT_EQ(both.owed.size(), 2U);
    EXPECT_EQ(judge(failed({failure_kind::permanent_recipient}, 1), 1, 0, 0).what, fate::give_up);
}

TEST(Disposition, AFaultOfTheRelay_NeverGivesUp) {
    const auto outcome = judge(failed({failure_kind::relay}), 100'000, 3, 0);
    EXPECT_EQ(outcome.what, fate::retry);
    EXPECT_FALSE(outcome.counted);
    EXPECT_EQ(outcome.delay, seconds(20));
    EXPECT_EQ(relay_pause(1), seconds(5));
    EXPECT_EQ(relay_pause(1000), seconds(60));
}

TEST(SmtpFailure, IsClassifiedByStageAndReply) {
    using enum smtp_stage;
    using enum failure_kind;
    struct row {
        smtp_stage stage;
        int code;
        failure_kind kind;
    };
    for (const auto& [stage, code, kind] : std::vector<row>{{connect, 0, relay},
                                                            {connect, 554, relay},
                                                            {hello, 500, relay},
                                                            {start_tls, 0, relay},
                                                            {start_tls, 454, relay},
                                                            {authenticate, 535, relay},
                                                            {authenticate, 454, relay},
                                                            {authenticate, 504, relay},
                                                            {sender, 530, relay},
                                                            {sender, 421, relay},
                                                            {sender, 550, permanent_recipient},
                                                            {sender, 451, transient},
                                                            {recipient, 550, permanent_recipient},
                                                            {recipient, 553, permanent_recipient},
                                                            {recipient, 450, transient},
                                                            {recipient, 452, transient},
                                                            {recipient, 421, relay},
                                                            {recipient, 0, transient},
                                                            {data, 554, permanent_recipient},
                                                            {data, 552, permanent_recipient},
                                                            {data, 451, transient},
                                                            {data, 354, transient},
                                                            {data, 0, transient},
                                                            {data, 421, relay}}) {
        EXPECT_EQ(classify(stage, code), kind) << to_string(stage) << " " << code;
    }
}

TEST(SmtpFailure, TheReason_HoldsNoAddressNoControlCharacterAndIsCut) {
    const auto reason =
        failure_reason(smtp_stage::recipient,
                       "550 5.1.1 <ada@example.org>: no\r\n\x1b[31m such\xff user", "unused");
    EXPECT_EQ(reason, "RCPT: 550 5.1.1 [address] no[31m such user");
    EXPECT_LE(failure_reason(smtp_stage::data, std::string(5000, 'x'), "").size(), 220U);
    EXPECT_EQ(failure_reason(smtp_stage::connect, "", "Timeout was reached"),
              "connect: Timeout was reached");
}

} // namespace
} // namespace countersign::tests
