#include "store/outbox.hpp"

#include "store/event_loop.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace countersign::store {
namespace {

using core::mail_lane;
using core::unix_time;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr int partitions = 4;
constexpr unix_time noon{std::chrono::milliseconds{1'700'000'000'000}};

class Outbox : public tests::store_fixture {
protected:
    ~Outbox() override { // together: each waits for the context to have nothing left to do
        redis->stop();
        reads->stop();
    }
    [[nodiscard]] outbox make(std::string consumer = "one") {
        return {*reads, *redis, partitions, std::move(consumer)};
    }
    [[nodiscard]] connection_options patient() const {
        auto patient = options();
        patient.deadline = 5s;
        return patient;
    }

    static std::string key(int partition, const std::string& rest) {
        return "cs:{" + std::to_string(partition) + "}:" + rest;
    }
    void append(const std::string& lane, const std::string& payload, int partition = 0) {
        ask({"XADD", key(partition, "outbox:" + lane), "*", "e", payload});
    }
    template <typename T>
    T succeed(awaitable<store_result<T>> work) {
        auto result = run(std::move(work));
        if (!result) throw std::runtime_error(std::string(to_string(result.error())));
        if constexpr (!std::is_void_v<T>) return std::move(*result);
    }
    std::vector<outbox_entry> read(outbox& from, std::size_t count = 10,
                                   core::milliseconds wait = 0ms) {
        return succeed(from.read(count, wait));
    }
    outbox_entry read_one(outbox& from) {
        auto entries = read(from);
        EXPECT_EQ(entries.size(), 1U);
        return entries.empty() ? outbox_entry{} : entries.front();
    }
    std::int64_t pending(const std::string& stream) {
        const auto reply = ask({"XPENDING", stream, "notifier"});
        return reply.list()
                   ? reply.list()->front().integer() ? *reply.list()->front().integer() : -1
                   : -1;
    }

