// The notifier between a real Redis and a real SMTP server.
#pragma once

#include "core/account.hpp"
#include "notify/notifier.hpp"
#include "notify/smtp_transport.hpp"
#include "store/accounts.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"
#include "tests/support/store_fixture.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::tests {

// Long enough for a busy machine, short enough for a test that runs into one.
inline notify::smtp_deadlines quick_deadlines() {
    using std::chrono::seconds;
    return {.connect = seconds(5),
            .command = seconds(5),
            .data = seconds(5),
            .message = seconds(5),
            .final_reply = seconds(5)};
}

// A Redis, an SMTP sink, and a notifier between them on a thread of its own.
class notifier_fixture : public store_fixture {
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

    core::event event_of(core::event_type type, std::string account_digit = "0") {
        auto event = sample_event(type);
        event.account = core::account_id("user_" + std::string(32, account_digit.front()));
        event.sealed_secret =
            keys_.seal(sample_secret, core::secret_context(event.account, type), {std::byte{7}});
        event.at = now_;
        event.expires_at = now_ + std::chrono::minutes(10);
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
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
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
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
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

    notify::smtp_deadlines deadlines_ = quick_deadlines(); // to be changed before start()
    // The notifier's clock, which tests move to make retries due.
    std::atomic<std::chrono::milliseconds> offset_{std::chrono::milliseconds(0)};
    std::unique_ptr<smtp_sink> sink_;
    core::unix_time now_ =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    static constexpr int partitions = 4;

private:
    void notify() {
        boost::asio::io_context own(1);
        auto reads = options();
        reads.deadline = std::chrono::seconds(5);
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
        settings.read_wait = std::chrono::milliseconds(50);
        notifier_ = std::make_unique<notify::notifier>(
            own.get_executor(), settings, outbox, renderer,
            [this, url] {
                notify::smtp_options smtp;
                smtp.url = url;
                smtp.deadlines = deadlines_;
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

} // namespace countersign::tests
