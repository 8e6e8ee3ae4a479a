#include "store/rate_limits.hpp"

#include "tests/support/store_fixture.hpp"

#include <array>
#include <random>
#include <span>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::rate_rule;
using store::rate_use;
using store::rate_verdict;

constexpr core::unix_time start{1'790'000'000'123ms};

class RateLimits : public store_fixture {
protected:
    rate_verdict apply(rate_rule rule, rate_use use, core::unix_time now,
                       std::string who = "192.0.2.1") {
        const auto verdicts = run(limits.apply(std::span(&rule, 1), std::move(who), use, now));
        EXPECT_EQ(verdicts.size(), 1u);
        return verdicts.empty() ? rate_verdict{} : verdicts.front();
    }
    rate_verdict take(rate_rule rule, core::unix_time now, std::string who = "192.0.2.1") {
        return apply(rule, rate_use::take, now, std::move(who));
    }

    store::rate_limits limits{*redis};
};

TEST_F(RateLimits, ABurst_IsAllowedUpToTheCountAndNotOneMore) {
    const rate_rule rule{"login", 5, 60s};
    for (int left = 4; left >= 0; --left) {
        const auto verdict = take(rule, start);
        EXPECT_TRUE(verdict.allowed);
        EXPECT_EQ(verdict.remaining, left);
        EXPECT_EQ(verdict.retry_in, 0ms);
    }
    const auto refused = take(rule, start);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_EQ(refused.retry_in, 12s);
}

