#include "notify/notifier.hpp"

#include "core/account.hpp"
#include "notify/smtp_transport.hpp"
#include "store/accounts.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::event_type;

// A Redis, an SMTP sink, and a notifier between them on a thread of its own.
class Notifier : public store_fixture {
protected:
    void TearDown() override { stop(); }

    // Commits an account with these events, as the server does.
    void commit(std::vector<core::event> events) {
        core::account account;
        account.id = events.front().account;
        account.email = "ada@example.org";
        seeded_random random(++seed_);
        store::accounts accounts(*redis, random, partitions);
        for (auto& event : events) {
            event.id = core::event_id(random.hex(16));
        }
        ASSERT_TRUE(run(accounts.create(std::move(account), std::move(events))));
    }

    core::event event_of(event_type type, std::string account_digit = "0") {
        auto event = sample_event(type);
        event.account = core::account_id("user_" + std::string(32, account_digit.front()));
        event.sealed_secret =
            keys_.seal(sample_secret, core::secret_context(event.account, type), {std::byte{7}});
        event.at = now_;
        event.expires_at = now_ + 10min;
        return event;
    }

    void start(smtp_sink_options options = {}) {
        options.port = port_;
        sink_ = std::make_unique<smtp_sink>(std::move(options));
        port_ = sink_->port();
        if (!thread_.joinable()) {
            thread_ = std::thread([this] { notify(); });
        }
        while (!running_) {
            std::this_thread::sleep_for(1ms);
        }
    }

    void stop() {
        if (notifier_) {
            notifier_->stop();
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    store::outbox_counts counts() {
        store::outbox outbox(*redis, *redis, partitions, "reader");
        const auto counted = run(outbox.counts());
        return counted ? *counted : store::outbox_counts{-1, -1, -1, -1};
    }

    // Whether the outbox comes to look like this within a few seconds.
    bool becomes(const std::function<bool(const store::outbox_counts&)>& wanted) {
        for (int tries = 0; tries < 250; ++tries) {
            if (wanted(counts())) {
                return true;
            }
            std::this_thread::sleep_for(20ms);
        }
        return false;
    }
    bool becomes_empty() {
        return becomes([](const store::outbox_counts& now) {
            return now.code_backlog + now.alert_backlog + now.due_later + now.dead == 0;
        });
    }
    bool has_one_dead() {
        return becomes([](const store::outbox_counts& now) {
            return now.code_backlog + now.alert_backlog + now.due_later == 0 && now.dead == 1;
        });
    }

    // The notifier's clock, which tests move to make retries due.
    std::atomic<std::chrono::milliseconds> offset_{0ms};
    std::unique_ptr<smtp_sink> sink_;
    core::unix_time now_ =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    static constexpr int partitions = 4;

private:
    void notify() {
        boost::asio::io_context own(1);
        auto reads = options();
        reads.deadline = 5s;
        store::connection blocking(own.get_executor(), reads);
        store::connection writes(own.get_executor(), options());
        blocking.start();
        writes.start();
        store::outbox outbox(blocking, writes, partitions, "notifier-1");
        const notify::renderer renderer(sample_identity(), keys_);
        seeded_random random(1);
        auto parsed = notify::parse_mail_url("smtp://127.0.0.1:" + std::to_string(port_));
        const auto url = std::make_shared<notify::mail_url>(std::move(parsed.unsafe_value()));
        notify::notifier_options settings;
        settings.read_wait = 50ms;
        notifier_ = std::make_unique<notify::notifier>(
            own.get_executor(), settings, outbox, renderer,
            [url] {
                notify::smtp_options smtp;
                smtp.url = url;
                smtp.total_timeout = 5s;
                return std::make_unique<notify::smtp_transport>(std::move(smtp));
            },
            random,
            [this] {
                return std::chrono::floor<std::chrono::milliseconds>(
                           std::chrono::system_clock::now()) +
                       offset_.load();
            });
        boost::asio::co_spawn(own, notifier_->run(), [&](std::exception_ptr failure) {
            EXPECT_FALSE(failure);
            blocking.stop();
            writes.stop();
        });
        running_ = true;
        own.run();
        notifier_.reset();
    }

    core::key_ring keys_ = sample_keys();
    std::uint64_t seed_ = 0;
    std::uint16_t port_ = 0;
    std::atomic<bool> running_{false};
    std::unique_ptr<notify::notifier> notifier_;
    std::thread thread_;
};

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
