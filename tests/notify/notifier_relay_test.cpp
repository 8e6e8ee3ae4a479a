// The whole way, from the commit to a relay that misbehaves: nothing is lost, nothing waits for
// what is not its own, and dead letters are only those that no try can help.
#include "tests/notify/notifier_fixture.hpp"
#include "tests/notify/smtp_helpers.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::event_type;
using steady = std::chrono::steady_clock;

class NotifierAndRelay : public notifier_fixture {
protected:
    // One alert each, of accounts of their own: name0@example.org, name1@…
    void commit_to(const std::string& name, int count) {
        for (int index = 0; index < count; ++index) {
            auto event = event_of(event_type::new_login);
            event.account = core::account_id("user_" + seeded_random(++account_).hex(16));
            event.recipients = {name + std::to_string(index) + "@example.org"};
            commit({event});
        }
    }
    [[nodiscard]] std::size_t delivered_to(std::string_view name) const {
        std::set<std::string> reached;
        for (const auto& mail : sink_->mails()) {
            if (mail.to.starts_with(name)) {
                reached.insert(mail.to);
            }
        }
        return reached.size();
    }
    [[nodiscard]] bool reaches(std::string_view name, std::size_t count,
                               std::chrono::milliseconds within) const {
        const auto end = steady::now() + within;
        while (delivered_to(name) < count && steady::now() < end) {
            std::this_thread::sleep_for(20ms);
        }
        return delivered_to(name) == count;
    }

private:
    std::uint64_t account_ = 1000;
};

TEST_F(NotifierAndRelay, StuckRecipients_HoldUpNobodyElse) {
    deadlines_.command = 4s;
    smtp_sink_options options;
    options.cue = doing("RCPT TO:<stuck", {.delay = 5s}, 3);
    start(std::move(options));
    commit_to("stuck", 3); // of four workers
    std::this_thread::sleep_for(300ms);
    const auto started = steady::now();
    commit_to("free", 20);
    EXPECT_TRUE(reaches("free", 20, 10s));
    EXPECT_LT(steady::now() - started, 3s);
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 3; }));
    offset_ = 10s;
    EXPECT_TRUE(reaches("stuck", 3, 10s));
    EXPECT_TRUE(becomes_empty());
}

TEST_F(NotifierAndRelay, A250ThatTakesLong_CountsAndIsNotSentTwice) {
    deadlines_ = {
        .connect = 2s, .command = 500ms, .data = 500ms, .message = 500ms, .final_reply = 10s};
    smtp_sink_options options;
    options.cue = doing(".", {.delay = 3s}, 1);
    start(std::move(options));
    commit_to("slow", 1);
    EXPECT_TRUE(reaches("slow", 1, 10s));
    EXPECT_TRUE(becomes_empty());
    offset_ = 10min;
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(sink_->mails().size(), 1U);
}

TEST_F(NotifierAndRelay, AMailOfUnknownOutcome_ComesAgainWithItsMessageIdAndDate) {
    smtp_sink_options options;
    options.cue = doing(".", {.close = true, .take = true}, 1);
    start(std::move(options));
    commit_to("twice", 1);
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 1; }));
    offset_ = 10s;
    ASSERT_TRUE(sink_->wait_for(2, 10s));
    EXPECT_TRUE(becomes_empty());
    const auto mails = sink_->mails();
    ASSERT_EQ(mails.size(), 2U);
    EXPECT_EQ(header(mails[0].data, "Message-ID"), header(mails[1].data, "Message-ID"));
    EXPECT_EQ(header(mails[0].data, "Date"), header(mails[1].data, "Date"));
    EXPECT_EQ(mails[0].data, mails[1].data);
}

TEST_F(NotifierAndRelay, ASenderThatIsRefused_StopsTheMailsAndBuriesNone) {
    const auto refusing = std::make_shared<std::atomic<bool>>(true);
    const auto asked = std::make_shared<std::atomic<int>>(0);
    smtp_sink_options options;
    options.cue = [refusing, asked](std::string_view line) {
        sink_answer answer;
        if (line.starts_with("MAIL") && *refusing) {
            ++*asked;
            answer.reply = "550 5.7.1 sender not allowed";
        }
        return answer;
    };
    start(std::move(options));
    commit_to("owed", 20);
    std::this_thread::sleep_for(2s);
    EXPECT_LE(*asked, 8); // the workers' first tries, not twenty
    EXPECT_GE(*asked, 1);
    *refusing = false;
    offset_ = 80h;
    EXPECT_TRUE(reaches("owed", 20, 30s));
    EXPECT_TRUE(becomes_empty());
}