TEST_F(RateLimits, OneRequest_IsEarnedBackEveryFractionOfTheWindow) {
    const rate_rule rule{"login", 5, 60s};
    for (int i = 0; i < 5; ++i)
        take(rule, start);
    EXPECT_EQ(take(rule, start + 11'999ms).retry_in, 1ms);
    EXPECT_TRUE(take(rule, start + 12s).allowed);
    EXPECT_FALSE(take(rule, start + 12s).allowed);
    EXPECT_TRUE(take(rule, start + 24s).allowed);
}

TEST_F(RateLimits, ARefusedRequest_CostsNothing) {
    const rate_rule rule{"mail", 1, 10s};
    take(rule, start);
    for (int i = 0; i < 50; ++i)
        EXPECT_FALSE(take(rule, start + 5s).allowed);
    EXPECT_TRUE(take(rule, start + 10s).allowed);
}

TEST_F(RateLimits, ACountThatDoesNotDivideTheWindow_AllowsExactlyTheCount) {
    for (const int count : {3, 7, 11, 997}) {
        const auto who = std::to_string(count);
        const rate_rule rule{"odd", count, 3600s};
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(take(rule, start, who).allowed) << count;
        EXPECT_FALSE(take(rule, start, who).allowed) << count;
    }
}

TEST_F(RateLimits, AfterAWholeQuietWindow_TheBurstIsFullAgain) {
    const rate_rule rule{"login", 3, 30s};
    for (int i = 0; i < 3; ++i)
        take(rule, start);
    EXPECT_EQ(take(rule, start + 30s).remaining, 2);
    EXPECT_EQ(take(rule, start + 600s).remaining, 2);
}

TEST_F(RateLimits, RulesAndPeople_DoNotShareALimit) {
    const rate_rule rule{"login", 1, 60s};
    take(rule, start);
    EXPECT_FALSE(take(rule, start).allowed);
    EXPECT_TRUE(take(rule, start, "192.0.2.2").allowed);
    EXPECT_TRUE(take({"mail", 1, 60s}, start).allowed);
}

TEST_F(RateLimits, AKey_DiesWithWhatItKnows) {
    take({"login", 6, 60s}, start);
    const auto life = ask_integer({"PTTL", "cs:rate:{192.0.2.1}:login"});
    EXPECT_GT(life, 9'000);
    EXPECT_LE(life, 10'000);
}

TEST_F(RateLimits, AStrangeValue_CountsAsNone) {
    ask({"SET", "cs:rate:{192.0.2.1}:login", "strange"});
    EXPECT_TRUE(take({"login", 1, 60s}, start).allowed);
}

TEST_F(RateLimits, Looking_TakesNothing) {
    const rate_rule rule{"resend", 1, 60s};
    EXPECT_EQ(apply(rule, rate_use::look, start).retry_in, 0ms);
    EXPECT_TRUE(take(rule, start).allowed);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(apply(rule, rate_use::look, start + 10s).retry_in, 50s);
    EXPECT_TRUE(take(rule, start + 60s).allowed);
}

TEST_F(RateLimits, WhatIsGivenBack_CanBeTakenAgain) {
    const rate_rule rule{"login", 2, 60s};
    take(rule, start);
    take(rule, start);
    EXPECT_TRUE(apply(rule, rate_use::give_back, start).allowed);
    EXPECT_TRUE(take(rule, start).allowed);
    EXPECT_FALSE(take(rule, start).allowed);
    for (int i = 0; i < 9; ++i)
        apply(rule, rate_use::give_back, start);
    EXPECT_EQ(take(rule, start).remaining, 1) << "no more than the burst comes back";
}

TEST_F(RateLimits, SeveralRules_EndWithTheFirstThatRefuses) {
    const std::array rules{rate_rule{"wide", 10, 60s}, rate_rule{"narrow", 1, 60s},
                           rate_rule{"last", 10, 60s}};
    const auto first = run(limits.take(rules, "ada", start));
    ASSERT_EQ(first.size(), 3u);
    EXPECT_EQ(first[0].remaining, 9);
    EXPECT_EQ(first[0].whole_in, 6s);
    const auto second = run(limits.take(rules, "ada", start));
    ASSERT_EQ(second.size(), 2u);
    EXPECT_TRUE(second[0].allowed);
    EXPECT_FALSE(second[1].allowed);
    EXPECT_EQ(take(rules[2], start, "ada").remaining, 8) << "it was not asked the second time";
}

TEST_F(RateLimits, WhileRedisIsAway_MemoryCounts) {
    const rate_rule rule{"login", 2, 60s};
    ask({"SET", "cs:rate:{ada}:login", "0"});
    server.kill();
    EXPECT_TRUE(take(rule, start, "ada").allowed);
    EXPECT_TRUE(take(rule, start, "ada").allowed);
    EXPECT_FALSE(take(rule, start, "ada").allowed);
    EXPECT_TRUE(take(rule, start, "bob").allowed);
}

// Two ways to count, one answer: the same uses at the same times.
TEST_F(RateLimits, RedisAndMemory_AgreeOverRandomUses) {
    std::mt19937 random(20'261'120);
    store::local_limits local;
    const std::array rules{rate_rule{"a", 1, 30s}, rate_rule{"b", 7, 60s},
                           rate_rule{"c", 40, 900s}};
    auto now = start;
    for (int i = 0; i < 2'000; ++i) {
        now += core::milliseconds(random() % 5'000);
        const auto& rule = rules[random() % rules.size()];
        const auto use = static_cast<rate_use>(static_cast<int>(random() % 8) == 0   ? -1
                                               : static_cast<int>(random() % 8) == 0 ? 0
                                                                                     : 1);
        ASSERT_EQ(apply(rule, use, now), local.apply(rule, "192.0.2.1", use, now)) << i;
    }
}

TEST(LocalLimits, AStreamOfStrangers_TakesBoundedMemory) {
    store::local_limits limits(1'000);
    const rate_rule rule{"login", 1, 60s};
    for (int i = 0; i < 5'000; ++i) {
        EXPECT_TRUE(limits.apply(rule, std::to_string(i), rate_use::take, start).allowed);
        ASSERT_LE(limits.size(), 1'000u);
    }
    EXPECT_FALSE(limits.apply(rule, "4999", rate_use::take, start).allowed);
    // What ran out makes room first.
    EXPECT_TRUE(limits.apply(rule, "new", rate_use::take, start + 60s).allowed);
    EXPECT_EQ(limits.size(), 1u);
}

} // namespace
} // namespace countersign::tests