    tests::test_connection reads{context, patient()};
};

std::vector<std::string> payloads(const std::vector<outbox_entry>& entries) {
    std::vector<std::string> all;
    for (const auto& entry : entries)
        all.push_back(entry.payload);
    return all;
}
using texts = std::vector<std::string>;

TEST_F(Outbox, GivesEntriesInOrder_WithWhatWasAppended) {
    for (const auto* payload : {"first", "second", "third"})
        append("alert", payload, 2);
    auto queue = make();
    const auto entries = read(queue);
    EXPECT_EQ(payloads(entries), (texts{"first"}));
    EXPECT_EQ(entries.front().partition, 2);
    EXPECT_EQ(entries.front().lane, mail_lane::alert);
    EXPECT_EQ(entries.front().attempts, 0);
    EXPECT_TRUE(entries.front().recipients.empty());
    EXPECT_EQ(payloads(read(queue)), (texts{"second"}));
    EXPECT_EQ(payloads(read(queue)), (texts{"third"}));
    EXPECT_EQ(payloads(read(queue)), texts{});
}

TEST_F(Outbox, GivesNoMoreThanAskedFor_AndLosesNone) {
    for (int partition = 0; partition < partitions; ++partition)
        for (int i = 0; i < 5; ++i)
            append("alert", "x", partition);
    auto queue = make();
    std::size_t total = 0;
    while (true) {
        const auto entries = read(queue, 3);
        EXPECT_LE(entries.size(), 3U);
        if (entries.empty()) break;
        total += entries.size();
    }
    EXPECT_EQ(total, 20U);
}

TEST_F(Outbox, EveryCodeComesBeforeAnyAlert) {
    for (int i = 0; i < 6; ++i)
        append("alert", "alert", i % partitions);
    for (int i = 0; i < 6; ++i)
        append("code", "code", 1);
    auto queue = make();
    EXPECT_EQ(payloads(read(queue, 4)), (texts{"code", "code", "code", "code"}));
    EXPECT_EQ(payloads(read(queue, 4)), (texts{"code", "code", "alert", "alert"}));
}

TEST_F(Outbox, ACodeOvertakesAlertsThatWait) {
    for (int partition = 0; partition < partitions; ++partition)
        append("alert", "alert", partition);
    auto queue = make();
    EXPECT_EQ(payloads(read(queue, 1)), (texts{"alert"}));
    append("code", "code");
    EXPECT_EQ(payloads(read(queue, 1)), (texts{"code"}));
}

// Partitions that are not equally full: the oldest are at different depths of their streams.
TEST_F(Outbox, AlertsReadOneAtATime_ComeInTheOrderOfTheirIds) {
    constexpr int places[] = {3, 3, 3, 0, 1, 3, 0, 3, 2, 2, 3, 1};
    texts appended;
    for (const int partition : places) {
        appended.push_back(std::to_string(appended.size()));
        append("alert", appended.back(), partition);
        std::this_thread::sleep_for(2ms); // ids tell milliseconds apart
    }
    auto queue = make();
    texts given;
    for (std::size_t i = 0; i < appended.size(); ++i)
        for (const auto& entry : read(queue, 1))
            given.push_back(entry.payload);
    EXPECT_EQ(given, appended);
}

TEST_F(Outbox, ReadingWaitsForTheFirstEntry) {
    auto queue = make();
    EXPECT_TRUE(read(queue).empty());
    const auto start = steady_clock::now();
    steady_timer timer(context, 200ms);
    timer.async_wait([&](boost::system::error_code) {
        boost::asio::co_spawn(
            context, redis->command({"XADD", key(3, "outbox:code"), "*", "e", "late"}),
            [](std::exception_ptr, const auto&) {}); // the reader may have it before this answer
    });
    EXPECT_EQ(payloads(read(queue, 10, 3000ms)), (texts{"late"}));
    const auto waited = steady_clock::now() - start;
    EXPECT_GE(waited, 190ms);
    EXPECT_LT(waited, 2s);
}

TEST_F(Outbox, ReadingWaitsNoLongerThanTold) {
    auto queue = make();
    const auto start = steady_clock::now();
    EXPECT_TRUE(read(queue, 10, 200ms).empty());
    EXPECT_GE(steady_clock::now() - start, 190ms);
}

TEST_F(Outbox, EntriesFromBeforeTheGroup_AreNotSkipped) {
    append("alert", "early");
    auto queue = make();
    succeed(queue.prepare());
    succeed(queue.prepare());
    EXPECT_EQ(payloads(read(queue)), (texts{"early"}));
}

TEST_F(Outbox, AfterACrash_OwnEntriesComeAgainFirst) {
    for (int i = 0; i < 250; ++i)
        append("alert", std::to_string(i), 1);
    auto before = make();
    std::size_t taken = 0;
    while (taken < 240)
        taken += read(before, 40).size();

    auto after = make();
    const auto entries = read(after, 1000);
    ASSERT_EQ(entries.size(), 250U);
    for (int i = 0; i < 250; ++i)
        EXPECT_EQ(entries[i].payload, std::to_string(i));
    EXPECT_TRUE(read(after, 1000).empty());
}

TEST_F(Outbox, AfterACrash_ADeletedEntryIsPassedOver) {
    for (const auto* payload : {"deleted", "kept"})
        append("alert", payload);
    auto before = make();
    const auto deleted = read_one(before);
    read_one(before);
    ask({"XDEL", key(0, "outbox:alert"), deleted.stream_id});
    auto after = make();
    EXPECT_EQ(payloads(read(after)), (texts{"kept"}));
}

TEST_F(Outbox, WhatAnotherNotifierHas_IsNotGiven) {
    append("alert", "its own");
    auto one = make("one");
    read_one(one);
    auto other = make("other");
    EXPECT_TRUE(read(other).empty());
}

TEST_F(Outbox, EntriesOfADeadNotifier_AreReclaimed) {
    for (int i = 0; i < 30; ++i)
        append(i % 2 ? "alert" : "code", std::to_string(i), i % partitions);
    auto dead = make("dead");
    while (!read(dead).empty()) {
    }
    auto living = make("living");
    EXPECT_TRUE(succeed(living.reclaim(60s, 100)).empty());
    std::this_thread::sleep_for(20ms);
    const auto some = succeed(living.reclaim(10ms, 7));
    EXPECT_EQ(some.size(), 7U);
    EXPECT_EQ(some.front().lane, mail_lane::code);
    const auto rest = succeed(living.reclaim(5ms, 100));
    EXPECT_GE(some.size() + rest.size(), 30U);
}

TEST_F(Outbox, ReclaimLooksPastPagesOfYoungEntries) {
    // One XAUTOCLAIM looks at ten times its COUNT.
    for (int i = 0; i < 40; ++i)
        append("alert", std::to_string(i));
    auto dead = make("dead");
    while (!read(dead, 40).empty()) {
    }
    const auto last = ask({"XREVRANGE", key(0, "outbox:alert"), "+", "-", "COUNT", "1"});
    const auto id = *last.list()->front().list()->front().text();
    ask({"XCLAIM", key(0, "outbox:alert"), "notifier", "dead", "0", id, "IDLE", "600000"});
    auto living = make("living");
    EXPECT_EQ(payloads(succeed(living.reclaim(300s, 1))), (texts{"39"}));
}

TEST_F(Outbox, ReclaimLeavesWhatTheNextReadGives) {
    for (int partition = 0; partition < partitions; ++partition)
        append("alert", "x", partition);
    auto queue = make();
    EXPECT_EQ(read(queue, 1).size(), 1U);
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(succeed(queue.reclaim(10ms, 100)).size(), 1U); // the one that was given out
    EXPECT_EQ(read(queue, 100).size(), 3U);
}

TEST_F(Outbox, WhatIsRenewed_IsNotTakenOver) {
    for (const auto* lane : {"alert", "code"})
        append(lane, "held", 1);
    append("alert", "left", 2);
    auto slow = make("slow");
    std::vector<outbox_entry> held;
    for (auto& entry : read(slow, 100))
        if (entry.payload == "held") held.push_back(std::move(entry));
    ASSERT_EQ(held.size(), 2U);
    auto other = make("other");
    for (int beat = 0; beat < 4; ++beat) {
        std::this_thread::sleep_for(60ms);
        succeed(slow.renew(held));
    }
    EXPECT_EQ(payloads(succeed(other.reclaim(200ms, 100))), (texts{"left"}));

    std::this_thread::sleep_for(220ms); // its notifier is gone
    const auto taken_over = succeed(other.reclaim(200ms, 100));
    EXPECT_EQ(payloads(taken_over), (texts{"held", "held", "left"}));
    for (const auto& entry : taken_over)
        EXPECT_EQ(entry.deliveries, 1) << "neither a renewal nor a reclaim is a delivery";
}

TEST_F(Outbox, RenewingKeepsWhatTheNextReadGives) {
    for (int partition = 0; partition < partitions; ++partition)
        append("alert", "x", partition);
    auto slow = make("slow");
    const auto held = read(slow, 1); // the others were taken with it
    std::this_thread::sleep_for(350ms);
    succeed(slow.renew({}));
    auto other = make("other");
    EXPECT_EQ(succeed(other.reclaim(300ms, 100)).size(), 1U);
    EXPECT_EQ(read(slow, 100).size(), 3U);
}

TEST_F(Outbox, WhatAnotherTookOver_IsNotTakenBack) {
    append("alert", "x");
    append("alert", "settled");
    auto paused = make("paused");
    const auto held = read_one(paused);
    const auto settled = read_one(paused);
    succeed(paused.settle(settled));
    std::this_thread::sleep_for(20ms);
    auto other = make("other");
    ASSERT_EQ(succeed(other.reclaim(10ms, 100)).size(), 1U);
    succeed(paused.renew({held, settled}));
    EXPECT_FALSE(succeed(paused.begin(held)));
    EXPECT_FALSE(succeed(paused.begin(settled)));
    EXPECT_TRUE(succeed(other.begin(held)));
    EXPECT_EQ(ask_integer({"XLEN", key(0, "outbox:alert")}), 1);
}

TEST_F(Outbox, OnlyWhatWasBegunAgain_CountsAsDelivered) {
    append("alert", "ends its notifier");
    append("alert", "stood behind it");
    append("code", "new");
    auto first = make();
    for (const auto& entry : read(first, 100))
        EXPECT_EQ(entry.deliveries, 0);
    read(first, 100);
    for (int start = 1; start <= 3; ++start) {
        auto again = make();
        const auto entries = read(again, 100);
        ASSERT_EQ(payloads(entries), (texts{"new", "ends its notifier", "stood behind it"}));
        EXPECT_EQ(entries[1].deliveries, start);
        EXPECT_EQ(entries[2].deliveries, 1);
        ASSERT_TRUE(succeed(again.begin(entries[1])));
    }
}

TEST_F(Outbox, Settling_RemovesTheEntry_AndAgainChangesNothing) {
    append("alert", "done");
    append("alert", "next");
    auto queue = make();
    const auto entry = read_one(queue);
    succeed(queue.settle(entry));
    succeed(queue.settle(entry));
    EXPECT_EQ(ask_integer({"XLEN", key(0, "outbox:alert")}), 1);
    EXPECT_EQ(pending(key(0, "outbox:alert")), 0);
    EXPECT_EQ(read_one(queue).payload, "next");
}

TEST_F(Outbox, ARetry_ComesBackWhenDue_WithItsAttemptsAndRecipients) {
    const std::string payload = R"({"name":"Zoë \"/\" 😀","n":1})";
    append("code", payload, 3);
    auto queue = make();
    const texts owed{"a@example.com", R"("odd, one"@example.com)"};
    succeed(queue.retry(read_one(queue), noon, owed));
    EXPECT_EQ(ask_integer({"XLEN", key(3, "outbox:code")}), 0);
    EXPECT_EQ(succeed(queue.requeue_due(noon - 1ms)), 0);
    EXPECT_TRUE(read(queue).empty());

    EXPECT_EQ(succeed(queue.requeue_due(noon)), 1);
    EXPECT_EQ(succeed(queue.requeue_due(noon)), 0);
    auto again = read_one(queue);
    EXPECT_EQ(again.payload, payload);
    EXPECT_EQ(again.recipients, owed);
    EXPECT_EQ(again.attempts, 1);
    EXPECT_EQ(again.lane, mail_lane::code);
    EXPECT_EQ(again.partition, 3);

    succeed(queue.retry(again, noon, {}));
    succeed(queue.requeue_due(noon));
    again = read_one(queue);
    EXPECT_EQ(again.recipients, owed) << "no recipients given: those of the entry stay";
    EXPECT_EQ(again.attempts, 2);
}

