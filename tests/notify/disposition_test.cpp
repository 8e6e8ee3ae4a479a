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

TEST(Disposition, AFaultThatTheMailMayCause_IsTriedEverMoreSeldomButNeverGivenUp) {
    auto report = failed({failure_kind::relay});
    report.failed.front().failure.relay_accepted_sender = true;
    const auto first = judge(report, 0, 3, 0);
    EXPECT_EQ(first.delay, seconds(20)); // the relay's pause, where that is longer
    EXPECT_TRUE(first.counted);
    EXPECT_EQ(judge(report, 3, 1, 0).delay, minutes(10));
    const auto late = judge(report, 100'000, 1, 0);
    EXPECT_EQ(late.what, fate::retry);
    EXPECT_EQ(late.delay, hours(1));
}

TEST(Disposition, WhatASubmissionShowsOfTheRelay) {
    EXPECT_EQ(relay_shown_by(failed({}, 1)), relay_verdict::works);
    EXPECT_EQ(relay_shown_by(failed({failure_kind::relay}, 1)), relay_verdict::at_fault);
    // Not rendered, or not begun: nothing was asked of the relay.
    EXPECT_EQ(relay_shown_by(failed({failure_kind::permanent_recipient})), relay_verdict::unknown);
    EXPECT_EQ(relay_shown_by(failed({failure_kind::transient})), relay_verdict::unknown);
    auto refused = failed({failure_kind::permanent_recipient});
    refused.failed.front().failure.relay_accepted_sender = true;
    EXPECT_EQ(relay_shown_by(refused), relay_verdict::works);
    refused.failed.front().failure.kind = failure_kind::relay;
    EXPECT_EQ(relay_shown_by(refused), relay_verdict::at_fault);
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
                                                            {sender, 550, relay},
                                                            {sender, 451, relay},
                                                            {sender, 552, relay},
                                                            {sender, 0, relay},
                                                            {recipient, 550, permanent_recipient},
                                                            {recipient, 553, permanent_recipient},
                                                            {recipient, 450, transient},
                                                            {recipient, 452, transient},
                                                            {recipient, 421, relay},
                                                            {recipient, 503, relay},
                                                            {recipient, 530, relay},
                                                            {recipient, 0, transient},
                                                            {data, 554, permanent_recipient},
                                                            {data, 552, permanent_recipient},
                                                            {data, 451, transient},
                                                            {data, 354, transient},
                                                            {data, 0, transient},
                                                            {data, 421, relay},
                                                            {message, 250, transient},
                                                            {message, 0, transient},
                                                            {message, 452, transient},
                                                            {message, 550, permanent_recipient},
                                                            {message, 421, relay}}) {
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
