// The store over a real Redis Cluster of three masters.
#include "store/account_directory.hpp"
#include "store/account_walk.hpp"
#include "store/accounts.hpp"
#include "store/cluster_slots.hpp"
#include "store/event_loop.hpp"
#include "store/metadata.hpp"
#include "store/outbox.hpp"
#include "store/rate_limits.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/redis_cluster.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::mail_lane;
using store::store_error;
using store::store_result;
using steady = std::chrono::steady_clock;

constexpr int partitions = store::default_partitions;

std::chrono::milliseconds elapsed_since(steady::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - start);
}

awaitable<void> wait(std::chrono::milliseconds length) {
    steady_timer timer(co_await boost::asio::this_coro::executor, length);
    co_await timer.async_wait(boost::asio::deferred);
}

std::string key_of(int partition, const std::string& rest) {
    return "cs:{" + std::to_string(partition) + "}:" + rest;
}

core::event alert() {
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.type = core::event_type::two_factor_added;
    event.account = core::account_id("user_00000000000000000000000000000ada");
    event.recipients = {"ada@example.org"};
    return event;
}

// No server has its hash, so that it goes by its source.
const store::script& never_known() {
    static const store::script it{"return redis.call('EXISTS', KEYS[1])",
                                  "00112233445566778899aabbccddeeff00112233"};
    return it;
}

// The log while it lives.
class captured_log {
public:
    captured_log() : before_(spdlog::default_logger()) {
        spdlog::set_default_logger(std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)));
    }
    ~captured_log() { spdlog::set_default_logger(before_); }
    captured_log(const captured_log&) = delete;
    captured_log& operator=(const captured_log&) = delete;
    [[nodiscard]] bool says(const std::string& words) const {
        return text_.str().find(words) != std::string::npos;
    }
    [[nodiscard]] std::string all() const { return text_.str(); }

private:
    std::ostringstream text_;
    std::shared_ptr<spdlog::logger> before_;
};

class Cluster : public ::testing::Test {
protected:
    explicit Cluster(append_only durability = append_only::off) : nodes(durability) {}

    [[nodiscard]] store::connection_options options() const { return {.address = nodes.address()}; }
    template <typename T>
    T run(awaitable<T> work) {
        return run_coroutine(context, std::move(work));
    }
    store::reply_value ask(std::vector<std::string> words) {
        auto reply = run(redis->command(std::move(words)));
        EXPECT_TRUE(reply) << (reply ? "" : to_string(reply.error()));
        return reply ? *reply : store::reply_value{};
    }
    std::int64_t ask_integer(std::vector<std::string> words) {
        const auto reply = ask(std::move(words));
        return reply.integer() ? *reply.integer() : -1;
    }
    core::account_id create_in(int partition) {
        core::account account;
        do
            account.id = core::account_id("user_" + random.hex(16));
        while (store::partition_of(account.id, partitions) != partition);
        account.email = "ada@example.org";
        const auto id = account.id;
        const auto created = run(accounts.create(std::move(account), {}));
        EXPECT_TRUE(created && *created);
        return id;
    }
    store_result<std::unique_ptr<core::account>> miss(const core::account_id& id,
                                                      bool tell = false) {
        return run(transact_once(id, tell));
    }
    awaitable<store_result<std::unique_ptr<core::account>>> transact_once(core::account_id id,
                                                                          bool tell) {
        return accounts.transact(std::move(id), [tell](const core::account& before) {
            store::change wanted{.next = before};
            ++wanted.next->factor_attempts.misses;
            if (tell) wanted.events.push_back(alert());
            return wanted;
        });
    }
    struct tally {
        int made = 0, told = 0, failed = 0;
    };
    // Commits one after the other, every second with an alert.
    awaitable<bool> commit_until(std::atomic<bool>& ended, core::account_id id, tally& to) {
        for (bool tell = false; !ended; tell = !tell) {
            const auto committed = co_await transact_once(id, tell);
            ++(committed ? to.made : to.failed);
            if (committed && tell) ++to.told;
            co_await wait(3ms);
        }
        co_return true;
    }
    int misses(const core::account_id& id) {
        const auto loaded = run(accounts.load(id));
        return loaded && *loaded ? (*loaded)->value.factor_attempts.misses : -1;
    }
    // A partition whose keys the node had at first.
    [[nodiscard]] int partition_of_node(std::size_t node) const {
        for (int partition = 0; partition < partitions; ++partition)
            if (nodes.first_owner_of(key_of(partition, "")) == node) return partition;
        ADD_FAILURE() << "no partition at node " << node;
        return 0;
    }