TEST_F(Outbox, RetriesOfEqualEvents_StayApart) {
    for (const auto* lane : {"alert", "alert", "code"})
        append(lane, "same");
    auto queue = make();
    for (int i = 0; i < 2; ++i)
        for (auto& entry : read(queue))
            succeed(queue.retry(entry, noon, {}));
    EXPECT_EQ(succeed(queue.counts()).due_later, 3);
    EXPECT_EQ(succeed(queue.requeue_due(noon)), 3);
}

TEST_F(Outbox, RetryingASettledEntry_DoesNotBringItBack) {
    append("alert", "done");
    auto queue = make();
    const auto entry = read_one(queue);
    succeed(queue.settle(entry));
    succeed(queue.retry(entry, noon, {}));
    succeed(queue.give_up(entry, "late"));
    const auto counts = succeed(queue.counts());
    EXPECT_EQ(counts.due_later + counts.dead + counts.alert_backlog, 0);
}

TEST_F(Outbox, RetryingTwice_CountsOnce) {
    append("alert", "x");
    auto queue = make();
    const auto entry = read_one(queue);
    succeed(queue.retry(entry, noon, {}));
    succeed(queue.retry(entry, noon + 1s, {}));
    EXPECT_EQ(succeed(queue.requeue_due(noon + 1h)), 1);
}

