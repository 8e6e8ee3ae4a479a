#include "store/outbox_admin.hpp"

#include "store/outbox.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace countersign::store {
namespace {

using core::mail_lane;
using namespace std::chrono_literals;

constexpr int partitions = 4;
constexpr core::unix_time noon{std::chrono::milliseconds{1'700'000'000'000}};
using texts = std::vector<std::string>;

class OutboxAdmin : public tests::store_fixture {
protected:
    template <typename T>
    T succeed(awaitable<store_result<T>> work) {
        auto result = run(std::move(work));
        if (!result) throw std::runtime_error(std::string(to_string(result.error())));
        if constexpr (!std::is_void_v<T>) return std::move(*result);
    }
    static std::string event(const std::string& id) {
        core::event made;
        made.id = core::event_id(id);
        made.type = core::event_type::new_login;
        made.account = core::account_id("user_ada");
        made.at = noon;
        made.recipients = {"ada@example.org", "bob@example.org"};
        return core::to_json(made);
    }
    static std::string key(int partition, const std::string& rest) {
        return "cs:{" + std::to_string(partition) + "}:" + rest;
    }
    void append(const std::string& lane, const std::string& payload, int partition = 0) {
        ask({"XADD", key(partition, "outbox:" + lane), "*", "e", payload});
    }
    // Everything in the lanes becomes a dead letter.
    void bury(const std::string& reason, texts owed = {}) {
        for (auto& entry : succeed(queue.read(1000, 0ms))) {
            entry.attempts = 3;
            if (!owed.empty()) entry.recipients = owed;
            succeed(queue.give_up(entry, reason));
        }
    }
    texts ids(mail_filter filter) {
        texts all;
        for (const auto& mail : succeed(admin.list(filter)).mails)
            all.push_back(mail.id);
        std::ranges::sort(all);
        return all;
    }
    kept_mail find(const std::string& id) {
        const auto found = succeed(admin.find(id));
        if (!found) throw std::runtime_error("there is no mail " + id);
        return *found;
    }

