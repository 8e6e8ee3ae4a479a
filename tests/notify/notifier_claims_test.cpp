// Who has an entry keeps it for as long as its submission takes, and no longer than it lives.
#include "notify/notifier.hpp"

#include "notify/smtp_transport.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/notify/sample_mail.hpp"
#include "tests/support/smtp_sink.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;

constexpr int partitions = 4;
constexpr auto reclaim_idle = 400ms;

// On a thread of its own, under a name of its own.
class running_notifier {
public:
    running_notifier(store::connection_options redis, std::string consumer, std::string relay_url,
                     std::size_t workers)
        : redis_(std::move(redis)), consumer_(std::move(consumer)), url_(std::move(relay_url)),
          workers_(workers), thread_([this] { run(); }) {
        running_.get_future().wait();
    }
    ~running_notifier() {
        notifier_->stop();
        thread_.join();
    }
    running_notifier(const running_notifier&) = delete;
    running_notifier& operator=(const running_notifier&) = delete;

private:
    void run() {
        boost::asio::io_context own(1);
        auto patient = redis_;
        patient.deadline = 5s;
        store::connection reads(own.get_executor(), patient);
        store::connection writes(own.get_executor(), redis_);
        reads.start();
        writes.start();
        store::outbox outbox(reads, writes, partitions, consumer_);
        const auto keys = sample_keys();
        const notify::renderer renderer(sample_identity(), keys);
        seeded_random random(1);
        auto parsed = notify::parse_mail_url(url_);
        const auto url = std::make_shared<notify::mail_url>(std::move(parsed).unsafe_value());
        notify::notifier notifier(
            own.get_executor(),
            {.workers = workers_,
             .read_wait = 50ms,
             .reclaim_every = 50ms,
             .reclaim_idle = reclaim_idle},
            outbox, renderer,
            [&] {
                return std::make_unique<notify::smtp_transport>(notify::smtp_options{.url = url});
            },
            random,
            [] {
                return std::chrono::floor<std::chrono::milliseconds>(
                    std::chrono::system_clock::now());
            });
        notifier_ = &notifier;
        boost::asio::co_spawn(own, notifier.run(), [&](std::exception_ptr failure) {
            EXPECT_FALSE(failure);
            reads.stop();
            writes.stop();
        });
        running_.set_value();
        own.run();
    }

    store::connection_options redis_;
    std::string consumer_, url_;
    std::size_t workers_;
    std::promise<void> running_;
    notify::notifier* notifier_ = nullptr;
    std::thread thread_;
};

class NotifierClaims : public store_fixture {
protected:
    void SetUp() override {
        store::outbox outbox(*redis, *redis, partitions, "reader");
        ASSERT_TRUE(run(outbox.prepare()));
    }
    std::unique_ptr<running_notifier> start(std::string consumer, std::size_t workers = 4) {
        return std::make_unique<running_notifier>(options(), std::move(consumer), sink.url(),
                                                  workers);
    }
    static std::string stream(int partition) {
        return "cs:{" + std::to_string(partition) + "}:outbox:alert";
    }
    void append(const std::string& recipient, int partition = 0) {
        auto event = sample_event(core::event_type::new_login);
        event.recipients = {recipient};
        ask({"XADD", stream(partition), "*", "e", core::to_json(event)});
    }
    // As a notifier does that was killed then: it has everything, and renews nothing.
    void take_all(const std::string& consumer) {
        store::outbox outbox(*redis, *redis, partitions, consumer);
        ASSERT_TRUE(run(outbox.read(100, 0ms)));
    }
    store::outbox_counts counts() {
        store::outbox outbox(*redis, *redis, partitions, "reader");
        const auto counted = run(outbox.counts());
        return counted ? *counted : store::outbox_counts{-1, -1, -1, -1};
    }
    bool becomes(const std::function<bool()>& wanted) {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!wanted() && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(20ms);
        return wanted();
    }
    bool becomes_empty() {
        return becomes([this] { return counts().alert_backlog == 0; });
    }
    std::size_t mails_to(const std::string& recipient) {
        return static_cast<std::size_t>(
            std::ranges::count(sink.mails(), recipient, &received_mail::to));
    }
    std::int64_t pending(int partition) {
        const auto reply = ask({"XPENDING", stream(partition), "notifier"});
        return reply.list() && reply.list()->front().integer() ? *reply.list()->front().integer()
                                                               : -1;
    }

