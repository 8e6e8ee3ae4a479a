#include "net/password_pool.hpp"
#include "net/task_group.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

namespace countersign::net {
namespace {

using namespace std::chrono_literals;
using boost::system::result;

// Takes `duration` for each call and knows one password.
class slow_hasher final : public core::password_hasher {
public:
    explicit slow_hasher(std::chrono::milliseconds duration) : duration_(duration) {}

    std::string hash(std::string_view password, std::array<std::byte, 16>) const override {
        std::this_thread::sleep_for(duration_);
        if (password == "no memory") throw std::runtime_error("no memory");
        return "hash of " + std::string(password);
    }
    bool verify(std::string_view password, std::string_view phc) const override {
        std::this_thread::sleep_for(duration_);
        return phc == "hash of " + std::string(password);
    }
    bool needs_rehash(std::string_view phc) const override { return phc == "old"; }
    const std::string& dummy() const override { return dummy_; }

private:
    std::chrono::milliseconds duration_;
    std::string dummy_ = "dummy";
};

struct verdicts {
    int right = 0, wrong = 0, full = 0, late = 0, failed = 0;
    std::thread::id thread;

    void count(const result<password_verdict, overload>& verdict) {
        thread = std::this_thread::get_id();
        if (verdict.has_value()) {
            ++(verdict->matched ? right : wrong);
            return;
        }
        switch (verdict.error()) {
        case overload::queue_full:
            ++full;
            return;
        case overload::waited_too_long:
            ++late;
            return;
        case overload::failed:
            ++failed;
            return;
        }
    }
};

awaitable<void> verify(password_pool& pool, std::string password, verdicts& seen) {
    seen.count(co_await pool.verify(std::move(password), "hash of secret"));
}

verdicts verify_many(password_pool_options options, std::chrono::milliseconds duration, int count) {
    password_pool pool(std::make_shared<slow_hasher>(duration), options);
    boost::asio::io_context context(1);
    task_group tasks(context.get_executor());
    verdicts seen;
    for (int i = 0; i < count; ++i)
        tasks.spawn("verify", verify(pool, "secret", seen));
    context.run();
    return seen;
}

TEST(PasswordPool, Verify_GivesTheVerdictOnTheCallersThread) {
    password_pool pool(std::make_shared<slow_hasher>(1ms), {});
    boost::asio::io_context context(1);
    task_group tasks(context.get_executor());
    verdicts seen;
    tasks.spawn("right", verify(pool, "secret", seen));
    tasks.spawn("wrong", verify(pool, "Secret", seen));
    context.run();
    EXPECT_EQ(seen.right, 1);
    EXPECT_EQ(seen.wrong, 1);
    EXPECT_EQ(seen.thread, std::this_thread::get_id());
    EXPECT_EQ(pool.dummy(), "dummy");
}

TEST(PasswordPool, AHashOfOtherParameters_IsReplacedByTheRightPasswordOnly) {
    const core::argon2_parameters old{.memory_kib = 64, .iterations = 1};
    const core::argon2_parameters now{.memory_kib = 128, .iterations = 1};
    const core::argon2id_hasher before(old, "dummy");
    const auto after = std::make_shared<core::argon2id_hasher>(now, "dummy");
    const auto stored = before.hash("secret", {});
    password_pool pool(after, {});
    boost::asio::io_context context(1);
    std::vector<password_verdict> seen;
    const auto record = [&](std::exception_ptr, result<password_verdict, overload> verdict) {
        seen.push_back(verdict.value());
    };
    boost::asio::co_spawn(context, pool.verify("secret", stored), record);
    boost::asio::co_spawn(context, pool.verify("secret", stored), record);
    boost::asio::co_spawn(context, pool.verify("wrong", stored), record);
    boost::asio::co_spawn(context, pool.verify("secret", after->hash("secret", {})), record);
    context.run();
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_TRUE(seen[0].matched);
    EXPECT_TRUE(after->verify("secret", seen[0].replacement));
    EXPECT_FALSE(after->needs_rehash(seen[0].replacement));
    EXPECT_EQ(seen[1].replacement, seen[0].replacement);
    EXPECT_FALSE(seen[2].matched);
    EXPECT_EQ(seen[2].replacement, "");
    EXPECT_TRUE(seen[3].matched);
    EXPECT_EQ(seen[3].replacement, "");
}

TEST(PasswordPool, Hash_ReturnsTheHashOrSaysThatItFailed) {
    password_pool pool(std::make_shared<slow_hasher>(1ms), {});
    boost::asio::io_context context(1);
    std::vector<result<std::string, overload>> results;
    const auto record = [&](std::exception_ptr, result<std::string, overload> value) {
        results.push_back(std::move(value));
    };
    boost::asio::co_spawn(context, pool.hash("secret", {}), record);
    boost::asio::co_spawn(context, pool.hash("no memory", {}), record);
    context.run();
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].value(), "hash of secret");
    EXPECT_EQ(results[1].error(), overload::failed);
}

TEST(PasswordPool, FullQueue_IsRefusedAtOnce) {
    const auto seen = verify_many({.threads = 1, .queue_max = 4, .deadline = 10s}, 20ms, 50);
    EXPECT_GE(seen.right, 4);
    EXPECT_LE(seen.right, 6);
    EXPECT_EQ(seen.right + seen.full, 50);
}

TEST(PasswordPool, WaitBeyondTheDeadline_IsRefused) {
    const auto begin = std::chrono::steady_clock::now();
    const auto seen = verify_many({.threads = 1, .queue_max = 1000, .deadline = 50ms}, 30ms, 100);
    EXPECT_GE(seen.right, 1);
    EXPECT_GE(seen.late, 90);
    EXPECT_EQ(seen.right + seen.late, 100);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST(PasswordPool, Destruction_EndsWhatWaits) {
    boost::asio::io_context context(1);
    task_group tasks(context.get_executor());
    verdicts seen;
    auto pool = std::make_unique<password_pool>(std::make_shared<slow_hasher>(20ms),
                                                password_pool_options{});
    for (int i = 0; i < 10; ++i)
        tasks.spawn("verify", verify(*pool, "secret", seen));
    context.poll();
    pool.reset();
    context.run();
    EXPECT_EQ(seen.right + seen.full, 10);
}

awaitable<void> wait_a_minute() {
    steady_timer timer(co_await boost::asio::this_coro::executor, 1min);
    co_await timer.async_wait(boost::asio::deferred);
}

TEST(TaskGroup, Drained_TellsWhetherAllHaveEnded) {
    boost::asio::io_context context(1);
    task_group tasks(context.get_executor());
    tasks.spawn("waits", wait_a_minute());
    tasks.spawn("waits", wait_a_minute());
    std::vector<bool> drained;
    boost::asio::co_spawn(context, tasks.drained(std::chrono::steady_clock::now() + 20ms),
                          [&](std::exception_ptr, bool all) {
                              drained.push_back(all);
                              tasks.cancel(boost::asio::cancellation_type::terminal);
                          });
    context.run();
    EXPECT_EQ(drained, std::vector<bool>{false});
    EXPECT_EQ(tasks.size(), 0U);
}

} // namespace
} // namespace countersign::net
