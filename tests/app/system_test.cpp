#include "app/system.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <span>

namespace countersign::app {
namespace {

TEST(SystemRandom, Bytes_AreFreshEachTime) {
    system_random random;
    EXPECT_NE(random.bytes<32>(), random.bytes<32>());
    random.fill({});
}

// Counts up, so that what was handed out twice or skipped shows.
class counting_source final : public core::random_source {
public:
    void fill(std::span<std::byte> out) override {
        for (auto& byte : out)
            byte = static_cast<std::byte>(next++ % 251);
    }
    unsigned next = 0;
};

TEST(BufferedRandom, Bytes_AreTheSourcesOwnAndEachIsGivenOnce) {
    counting_source source;
    buffered_random random(source);
    unsigned expected = 0;
    for (int draw = 0; draw < 64; ++draw)
        for (const auto byte : random.bytes<16>())
            EXPECT_EQ(byte, static_cast<std::byte>(expected++ % 251));
    EXPECT_EQ(source.next, 1024U) << "one draw from the source for 64 of ours";
}

TEST(BufferedRandom, WhatDoesNotFitTheRest_IsDrawnAnew) {
    counting_source source;
    buffered_random random(source);
    (void)random.bytes<1000>();
    EXPECT_EQ(random.bytes<32>().front(), static_cast<std::byte>(1024 % 251));
    EXPECT_EQ(random.bytes<2000>().front(), static_cast<std::byte>(2048 % 251));
}

TEST(SystemClock, Now_IsTheSystemsTime) {
    const auto before = std::chrono::floor<core::milliseconds>(std::chrono::system_clock::now());
    const auto now = system_clock_now();
    EXPECT_LE(before, now);
    EXPECT_LE(now, std::chrono::system_clock::now());
}

} // namespace
} // namespace countersign::app