TEST_F(Outbox, RequeueingIsBounded_AndGoesOn) {
    for (int i = 0; i < outbox::requeue_max + 10; ++i)
        ask({"ZADD", key(1, "retry"), "1",
             R"(["alert","1-)" + std::to_string(i) + R"(","1","","x"])"});
    auto queue = make();
    EXPECT_EQ(succeed(queue.requeue_due(noon)), outbox::requeue_max);
    EXPECT_EQ(succeed(queue.requeue_due(noon)), 10);
    EXPECT_EQ(ask_integer({"XLEN", key(1, "outbox:alert")}), outbox::requeue_max + 10);
}

TEST_F(Outbox, ARetryThatCannotBeRead_StaysAndBlocksNobody) {
    ask({"ZADD", key(0, "retry"), "1", "damaged"});
    append("alert", "fine");
    auto queue = make();
    succeed(queue.retry(read_one(queue), noon, {}));
    EXPECT_EQ(succeed(queue.requeue_due(noon)), 1);
    EXPECT_EQ(succeed(queue.counts()).due_later, 1);
}

TEST_F(Outbox, GivingUp_KeepsTheEntryWithItsReason) {
    append("alert", "undeliverable", 1);
    auto queue = make();
    auto entry = read_one(queue);
    entry.recipients = {"gone@example.com"};
    entry.attempts = 3;
    succeed(queue.give_up(entry, "550 no such user"));
    succeed(queue.give_up(entry, "550 no such user"));
    EXPECT_EQ(ask_integer({"XLEN", key(1, "outbox:alert")}), 0);
    EXPECT_EQ(pending(key(1, "outbox:alert")), 0);

    const auto dead = ask({"XRANGE", key(1, "dead:alert"), "-", "+"});
    ASSERT_EQ(dead.list()->size(), 1U);
    texts fields;
    for (const auto& field : *dead.list()->front().list()->back().list())
        fields.push_back(*field.text());
    EXPECT_EQ(fields, (texts{"e", "undeliverable", "r", R"(["gone@example.com"])", "n", "3",
                             "reason", "550 no such user", "id", entry.stream_id}));
}