    // A mail to slow@ is taken after five times as long as a claim lasts.
    smtp_sink sink{{.cue = [slow = false](std::string_view line) mutable {
        if (line.starts_with("RCPT")) slow = line.find("slow@") != std::string_view::npos;
        return sink_answer{.reply = {}, .delay = line == "." && slow ? 5 * reclaim_idle : 0ms};
    }}};
};

TEST_F(NotifierClaims, ASlowSend_IsNotTakenByAnother) {
    const auto one = start("one"), other = start("other");
    append("slow@example.org");
    ASSERT_TRUE(sink.wait_for(1, 10s));
    EXPECT_TRUE(becomes_empty());
    std::this_thread::sleep_for(6 * reclaim_idle);
    EXPECT_EQ(sink.mails().size(), 1U);
}

TEST_F(NotifierClaims, WhatWaitsBehindASlowSend_IsNotTakenByAnother) {
    append("slow@example.org", 0);
    for (int partition = 1; partition < partitions; ++partition)
        append("quick@example.org", partition);
    const auto busy = start("busy", 1);
    ASSERT_TRUE(becomes([this] { return pending(3) == 1; }));
    const auto other = start("other");
    ASSERT_TRUE(sink.wait_for(4, 10s));
    EXPECT_TRUE(becomes_empty());
    EXPECT_EQ(sink.mails().size(), 4U);
    EXPECT_EQ(sink.mails().front().to, "slow@example.org") << "the others waited for it";
}

TEST_F(NotifierClaims, WhatADeadOneHad_IsTakenOver) {
    append("ada@example.org", 1);
    append("bob@example.org", 2);
    take_all("dead");
    const auto started = std::chrono::steady_clock::now();
    const auto living = start("living");
    ASSERT_TRUE(sink.wait_for(2, 10s));
    EXPECT_GE(std::chrono::steady_clock::now() - started, reclaim_idle / 2);
    EXPECT_TRUE(becomes_empty());
    EXPECT_EQ(mails_to("ada@example.org"), 1U);
    EXPECT_EQ(mails_to("bob@example.org"), 1U);
}

TEST_F(NotifierClaims, WhatEndedItsNotifiers_BecomesADeadLetter_AndHoldsUpNobody) {
    append("pill@example.org", 2);
    take_all("one");
    const auto first = ask({"XRANGE", stream(2), "-", "+"});
    const auto id = *first.list()->front().list()->front().text();
    ask({"XCLAIM", stream(2), "notifier", "one", "0", id, "RETRYCOUNT", "5"});
    append("ada@example.org", 2);
    take_all("one");
    const auto again = start("one");
    EXPECT_TRUE(sink.wait_for(1, 10s));
    EXPECT_TRUE(becomes([this] { return counts().dead == 1; }));
    EXPECT_TRUE(becomes_empty());
    EXPECT_EQ(mails_to("pill@example.org"), 0U);
    const auto dead = ask({"XRANGE", "cs:{2}:dead:alert", "-", "+"});
    ASSERT_EQ(dead.list()->size(), 1U);
    const auto& fields = *dead.list()->front().list()->back().list();
    EXPECT_EQ(*fields[7].text(), "taken up 5 times, and each time the notifier ended or failed");
}

TEST_F(NotifierClaims, WhatWasTakenUpOftenButNotTooOften_IsSent_OneAfterTheOther) {
    for (const auto* recipient : {"ada@example.org", "slow@example.org", "bob@example.org"})
        append(recipient, 1);
    take_all("one");
    take_all("one");
    take_all("one");
    const auto entries = ask({"XRANGE", stream(1), "-", "+"});
    for (const auto& entry : *entries.list())
        ask({"XCLAIM", stream(1), "notifier", "one", "0", *entry.list()->front().text(),
             "RETRYCOUNT", "4"});
    const auto again = start("one");
    ASSERT_TRUE(sink.wait_for(3, 15s));
    EXPECT_TRUE(becomes_empty());
    const auto mails = sink.mails();
    ASSERT_EQ(mails.size(), 3U);
    EXPECT_EQ(mails[1].to, "slow@example.org") << "the last one waited for it";
    EXPECT_EQ(counts().dead, 0);
}

} // namespace
} // namespace countersign::tests