    redis_cluster nodes;
    boost::asio::io_context context{1};
    seeded_random random{20260201};
    test_connection redis{context, options()};
    store::accounts accounts{*redis, random, partitions};
};

class DurableCluster : public Cluster {
protected:
    DurableCluster() : Cluster(append_only::always) {}
};

TEST_F(Cluster, EveryPartitionsAccounts_AreWrittenAndReadWhereTheirSlotIs) {
    std::array<std::int64_t, 3> expected{};
    for (int partition = 0; partition < partitions; ++partition) {
        const auto id = create_in(partition);
        EXPECT_TRUE(miss(id));
        EXPECT_EQ(misses(id), 1);
        ++expected.at(nodes.first_owner_of(key_of(partition, "")));
    }
    for (std::size_t node = 0; node < nodes.size(); ++node) {
        EXPECT_GT(expected.at(node), 0) << "the partitions are spread over the nodes";
        EXPECT_EQ(*nodes.ask(node, {"DBSIZE"}).integer(), expected.at(node));
    }
    EXPECT_TRUE(redis->healthy());
    EXPECT_FALSE(redis->down());
}

TEST_F(Cluster, CallsWithoutAKey_GoToNodesInTurn) {
    std::set<std::string> asked;
    for (int i = 0; i < 6; ++i)
        asked.insert(*ask({"CLUSTER", "MYID"}).text());
    EXPECT_EQ(asked.size(), 3U);
}

TEST_F(Cluster, KeysOfOneSlot_AreTogetherAndOthersAreNot) {
    using groups = std::vector<std::vector<std::size_t>>;
    EXPECT_EQ(redis->together({"cs:{1}:a", "cs:{2}:a", "cs:{1}:b"}), (groups{{0, 2}, {1}}));
    EXPECT_EQ(ask_integer({"MSET", "x{a}", "1", "y{a}", "2"}), -1) << "OK is no number";
    EXPECT_EQ(run(redis->command({"MSET", "cs:{1}:a", "1", "cs:{2}:a", "2"})).error(),
              store_error::unavailable);
}

