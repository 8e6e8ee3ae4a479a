#include "notify/notifier.hpp"

#include "tests/notify/notifier_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::event_type;

class Notifier : public notifier_fixture {};

TEST_F(Notifier, ACodeAndAnAlert_ArriveOnceAndAreSettled) {
    start();
    commit({event_of(event_type::one_time_code), event_of(event_type::new_login)});
    ASSERT_TRUE(sink_->wait_for(2, 10s));
    EXPECT_TRUE(becomes_empty());
    const auto mails = sink_->mails();
    EXPECT_EQ(mails.size(), 2U);
    EXPECT_TRUE(std::ranges::any_of(mails, [](const received_mail& mail) {
        return find_six_digits(text_part(mail.data)) == sample_secret;
    }));
}

TEST_F(Notifier, WhatWasCommittedBeforeItStarted_IsMailed) {
    commit({event_of(event_type::two_factor_added)});
    start();
    EXPECT_TRUE(sink_->wait_for(1, 10s));
    EXPECT_TRUE(becomes_empty());
}

TEST_F(Notifier, ATransientFailure_IsTriedAgainWhenDue) {
    const auto refusals = std::make_shared<std::atomic<int>>(1);
    smtp_sink_options options;
    options.cue = [refusals](std::string_view line) {
        sink_answer answer;
        if (line.starts_with("RCPT") && refusals->fetch_sub(1) > 0) {
            answer.reply = "451 later";
        }
        return answer;
    };
    start(std::move(options));
    commit({event_of(event_type::password_changed)});
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 1; }));
    EXPECT_TRUE(sink_->mails().empty());
    offset_ = 7s;
    ASSERT_TRUE(sink_->wait_for(1, 10s));
    EXPECT_TRUE(becomes_empty());
}

TEST_F(Notifier, OnlyTheRecipientStillOwed_IsTriedAgain) {
    const auto refusals = std::make_shared<std::atomic<int>>(1);
    smtp_sink_options options;
    options.cue = [refusals](std::string_view line) {
        sink_answer answer;
        if (line.starts_with("RCPT TO:<new@") && refusals->fetch_sub(1) > 0) {
            answer.reply = "451 later";
        }
        return answer;
    };
    start(std::move(options));
    auto event = event_of(event_type::email_changed);
    event.recipients = {"old@example.org", "new@example.org"};
    commit({event});
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 1; }));
    offset_ = 7s;
    ASSERT_TRUE(sink_->wait_for(2, 10s));
    EXPECT_TRUE(becomes_empty());
    const auto mails = sink_->mails();
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(mails[0].to, "old@example.org");
    EXPECT_EQ(mails[1].to, "new@example.org");
}

TEST_F(Notifier, ARefusedRecipient_BecomesADeadLetter) {
    smtp_sink_options options;
    options.cue = [](std::string_view line) {
        sink_answer answer;
        if (line.starts_with("RCPT")) {
            answer.reply = "550 no such user";
        }
        return answer;
    };
    start(std::move(options));
    commit({event_of(event_type::new_login)});
    EXPECT_TRUE(has_one_dead());
}

TEST_F(Notifier, AnExpiredCode_IsNotSent) {
    auto event = event_of(event_type::one_time_code);
    event.expires_at = now_ - 1s;
    commit({event});
    start();
    EXPECT_TRUE(becomes_empty());
    EXPECT_TRUE(sink_->mails().empty());
}

TEST_F(Notifier, ASecretThatCannotBeOpened_IsADeadLetter) {
    auto event = event_of(event_type::one_time_code);
    event.sealed_secret = "k1.garbage";
    commit({event});
    start();
    EXPECT_TRUE(has_one_dead());
}

TEST_F(Notifier, WhatIsNoEvent_IsADeadLetter) {
    const auto stream = "cs:{0}:outbox:alert";
    ask({"XADD", stream, "*", "e", "{\"type\":\"of_the_future\"}"});
    start();
    EXPECT_TRUE(has_one_dead());
}

TEST_F(Notifier, ARelayThatIsAway_LosesAndBuriesNothing) {
    start();
    sink_.reset();
    commit({event_of(event_type::new_login, "1")});
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 1; }));
    offset_ = 80h; // long after any mail would be given up
    start();
    ASSERT_TRUE(sink_->wait_for(1, 20s));
    EXPECT_TRUE(becomes_empty());
}

TEST_F(Notifier, ASlowRecipient_HoldsUpNobodyElse) {
    smtp_sink_options options;
    options.cue = [](std::string_view line) {
        sink_answer answer;
        if (line.starts_with("RCPT TO:<slow@")) {
            answer.delay = 3s;
        }
        return answer;
    };
    start(std::move(options));
    auto slow = event_of(event_type::new_login, "1");
    slow.recipients = {"slow@example.org"};
    commit({slow});
    std::this_thread::sleep_for(100ms);
    const auto started = std::chrono::steady_clock::now();
    commit({event_of(event_type::new_login, "2"), event_of(event_type::password_changed, "2")});
    ASSERT_TRUE(sink_->wait_for(2, 10s));
    EXPECT_LT(std::chrono::steady_clock::now() - started, 2s);
    EXPECT_TRUE(sink_->wait_for(3, 10s));
}

TEST_F(Notifier, Stopping_FinishesAndSettlesWhatIsUnderWay) {
    smtp_sink_options options;
    options.cue = [](std::string_view line) {
        sink_answer answer;
        if (line == ".") {
            answer.delay = 500ms;
        }
        return answer;
    };
    start(std::move(options));
    commit({event_of(event_type::new_login)});
    std::this_thread::sleep_for(250ms);
    stop();
    EXPECT_EQ(sink_->mails().size(), 1U);
    EXPECT_TRUE(becomes_empty());
}

TEST_F(Notifier, ARedisThatIsAwayForAWhile_IsWaitedOut) {
    start();
    server.pause();
    std::this_thread::sleep_for(2500ms);
    server.resume();
    ASSERT_TRUE(becomes_empty()); // this test's own connection is back
    commit({event_of(event_type::new_login)});
    EXPECT_TRUE(sink_->wait_for(1, 20s));
    EXPECT_TRUE(becomes_empty());
}

} // namespace
} // namespace countersign::tests
