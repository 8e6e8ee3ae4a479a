// Logins that nobody completes, told by the clock: over a real Redis, by as many loops as there
// are.
#include "notify/reminder_loop.hpp"

#include "core/account.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using core::unix_time;

constexpr int partitions = 4;
constexpr unix_time noon{1'800'000'000'000ms};
constexpr auto life = 15min;

core::account_id id_of(int number) {
    const auto digits = std::to_string(number);
    return core::account_id("user_" + std::string(32 - digits.size(), '0') + digits);
}

// A loop on a thread of its own, as a notifier's.
class loop_thread {
public:
    loop_thread(const store::connection_options& options, std::function<unix_time()> clock,
                store::outbox_limits limits, std::uint64_t seed)
        : thread_([this, options, clock = std::move(clock), limits, seed] {
              work(options, clock, limits, seed);
          }) {
        while (!running_)
            std::this_thread::sleep_for(1ms);
    }
    ~loop_thread() {
        loop_->stop();
        thread_.join();
    }
    loop_thread(const loop_thread&) = delete;
    loop_thread& operator=(const loop_thread&) = delete;

private:
    void work(const store::connection_options& options, const std::function<unix_time()>& clock,
              store::outbox_limits limits, std::uint64_t seed) {
        boost::asio::io_context own(1);
        store::connection redis(own.get_executor(), options);
        redis.start();
        seeded_random random(seed);
        store::accounts accounts(redis, random, partitions, limits);
        store::reminders reminders(redis, partitions);
        const core::policy rules;
        notify::reminder_loop loop(own.get_executor(), {.look_every = 5ms, .again_after = 100ms},
                                   reminders, accounts, rules, random, clock);
        loop_ = &loop;
        boost::asio::co_spawn(own, loop.run(), [&](const std::exception_ptr& failure) {
            EXPECT_FALSE(failure);
            redis.stop();
        });
        running_ = true;
        own.run();
    }

    notify::reminder_loop* loop_ = nullptr;
    std::atomic<bool> running_{false};
    std::thread thread_;
};

class ReminderLoop : public store_fixture {
protected:
    void pend(int number) {
        core::account account;
        account.id = id_of(number);
        account.email = "ada@example.org";
        account.challenges.push_back({.id = core::challenge_id("pending"),
                                      .client = {.ip = "192.0.2.7"},
                                      .begun_at = noon,
                                      .expires_at = noon + life});
        ASSERT_TRUE(*run(accounts.create(std::move(account), {})));
    }
    [[nodiscard]] loop_thread loop(std::uint64_t seed = 1, store::outbox_limits limits = {}) {
        return {options(), [this] { return now_.load(); }, limits, seed};
    }
    std::int64_t sum_of(const std::function<std::string(int)>& key, const char* command) {
        std::int64_t sum = 0;
        for (int partition = 0; partition < partitions; ++partition)
            sum += ask_integer({command, key(partition)});
        return sum;
    }
    std::int64_t alerts() {
        return sum_of(
            [](int partition) { return "cs:{" + std::to_string(partition) + "}:outbox:alert"; },
            "XLEN");
    }
    std::int64_t waiting() { return sum_of(store::reminders_key, "ZCARD"); }
    bool nothing_waits() {
        for (int tries = 0; tries < 500; ++tries) {
            if (waiting() == 0) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
    core::event only_alert(int number) {
        const auto partition = store::partition_of(id_of(number), partitions);
        const auto page =
            ask({"XRANGE", "cs:{" + std::to_string(partition) + "}:outbox:alert", "-", "+"});
        const auto& entry = page.list()->at(0).list()->at(1);
        return core::event_from_json(*entry.list()->at(1).text()).value();
    }

    std::atomic<unix_time> now_{noon};
    seeded_random random{20260101};
    store::accounts accounts{*redis, random, partitions};
};

TEST_F(ReminderLoop, ALoginThatRunsOut_IsToldOfWithWhoKnewThePassword) {
    pend(1);
    const auto running = loop();
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(alerts(), 0);
    EXPECT_EQ(waiting(), 1);
    now_ = noon + life;
    ASSERT_TRUE(nothing_waits());
    EXPECT_EQ(alerts(), 1);
    const auto told = only_alert(1);
    EXPECT_EQ(told.type, core::event_type::second_factor_failed);
    EXPECT_EQ(told.account, id_of(1));
    EXPECT_EQ(told.at, noon);
    EXPECT_EQ(told.ip, "192.0.2.7");
    EXPECT_TRUE(run(accounts.load(id_of(1))).value().value().value.challenges.empty());
}

TEST_F(ReminderLoop, ManyAtOnce_TellOfEachAccountOnce) {
    constexpr int people = 300;
    for (int number = 0; number < people; ++number)
        pend(number);
    now_ = noon + life;
    {
        const auto one = loop(1), other = loop(2), third = loop(3);
        ASSERT_TRUE(nothing_waits());
    }
    EXPECT_EQ(alerts(), people);
}

TEST_F(ReminderLoop, OneThatFindsNothingToTell_GoesAllTheSame) {
    // Of an account that is gone, and of one that an earlier server wrote since.
    pend(1);
    const auto nobody = id_of(2);
    for (const auto& account : {nobody, id_of(1)})
        ask({"ZADD", store::reminders_key(store::partition_of(account, partitions)), "1",
             account.value()});
    const auto running = loop();
    for (int tries = 0; waiting() != 1 && tries < 500; ++tries)
        std::this_thread::sleep_for(10ms);
    const auto score =
        ask_text({"ZSCORE", store::reminders_key(store::partition_of(id_of(1), partitions)),
                  id_of(1).value()});
    EXPECT_EQ(score, std::to_string((noon + life).time_since_epoch().count()));
    EXPECT_EQ(alerts(), 0);
}

TEST_F(ReminderLoop, AFullOutboxAndADocumentThatIsNone_LoseNothingAndStandInNobodysWay) {
    for (int number = 0; number < 40; ++number)
        pend(number);
    const auto broken = id_of(100);
    ask({"SET",
         "cs:{" + std::to_string(store::partition_of(broken, partitions)) +
             "}:account:" + broken.value(),
         "text"});
    ask({"ZADD", store::reminders_key(store::partition_of(broken, partitions)), "1",
         broken.value()});
    now_ = noon + life;
    {
        const auto full = loop(1, {.alerts = 4});
        for (int tries = 0; alerts() < 4 && tries < 500; ++tries)
            std::this_thread::sleep_for(10ms);
        std::this_thread::sleep_for(100ms);
        EXPECT_EQ(alerts(), 4);
        EXPECT_EQ(waiting(), 37);
    }
    now_ = now_.load() + 1s;
    const auto running = loop(2);
    for (int tries = 0; alerts() < 40 && tries < 500; ++tries)
        std::this_thread::sleep_for(10ms);
    EXPECT_EQ(alerts(), 40);
    EXPECT_EQ(waiting(), 1) << "the broken one, which somebody must look at";
}

TEST_F(ReminderLoop, ARedisThatRestarts_IsWaitedOut) {
    const auto running = loop();
    server.restart();
    while (!run(redis->command({"PING"}))) {
    }
    pend(1);
    now_ = noon + life;
    EXPECT_TRUE(nothing_waits());
    EXPECT_EQ(alerts(), 1);
}

} // namespace
} // namespace countersign::tests
