#include "store/rate_limits.hpp"

#include "tests/support/store_fixture.hpp"

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::rate_rule;
using store::rate_verdict;

constexpr core::unix_time start{1'790'000'000'123ms};

class RateLimits : public store_fixture {
protected:
    rate_verdict take(rate_rule rule, core::unix_time now, std::string who = "192.0.2.1") {
        const auto verdict = run(limits.take(rule, std::move(who), now));
        EXPECT_TRUE(verdict);
        return verdict ? *verdict : rate_verdict{};
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
    const auto life = ask_integer({"PTTL", "cs:rate:login:192.0.2.1"});
    EXPECT_GT(life, 9'000);
    EXPECT_LE(life, 10'000);
}

TEST_F(RateLimits, AStrangeValue_CountsAsNone) {
    ask({"SET", "cs:rate:login:192.0.2.1", "strange"});
    EXPECT_TRUE(take({"login", 1, 60s}, start).allowed);
}

TEST_F(RateLimits, ACooldown_RunsOnceAndSaysWhatIsLeft) {
    EXPECT_EQ(*run(limits.cooldown("resend", "ada")), 0ms);
    EXPECT_EQ(*run(limits.start_cooldown("resend", "ada", 60s)), 0ms);
    const auto left = *run(limits.start_cooldown("resend", "ada", 90s));
    EXPECT_GT(left, 59s);
    EXPECT_LE(left, 60s);
    EXPECT_GT(*run(limits.cooldown("resend", "ada")), 59s);
    EXPECT_EQ(*run(limits.cooldown("resend", "bob")), 0ms);
    ask({"PEXPIRE", "cs:cooldown:resend:ada", "0"});
    EXPECT_EQ(*run(limits.start_cooldown("resend", "ada", 60s)), 0ms);
    EXPECT_EQ(*run(limits.start_cooldown("none", "ada", 0ms)), 0ms);
}

} // namespace
} // namespace countersign::tests