TEST_F(Outbox, AWrongType_ChangesNothing) {
    append("alert", "x");
    auto queue = make();
    const auto entry = read_one(queue);
    ask({"SET", key(0, "retry"), "not a set"});
    ask({"SET", key(0, "dead:alert"), "not a stream"});
    EXPECT_EQ(run(queue.retry(entry, noon, {})).error(), store_error::corrupt);
    EXPECT_EQ(run(queue.give_up(entry, "late")).error(), store_error::corrupt);
    EXPECT_EQ(ask_integer({"XLEN", key(0, "outbox:alert")}), 1);
    EXPECT_EQ(pending(key(0, "outbox:alert")), 1);
}

TEST_F(Outbox, ALostGroup_IsMadeAgain_AndNothingIsSkipped) {
    append("alert", "taken");
    auto queue = make();
    read_one(queue);
    ask({"XGROUP", "DESTROY", key(0, "outbox:alert"), "notifier"});
    append("alert", "new");
    EXPECT_EQ(run(queue.read(10, 0ms)).error(), store_error::unavailable);
    EXPECT_EQ(payloads(read(queue)), (texts{"taken"}));
    EXPECT_EQ(payloads(read(queue)), (texts{"new"}));
}

TEST_F(Outbox, AFreshRedis_HealsTheSameWay) {
    auto queue = make();
    EXPECT_TRUE(read(queue).empty());
    ask({"FLUSHALL"});
    append("code", "new");
    EXPECT_FALSE(run(queue.read(10, 0ms)));
    EXPECT_EQ(payloads(read(queue)), (texts{"new"}));
}

TEST_F(Outbox, CountsEveryPartition) {
    for (int partition = 0; partition < partitions; ++partition) {
        append("code", "c", partition);
        append("alert", "a", partition);
        append("alert", "a", partition);
    }
    auto queue = make();
    const auto codes = read(queue, partitions);
    ASSERT_EQ(codes.size(), 4U);
    succeed(queue.settle(codes[0]));
    succeed(queue.retry(codes[1], noon, {}));
    succeed(queue.give_up(codes[2], "late"));
    const auto counts = succeed(queue.counts());
    EXPECT_EQ(counts.code_backlog, 1);
    EXPECT_EQ(counts.alert_backlog, 8);
    EXPECT_EQ(counts.due_later, 1);
    EXPECT_EQ(counts.dead, 1);
}

} // namespace
} // namespace countersign::store
