#include "app/system.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace countersign::app {
namespace {

TEST(SystemRandom, Bytes_AreFreshEachTime) {
    system_random random;
    EXPECT_NE(random.bytes<32>(), random.bytes<32>());
    random.fill({});
}

TEST(SystemClock, Now_IsTheSystemsTime) {
    const auto before = std::chrono::floor<core::milliseconds>(std::chrono::system_clock::now());
    const auto now = system_clock_now();
    EXPECT_LE(before, now);
    EXPECT_LE(now, std::chrono::system_clock::now());
}

} // namespace
} // namespace countersign::app