TEST_F(Cluster, ASlotThatMovesWhileCommitsRun_LosesNothingAndAnswersNoError) {
    const int partition = partition_of_node(0);
    const auto slot = store::cluster_slot_of(key_of(partition, ""));
    std::vector<core::account_id> ids;
    ids.reserve(8);
    for (int i = 0; i < 8; ++i)
        ids.push_back(create_in(partition));

    std::atomic<bool> moved = false;
    std::jthread mover([&] {
        std::this_thread::sleep_for(100ms);
        nodes.begin_to_move(slot, 0, 2);
        std::this_thread::sleep_for(50ms);
        nodes.move_keys(slot, 0, 2);
        std::this_thread::sleep_for(150ms); // all of them are asked for at the new node by ASK
        nodes.end_to_move(slot, 0, 2);
        std::this_thread::sleep_for(100ms);
        moved = true;
    });
    std::vector<tally> tallies(ids.size());
    std::vector<awaitable<bool>> work;
    work.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i)
        work.push_back(commit_until(moved, ids[i], tallies[i]));
    run_coroutines(context, std::move(work));
    mover.join();

    int told = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        EXPECT_EQ(tallies[i].failed, 0);
        EXPECT_GT(tallies[i].made, 10);
        EXPECT_EQ(misses(ids[i]), tallies[i].made);
        told += tallies[i].told;
    }
    EXPECT_EQ(ask_integer({"XLEN", key_of(partition, "outbox:alert")}), told);
    EXPECT_EQ(*nodes.ask(2, {"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)}).integer(), 17)
        << "eight accounts, their histories and the alerts";
    EXPECT_EQ(*nodes.ask(0, {"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)}).integer(), 0);
}

TEST_F(Cluster, WhatHasMovedAlready_IsAskedForAtItsNewNodeAtOnce_HoweverLongTheRestTakes) {
    const int partition = partition_of_node(0);
    const auto slot = store::cluster_slot_of(key_of(partition, ""));
    const auto id = create_in(partition);
    nodes.begin_to_move(slot, 0, 2);
    nodes.move_keys(slot, 0, 2);
    const auto start = steady::now();
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(miss(id));
    EXPECT_EQ(misses(id), 5);
    EXPECT_LT(elapsed_since(start), 1s);
    const auto script = run(redis->script(never_known(), {key_of(partition, "x")}, {}));
    EXPECT_TRUE(script) << "by its source, too";
    nodes.end_to_move(slot, 0, 2);
}

TEST_F(Cluster, ACallWhoseKeysAreOnBothSidesOfAMove_WaitsUntilTheyAreTogether) {
    ask({"MSET", "x{a}", "1", "y{a}", "2"});
    const auto slot = store::cluster_slot_of("a");
    const auto from = nodes.first_owner_of("a"), to = (from + 1) % nodes.size();
    nodes.begin_to_move(slot, from, to);
    nodes.ask(from,
              {"MIGRATE", nodes.endpoint(to).host, nodes.endpoint(to).port, "x{a}", "0", "5000"});
    const auto start = steady::now();
    EXPECT_EQ(run(redis->command({"MGET", "x{a}", "y{a}"}, start + 400ms)).error(),
              store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 500ms);
    std::jthread mover([&] {
        std::this_thread::sleep_for(200ms);
        nodes.move_keys(slot, from, to);
        nodes.end_to_move(slot, from, to);
    });
    const auto both = ask({"MGET", "x{a}", "y{a}"});
    ASSERT_TRUE(both.list());
    EXPECT_EQ(*both.list()->front().text(), "1");
    EXPECT_EQ(*both.list()->back().text(), "2");
}

TEST_F(DurableCluster, AKilledMaster_FailsItsOwnCallsOnlyAndComesBack) {
    const auto lost = create_in(partition_of_node(1));
    const auto near = create_in(partition_of_node(0)), far = create_in(partition_of_node(2));
    const auto lost_key = key_of(partition_of_node(1), "");
    nodes.node(1).kill();

    const auto start = steady::now();
    EXPECT_EQ(miss(lost).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 2s);
    EXPECT_TRUE(miss(near));
    EXPECT_TRUE(miss(far));
    run(wait(500ms));
    const auto later = steady::now();
    EXPECT_EQ(miss(lost).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(later), 200ms) << "a node known to be down is not waited for";
    EXPECT_TRUE(redis->healthy()) << "two thirds of the accounts can be served";
    EXPECT_FALSE(redis->healthy(lost_key));
    EXPECT_TRUE(redis->down(lost_key));
    EXPECT_FALSE(redis->down());
    run(wait(2s)); // the others know by now that it is lost
    EXPECT_TRUE(miss(near));

    nodes.node(1).restart();
    const auto back = steady::now();
    while (!miss(lost) && elapsed_since(back) < 10s)
        run(wait(50ms));
    EXPECT_LT(elapsed_since(back), 10s);
    EXPECT_TRUE(redis->healthy(lost_key));
    EXPECT_EQ(misses(near), 2);
    EXPECT_GE(misses(lost), 1);
}

TEST_F(DurableCluster, AReplicaThatTookOver_IsAskedInsteadOfItsMaster) {
    nodes.add_replica_of(1);
    while (!redis->healthy()) // the connections were left alone meanwhile
        run(wait(50ms));
    const auto id = create_in(partition_of_node(1)), near = create_in(partition_of_node(0));
    EXPECT_TRUE(miss(id));
    run(wait(300ms)); // replication is asynchronous
    nodes.node(1).kill();
    const auto start = steady::now();
    while (!miss(id) && elapsed_since(start) < 20s) {
        EXPECT_TRUE(miss(near));
        run(wait(50ms));
    }
    EXPECT_LT(elapsed_since(start), 20s);
    EXPECT_EQ(misses(id), 2);
    EXPECT_TRUE(redis->healthy(key_of(partition_of_node(1), "")));
    nodes.node(1).restart(); // as a replica of the one that was its own
    run(wait(2s));
    EXPECT_TRUE(miss(id));
    EXPECT_EQ(misses(id), 3);
}

TEST_F(Cluster, AFrozenMaster_IsUnavailableWithinTheDeadline) {
    const auto id = create_in(partition_of_node(1));
    const auto other = create_in(partition_of_node(0));
    nodes.node(1).pause();
    const auto start = steady::now();
    EXPECT_EQ(miss(id).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 2s);
    EXPECT_TRUE(miss(other));
    nodes.node(1).resume();
    while (!miss(id) && elapsed_since(start) < 15s)
        run(wait(50ms));
    EXPECT_LT(elapsed_since(start), 15s);
}

TEST_F(Cluster, OneSeedThatAnswers_IsEnough_AndTheOthersAreNamed) {
    const captured_log log;
    auto some = options();
    some.address.seeds = {{.host = "127.0.0.1", .port = "1"}, nodes.endpoint(2)};
    test_connection other(context, some);
    EXPECT_TRUE(run(other->command({"GET", "foo"})));
    EXPECT_TRUE(log.says("redis 127.0.0.1:1: no connection")) << log.all();
    run(wait(4s)); // by then it is no longer tried
    const auto said = log.all().size();
    run(wait(1s));
    EXPECT_EQ(log.all().size(), said) << log.all();
    EXPECT_TRUE(run(other->command({"GET", "foo"})));
}

TEST_F(Cluster, WithoutASeedThatAnswers_CallsFailSoon_AndTheSeedIsNamed) {
    const captured_log log;
    auto wrong = options();
    wrong.address.seeds = {{.host = "127.0.0.1", .port = "1"}};
    test_connection nobody(context, wrong);
    const auto start = steady::now();
    EXPECT_EQ(run(nobody->command({"GET", "foo"})).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 2s);
    EXPECT_FALSE(nobody->healthy());
    EXPECT_TRUE(nobody->down());
    EXPECT_TRUE(log.says("redis cluster: 127.0.0.1:1 does not answer")) << log.all();
}

TEST(ClusterSeed, ThatIsNoClustersNode_IsNamed) {
    const auto port = free_port();
    const redis_server single(append_only::off, {"--port", port});
    const captured_log log;
    store::connection_options wrong;
    wrong.address.seeds = {{.host = "127.0.0.1", .port = port}};
    boost::asio::io_context context(1);
    test_connection nobody(context, wrong);
    EXPECT_EQ(run_coroutine(context, nobody->command({"GET", "foo"})).error(),
              store_error::unavailable);
    EXPECT_TRUE(log.says("127.0.0.1:" + port + " is no node of a cluster")) << log.all();
}

TEST_F(Cluster, AWalkAndAList_SeeTheAccountsOfEveryMaster) {
    std::vector<std::string> created;
    for (int partition = 0; partition < partitions; ++partition)
        created.push_back(create_in(partition).value());
    std::ranges::sort(created);

    std::set<std::string> visited;
    const auto visit = [&visited](core::account_id id) -> awaitable<store_result<void>> {
        visited.insert(id.value());
        co_return store_result<void>();
    };
    ASSERT_TRUE(run(walk_accounts(*redis, accounts, visit)));
    EXPECT_EQ(std::vector(visited.begin(), visited.end()), created);
    const auto listed = run(list_accounts(*redis, accounts, {.offset = 3, .limit = 5}));
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 5U);
    for (std::size_t i = 0; i < 5; ++i)
        EXPECT_EQ((*listed)[i].id.value(), created[3 + i]);
}

TEST_F(Cluster, WhileASlotMoves_NobodyWalksOverItsKeys) {
    const auto nothing = [](core::account_id) -> awaitable<store_result<void>> {
        co_return store_result<void>();
    };
    nodes.begin_to_move(7, 0, 1);
    EXPECT_EQ(run(walk_accounts(*redis, accounts, nothing)).error(), store_error::unavailable);
    nodes.end_to_move(7, 0, 1);
    EXPECT_TRUE(run(walk_accounts(*redis, accounts, nothing)));
}

TEST_F(Cluster, ASlotThatMovesDuringAWalk_EndsIt) {
    (void)create_in(partition_of_node(0));
    const auto move = [this](core::account_id) -> awaitable<store_result<void>> {
        nodes.begin_to_move(7, 0, 1);
        nodes.end_to_move(7, 0, 1);
        co_return store_result<void>();
    };
    EXPECT_EQ(run(walk_accounts(*redis, accounts, move)).error(), store_error::unavailable);
}

TEST_F(Cluster, LimitsPerClient_AreCountedInIt) {
    store::rate_limits limits(*redis);
    constexpr std::array rules{store::rate_rule{"minute", 2, core::seconds(60)},
                               store::rate_rule{"hour", 100, core::seconds(3600)}};
    const core::unix_time now{std::chrono::milliseconds{1'700'000'000'000}};
    for (const bool allowed : {true, true, false})
        EXPECT_EQ(run(limits.take(rules, "192.0.2.1", now)).front().allowed, allowed);
    EXPECT_EQ(ask_integer({"EXISTS", "cs:rate:{192.0.2.1}:minute", "cs:rate:{192.0.2.1}:hour"}), 2);
}

class ClusterOutbox : public Cluster {
protected:
    ~ClusterOutbox() override { // together: each waits for the context to have nothing left to do
        redis->stop();
        reads->stop();
    }
    void append(int partition, const std::string& lane, const std::string& payload) {
        ask({"XADD", key_of(partition, "outbox:" + lane), "*", "e", payload});
    }
    using entries = store_result<std::vector<store::outbox_entry>>;
    awaitable<entries> add_soon(int partition, std::string payload) {
        co_await wait(200ms);
        std::vector<std::string> words{"XADD", key_of(partition, "outbox:code"), "*", "e",
                                       std::move(payload)};
        const auto added = co_await redis->command(std::move(words));
        EXPECT_TRUE(added);
        co_return std::vector<store::outbox_entry>{};
    }
    std::vector<store::outbox_entry> read(store::outbox& from, std::size_t count,
                                          core::milliseconds patience = 0ms) {
        const auto found = run(from.read(count, patience));
        EXPECT_TRUE(found) << (found ? "" : to_string(found.error()));
        return found ? *found : std::vector<store::outbox_entry>{};
    }
    static std::vector<std::string> payloads(const std::vector<store::outbox_entry>& found) {
        std::vector<std::string> all;
        for (const auto& entry : found)
            all.push_back(entry.payload);
        return all;
    }

    test_connection reads{context, {.address = nodes.address(), .deadline = 5s}};
    store::outbox outbox{*reads, *redis, partitions, "one"};
};

TEST_F(ClusterOutbox, CodesComeBeforeAlerts_AndOfAlertsTheOldestOfAllNodes) {
    std::vector<std::string> expected;
    for (int partition = partitions - 1; partition >= 0; --partition) {
        append(partition, "alert", "alert " + std::to_string(partition));
        expected.push_back("alert " + std::to_string(partition));
        run(wait(2ms)); // an id of its own
    }
    append(9, "code", "code");
    EXPECT_EQ(payloads(read(outbox, 1)), std::vector<std::string>{"code"});
    for (const auto& one : expected)
        EXPECT_EQ(payloads(read(outbox, 1)), std::vector<std::string>{one});
    EXPECT_TRUE(read(outbox, 10).empty());
}

TEST_F(ClusterOutbox, AMailThatComesDuringTheWait_EndsIt) {
    EXPECT_TRUE(read(outbox, 1).empty());
    const auto start = steady::now();
    std::vector<awaitable<entries>> work;
    work.push_back(outbox.read(1, 3s));
    work.push_back(add_soon(5, "late"));
    const auto results = run_coroutines(context, std::move(work));
    ASSERT_TRUE(results.front());
    EXPECT_EQ(payloads(*results.front()), std::vector<std::string>{"late"});
    EXPECT_LT(elapsed_since(start), 1s);
}

TEST_F(ClusterOutbox, AnEntrysWholeLife_IsOnItsOwnNode) {
    for (int partition = 0; partition < partitions; ++partition) {
        append(partition, "alert", "{}");
        const auto taken = read(outbox, 4);
        ASSERT_EQ(taken.size(), 1U);
        ASSERT_TRUE(run(outbox.renew(taken)));
        const core::unix_time due{std::chrono::milliseconds{1'700'000'000'000}};
        ASSERT_TRUE(run(outbox.retry(taken.front(), due, {})));
        const auto requeued = run(outbox.requeue_due(due));
        ASSERT_TRUE(requeued);
        EXPECT_EQ(*requeued, 1);
        auto again = read(outbox, 4);
        ASSERT_EQ(again.size(), 1U);
        EXPECT_EQ(again.front().attempts, 1);
        EXPECT_EQ(again.front().partition, partition);
        ASSERT_TRUE(run(outbox.give_up(again.front(), "relay")));
    }
    const auto counts = run(outbox.counts());
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->dead, partitions);
    EXPECT_EQ(counts->alert_backlog, 0);
}

TEST_F(ClusterOutbox, WhatWasTakenBeforeACrash_IsOnesOwnAgain) {
    append(partition_of_node(0), "alert", "first");
    append(partition_of_node(2), "alert", "second");
    EXPECT_EQ(read(outbox, 10).size(), 2U);
    store::outbox restarted(*reads, *redis, partitions, "one");
    EXPECT_EQ(read(restarted, 10).size(), 2U);
    store::outbox another(*reads, *redis, partitions, "two");
    EXPECT_TRUE(read(another, 10).empty());
    const auto taken_over = run(another.reclaim(0ms, 10));
    ASSERT_TRUE(taken_over);
    EXPECT_EQ(taken_over->size(), 2U);
}

class DurableClusterOutbox : public ClusterOutbox {
protected:
    [[nodiscard]] int lost_partition() const { return partition_of_node(1); }
    [[nodiscard]] int other_partition() const { return partition_of_node(0); }
};

TEST_F(DurableClusterOutbox, WhileAMasterIsAway_TheOthersMailsAreRead) {
    EXPECT_TRUE(read(outbox, 1).empty());
    nodes.node(1).kill();
    append(other_partition(), "alert", "told");
    EXPECT_EQ(payloads(read(outbox, 10, 250ms)), std::vector<std::string>{"told"});
    // A notifier that starts meanwhile, too.
    store::outbox fresh(*reads, *redis, partitions, "two");
    EXPECT_TRUE(run(fresh.prepare()));
    append(other_partition(), "code", "told too");
    EXPECT_EQ(payloads(read(fresh, 10, 250ms)), std::vector<std::string>{"told too"});
    EXPECT_TRUE(run(fresh.reclaim(1h, 10)));
    EXPECT_TRUE(run(fresh.requeue_due(core::unix_time{})));

    nodes.node(1).restart(); // empty, without its groups
    const auto back = steady::now();
    while (!run(redis->command({"XLEN", key_of(lost_partition(), "outbox:alert")})) &&
           elapsed_since(back) < 10s)
        run(wait(50ms));
    append(lost_partition(), "alert", "told at last");
    std::vector<std::string> seen;
    while (seen.empty() && elapsed_since(back) < 15s)
        seen = payloads(read(outbox, 10, 250ms));
    EXPECT_EQ(seen, std::vector<std::string>{"told at last"});
}

TEST_F(ClusterOutbox, WithoutAnyNode_ReadingFails) {
    EXPECT_TRUE(read(outbox, 1).empty());
    for (std::size_t node = 0; node < nodes.size(); ++node)
        nodes.node(node).kill();
    run(wait(500ms));
    EXPECT_TRUE(run(outbox.read(1, 100ms)).has_error());
    EXPECT_TRUE(run(outbox.read(1, 100ms)).has_error());
    EXPECT_TRUE(run(outbox.reclaim(1h, 1)).has_error());
    EXPECT_TRUE(run(outbox.renew({{.partition = 3, .stream_id = "1-1"}})).has_error());
    EXPECT_FALSE(redis->healthy());
    EXPECT_TRUE(redis->down());
}

} // namespace
} // namespace countersign::tests