    outbox queue{*redis, *redis, partitions, "one"};
    outbox_admin admin{*redis, partitions};
};

TEST_F(OutboxAdmin, OfNothing_SaysNothing) {
    const auto status = succeed(admin.status());
    EXPECT_EQ(status.lanes[0].waiting + status.lanes[1].waiting + status.retries, 0);
    EXPECT_TRUE(status.consumers.empty() && status.dead_by_reason.empty());
    EXPECT_FALSE(status.lanes[1].oldest || status.next_retry);
    EXPECT_TRUE(succeed(admin.list({})).mails.empty());
    EXPECT_FALSE(succeed(admin.find("e1")));
}

TEST_F(OutboxAdmin, Status_CountsEveryPartition) {
    append("alert", event("d1"), 1);
    append("alert", event("d2"), 2);
    append("code", event("d3"), 2);
    bury("550 no");
    append("alert", event("r1"), 3);
    for (auto& entry : succeed(queue.read(10, 0ms)))
        succeed(queue.retry(entry, noon, {}));
    append("alert", "no event", 1);
    bury("not an event");
    ask({"XADD", key(0, "outbox:alert"), "1700000000000-0", "e", event("old")});
    succeed(queue.read(10, 0ms));
    append("alert", event("e2"), 3);
    append("code", event("c1"), 0);

    const auto status = succeed(admin.status());
    EXPECT_EQ(status.lanes[0].waiting, 1);
    EXPECT_EQ(status.lanes[1].waiting, 2);
    EXPECT_EQ(status.lanes[0].fullest, 1);
    EXPECT_EQ(status.lanes[1].fullest, 2) << "with the retry";
    EXPECT_EQ(status.lanes[1].oldest, noon);
    EXPECT_EQ(status.retries, 1);
    EXPECT_EQ(status.next_retry, noon);
    const std::map<std::string, std::int64_t> reasons{{"550 no", 3}, {"not an event", 1}};
    EXPECT_EQ(status.dead_by_reason, reasons);
    ASSERT_EQ(status.consumers.size(), 1U);
    EXPECT_EQ(status.consumers.begin()->first, "one");
    EXPECT_EQ(status.consumers.begin()->second.pending, 1);
    EXPECT_LT(status.consumers.begin()->second.idle, 10s);
}

TEST_F(OutboxAdmin, List_KeepsToItsFilter) {
    append("alert", event("dead1"), 1);
    append("code", event("dead2"), 2);
    bury("550 no", {"bob@example.org"});
    append("alert", event("retry1"), 1);
    for (auto& entry : succeed(queue.read(10, 0ms)))
        succeed(queue.retry(entry, noon, {}));
    append("alert", event("wait1"), 3);
    append("code", event("wait2"), 3);

    EXPECT_EQ(ids({}), (texts{"dead1", "dead2", "retry1", "wait1", "wait2"}));
    EXPECT_EQ(ids({.lane = mail_lane::code}), (texts{"dead2", "wait2"}));
    EXPECT_EQ(ids({.state = mail_state::dead}), (texts{"dead1", "dead2"}));
    EXPECT_EQ(ids({.state = mail_state::retry}), (texts{"retry1"}));
    EXPECT_EQ(ids({.lane = mail_lane::code, .state = mail_state::retry}), texts{});
    EXPECT_EQ(ids({.lane = mail_lane::alert, .state = mail_state::waiting}), (texts{"wait1"}));

    const auto dead = find("dead2");
    EXPECT_EQ(dead.state, mail_state::dead);
    EXPECT_EQ(dead.lane, mail_lane::code);
    EXPECT_EQ(dead.partition, 2);
    EXPECT_EQ(dead.reason, "550 no");
    EXPECT_EQ(dead.attempts, 3);
    EXPECT_EQ(dead.recipients, (texts{"bob@example.org"}));
    const auto later = find("retry1");
    EXPECT_EQ(later.state, mail_state::retry);
    EXPECT_EQ(later.due, noon);
    EXPECT_EQ(later.attempts, 1);
    EXPECT_EQ(later.payload, event("retry1"));
}

TEST_F(OutboxAdmin, List_OfMoreThanAPage_GivesTheOldestAndSaysSo) {
    for (int i = 0; i < 250; ++i)
        ask({"XADD", key(i % 2, "outbox:alert"), std::to_string(1'000'000 + i) + "-0", "e",
             event("e" + std::to_string(i))});
    const auto some = succeed(admin.list({.limit = 3}));
    ASSERT_EQ(some.mails.size(), 3U);
    EXPECT_EQ(some.mails[2].id, "e2");
    EXPECT_FALSE(some.complete);
    const auto all = succeed(admin.list({.limit = 250}));
    EXPECT_EQ(all.mails.size(), 250U);
    EXPECT_TRUE(all.complete);
    EXPECT_EQ(find("e249").partition, 1) << "beyond the first page";
}

TEST_F(OutboxAdmin, WhatIsNoEvent_HasItsPlaceForAnId) {
    ask({"XADD", key(2, "dead:alert"), "5-0", "e", "no event", "reason", "not an event"});
    const auto found = find("2.alert.5-0");
    EXPECT_EQ(found.payload, "no event");
    EXPECT_TRUE(succeed(admin.drop(found)));
}

TEST_F(OutboxAdmin, ADeadLetterThatIsRetried_ComesAgainAsItWas_WithNoAttempts) {
    append("alert", event("e1"), 2);
    bury("550 no", {"bob@example.org"});
    const auto dead = find("e1");
    EXPECT_TRUE(succeed(admin.retry(dead)));
    EXPECT_FALSE(succeed(admin.retry(dead)));
    EXPECT_EQ(find("e1").state, mail_state::waiting);
    const auto entries = succeed(queue.read(10, 0ms));
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].payload, event("e1"));
    EXPECT_EQ(entries[0].recipients, (texts{"bob@example.org"}));
    EXPECT_EQ(entries[0].attempts, 0);
    EXPECT_EQ(entries[0].deliveries, 0);
    EXPECT_EQ(ask_integer({"XLEN", key(2, "dead:alert")}), 0);
}

TEST_F(OutboxAdmin, ADroppedDeadLetter_IsGone_AndNoOther) {
    append("alert", event("e1"));
    append("alert", event("e2"), 1);
    bury("550 no");
    const auto dead = find("e1");
    EXPECT_TRUE(succeed(admin.drop(dead)));
    EXPECT_FALSE(succeed(admin.drop(dead)));
    EXPECT_EQ(ids({}), (texts{"e2"}));
}

TEST_F(OutboxAdmin, ARetryThatCannotBeRead_IsPassedOver) {
    ask({"ZADD", key(0, "retry"), "1", "damaged"});
    ask({"ZADD", key(0, "retry"), "2", R"(["lane","1-1","1","","x"])"});
    ask({"ZADD", key(0, "retry"), "3", R"(["alert","1-1","1","","x"])"});
    EXPECT_EQ(ids({}), (texts{"0.alert.1-1"}));
    EXPECT_EQ(succeed(admin.status()).retries, 3);
}

} // namespace
} // namespace countersign::store
