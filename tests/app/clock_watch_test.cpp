// The machine's clock beside that of a real Redis.
#include "app/clock_watch.hpp"

#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "tests/support/redis_server.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <sstream>
#include <utility>

namespace countersign::app {
namespace {

using namespace std::chrono_literals;
using tests::redis_server;

std::function<core::unix_time()> clock_that_is_off(std::chrono::milliseconds offset) {
    return [offset] { return system_clock_now() + offset; };
}

// What keep() says and counts, of a clock that is off by so much.
struct watched {
    explicit watched(const store::redis_address& redis, std::chrono::milliseconds offset) {
        const auto before = spdlog::default_logger();
        spdlog::set_default_logger(std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_st>(said)));
        boost::asio::io_context context;
        {
            clock_watch watch(context, redis, clock_that_is_off(offset), counted);
            watch.keep();
            const auto until = std::chrono::steady_clock::now() + 3s;
            while (counted.known.value() == 0 && std::chrono::steady_clock::now() < until)
                context.run_one_for(100ms);
        }
        spdlog::set_default_logger(before);
    }

    std::ostringstream said;
    clock_counters counted;
};

TEST(ClockWatch, TheOffset_IsThatOfTheTwoClocks) {
    const redis_server redis;
    for (const auto offset : {0ms, 3'000ms, -90'000ms}) {
        const auto found =
            run_with_redis(redis.address(), "test", [offset](store::connection& connection) {
                return compare_clocks(connection, clock_that_is_off(offset));
            });
        ASSERT_TRUE(found.has_value());
        EXPECT_NEAR(static_cast<double>(found->count()), static_cast<double>(offset.count()), 250);
    }
}

TEST(ClockWatch, BeyondTwoSeconds_ItIsLogged_AndCountedAnyway) {
    const redis_server redis;
    const watched good(redis.address(), 1'000ms);
    EXPECT_EQ(good.said.str().find("clock"), std::string::npos) << good.said.str();
    EXPECT_EQ(good.counted.known.value(), 1);
    EXPECT_NEAR(static_cast<double>(good.counted.offset_ms.value()), 1'000, 250);

    const watched ahead(redis.address(), 4'000ms), behind(redis.address(), -4'000ms);
    EXPECT_NE(ahead.said.str().find(" ms ahead of Redis'"), std::string::npos) << ahead.said.str();
    EXPECT_NE(behind.said.str().find(" ms behind Redis'"), std::string::npos) << behind.said.str();
    EXPECT_NEAR(static_cast<double>(behind.counted.offset_ms.value()), -4'000, 250);
}

TEST(ClockWatch, WithoutRedis_NothingIsKnown) {
    redis_server redis;
    redis.pause();
    const watched nothing(redis.address(), 4'000ms);
    redis.resume();
    EXPECT_EQ(nothing.said.str().find("clock"), std::string::npos) << nothing.said.str();
    EXPECT_EQ(nothing.counted.known.value(), 0);
}

} // namespace
} // namespace countersign::app