TEST_F(NotifierAndRelay, AMailThatMakesTheRelayClose_StopsTheOthersOnlyAtFirst) {
    smtp_sink_options options;
    options.cue = doing("RCPT TO:<poison", {.reply = "421 4.7.0 not that", .close_after = true});
    start(std::move(options));
    commit_to("poison", 1);
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 1; }));
    commit_to("other", 20);
    EXPECT_TRUE(reaches("other", 20, 15s)); // behind one pause of five seconds
    // Its next tries, when due: each is one pause, and rarer than the one before.
    offset_ = 7s;
    std::this_thread::sleep_for(1s);
    commit_to("later", 20);
    EXPECT_TRUE(reaches("later", 20, 15s));
    EXPECT_TRUE(becomes([](const store::outbox_counts& now) {
        return now.due_later == 1 && now.dead == 0 && now.alert_backlog == 0;
    }));
}

TEST_F(NotifierAndRelay, AfterAFault_AStuckProbeDoesNotKeepTheRelayShut) {
    deadlines_.command = 30s;
    const auto down = std::make_shared<std::atomic<bool>>(true);
    smtp_sink_options options;
    options.cue = [down](std::string_view line) {
        sink_answer answer;
        if (line == "CONNECT" && *down) {
            answer.reply = "421 down";
            answer.close_after = true;
        }
        if (line.starts_with("RCPT TO:<stuck")) {
            answer.delay = 25s;
        }
        return answer;
    };
    start(std::move(options));
    commit_to("stuck", 1);
    ASSERT_TRUE(becomes([](const store::outbox_counts& now) { return now.due_later == 1; }));
    *down = false;
    offset_ = 10s;
    std::this_thread::sleep_for(6s); // the stuck one is the probe
    commit_to("free", 10);
    EXPECT_TRUE(reaches("free", 10, 12s));
}

TEST_F(NotifierAndRelay, FaultsOfEveryKindAtEveryStage_LoseNothing) {
    // One after the other, whichever mail meets them; two of them concern the relay.
    auto faults = std::make_shared<std::vector<std::pair<std::string, sink_answer>>>();
    for (const std::string stage : {"RCPT", "DATA", "."}) {
        for (const std::string code : {"450", "452", "451-a\r\n451"}) {
            faults->push_back({stage, {.reply = code + " no"}});
        }
        faults->push_back({stage, {.close = true}});
        faults->push_back({stage, {.reply = "no reply at all"}});
        faults->push_back({stage, {.reply = "250 o", .raw = true, .close_after = true}});
    }
    faults->push_back({".", {.close = true, .take = true}});
    faults->push_back({".", {.then = "550 no\r\n"}});
    faults->push_back({".", {.close_after = true}});
    faults->push_back({"MAIL", {.reply = "550 no"}});
    faults->push_back({"CONNECT", {.close = true}});
    const auto mutex = std::make_shared<std::mutex>();
    smtp_sink_options options;
    options.cue = [faults, mutex](std::string_view line) {
        const std::lock_guard lock(*mutex);
        if (line.starts_with("RCPT TO:<gone")) {
            return sink_answer{.reply = "550 no such user"};
        }
        const auto next = std::ranges::find_if(
            *faults, [line](const auto& fault) { return line.starts_with(fault.first); });
        if (next == faults->end()) {
            return sink_answer{};
        }
        auto answer = next->second;
        faults->erase(next);
        return answer;
    };
    start(std::move(options));
    commit_to("gone", 3);
    commit_to("owed", 30);
    const auto end = steady::now() + 60s;
    while (delivered_to("owed") < 30 && steady::now() < end) {
        offset_ = offset_.load() + 1min; // what is retried becomes due
        std::this_thread::sleep_for(200ms);
    }
    EXPECT_EQ(delivered_to("owed"), 30U);
    EXPECT_EQ(delivered_to("gone"), 0U);
    EXPECT_TRUE(becomes([](const store::outbox_counts& now) {
        return now.code_backlog + now.alert_backlog + now.due_later == 0 && now.dead == 3;
    }));
    const std::lock_guard lock(*mutex);
    EXPECT_TRUE(faults->empty());
    std::map<std::string, std::set<std::string>> copies; // by Message-ID
    for (const auto& mail : sink_->mails()) {
        copies[header(mail.data, "Message-ID")].insert(mail.data);
    }
    EXPECT_EQ(copies.size(), 30U);
    EXPECT_TRUE(
        std::ranges::all_of(copies, [](const auto& one) { return one.second.size() == 1; }));
}

} // namespace
} // namespace countersign::tests
