#include "tests/core/account_builder.hpp"

#include <numeric>

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class Unanswered : public tests::decide_test {
protected:
    Unanswered() {
        give_totp();
        session_ = give_session();
    }
    // Whether a login may be begun.
    bool begins() { return log_in().outcome.has_value(); }
    challenge_id pending_login() {
        return std::get<second_factor_pending>(log_in().outcome.value()).challenge;
    }
    int counted() const {
        return std::accumulate(user.unanswered.begin(), user.unanswered.end(), 0,
                               [](int sum, const auto& slot) { return sum + slot.count; });
    }

    session_id session_;
};

TEST_F(Unanswered, T16_AnAccountBeginsNoMoreThanFiftyAnHourAndAHundredADay) {
    const policy defaults;
    EXPECT_EQ(defaults.challenges_per_hour, 50);
    EXPECT_EQ(defaults.challenges_per_day, 100);
    const auto start = now;
    for (int hour = 0; hour < 2; ++hour) {
        for (int begun = 0; begun < 50; ++begun)
            ASSERT_TRUE(begins()) << begun;
        const auto made = log_in();
        ASSERT_EQ(refused(made), blocked);
        EXPECT_FALSE(made.next);
        EXPECT_EQ(made.outcome.error().retry_after, hour == 0 ? seconds(3600) : seconds(23 * 3600));
        now += seconds(3599);
        EXPECT_FALSE(begins());
        now += seconds(1);
    }
    EXPECT_EQ(refused(log_in()), blocked);
    now = start + seconds(86'399);
    EXPECT_EQ(refused(log_in()), blocked);
    now = start + seconds(86'400);
    EXPECT_TRUE(begins());
}

TEST_F(Unanswered, T16_WhileNothingMayBegin_TheRightPasswordIsNoBetterThanAWrongOne) {
    rules.challenges_per_hour = 1;
    ASSERT_TRUE(begins());
    const auto before = user;
    EXPECT_EQ(refused(log_in(true)), blocked);
    EXPECT_EQ(refused(log_in(false)), blocked);
    EXPECT_EQ(refused(begin_step_up(session_, true)), blocked);
    EXPECT_EQ(refused(begin_step_up(session_, false)), blocked);
    EXPECT_EQ(refused(run(vouch_for_login{.challenge = challenge_id(random.hex(16)),
                                          .mail = mail("111111"),
                                          .origin = origin()})),
              blocked);
    EXPECT_EQ(user, before);
    // What begins nothing goes on.
    EXPECT_TRUE(complete_login(user.challenges.front().id, {.totp = totp_code()}).outcome);
}

TEST_F(Unanswered, LoginsStepUpsAndVouchedLogins_CountTogether) {
    rules.challenges_per_hour = 3;
    EXPECT_TRUE(begins());
    EXPECT_TRUE(begin_step_up(session_).outcome);
    EXPECT_TRUE(run(vouch_for_login{.challenge = challenge_id(random.hex(16)),
                                    .mail = mail("111111"),
                                    .origin = origin()})
                    .outcome);
    EXPECT_FALSE(begins());
    EXPECT_EQ(counted(), 3);
}

TEST_F(Unanswered, WhatIsCompleted_GivesItsPlaceBack) {
    rules.challenges_per_hour = 2;
    rules.sessions_max = 1000;
    for (int login = 0; login < 300; ++login) {
        ASSERT_TRUE(complete_login(pending_login(), {.totp = totp_code()}).outcome) << login;
        const auto step_up = begin_step_up(session_);
        now += seconds(30);
        ASSERT_TRUE(
            complete_step_up(session_,
                             std::get<second_factor_pending>(step_up.outcome.value()).challenge,
                             {.totp = totp_code()})
                .outcome);
        now += seconds(30);
    }
    EXPECT_TRUE(user.unanswered.empty());
    // Only its own: one that was begun before still counts.
    (void)pending_login();
    now += seconds(1000);
    const auto second = pending_login();
    EXPECT_FALSE(begins());
    EXPECT_TRUE(complete_login(second, {.totp = totp_code()}).outcome);
    EXPECT_EQ(counted(), 1);
    EXPECT_TRUE(begins());
    EXPECT_FALSE(begins());
}

TEST_F(Unanswered, AnAccountWithoutASecondFactor_IsNeverCounted) {
    user.totp.clear();
    user.backup_code_hashes.clear();
    user.preferred.reset();
    rules.challenges_per_hour = 1;
    for (int login = 0; login < 3; ++login)
        EXPECT_TRUE(begins());
    EXPECT_TRUE(user.unanswered.empty());
}

TEST_F(Unanswered, ADayOfThem_StaysSmall_AndNoWindowIsEverExceeded) {
    rules.challenges_per_hour = 1'000;
    rules.challenges_per_day = 1'000'000;
    std::vector<unix_time> begun;
    std::size_t largest = 0;
    for (int minute = 0; minute < 2 * 24 * 60; ++minute) {
        ASSERT_TRUE(begins());
        begun.push_back(now);
        largest = std::max(largest, user.unanswered.size());
        const auto in_last = [&](auto window) {
            return std::ranges::count_if(begun, [&](unix_time at) { return at > now - window; });
        };
        const auto counted_in_last = [&](auto window) {
            int sum = 0;
            for (const auto& slot : user.unanswered)
                if (slot.at > now - window) sum += slot.count;
            return sum;
        };
        ASSERT_GE(counted_in_last(std::chrono::hours(1)), in_last(std::chrono::hours(1)));
        ASSERT_LE(counted_in_last(std::chrono::hours(1)), in_last(std::chrono::minutes(66)));
        ASSERT_GE(counted_in_last(std::chrono::hours(24)), in_last(std::chrono::hours(24)));
        ASSERT_LE(counted_in_last(std::chrono::hours(24)), in_last(std::chrono::hours(25)));
        now += seconds(60);
    }
    EXPECT_LE(largest, 40u);
}

class Replacement : public tests::decide_test {
protected:
    password_check replaced_by(std::string hash, bool matched = true) {
        auto check = password(matched);
        check.replacement = std::move(hash);
        return check;
    }
    auto log_in_with(password_check check) {
        return run(core::log_in{.password = std::move(check),
                                .session = material(),
                                .challenge = challenge_id(random.hex(16)),
                                .mail = mail("111111"),
                                .origin = origin()});
    }
};

TEST_F(Replacement, ARightPassword_BringsItsNewHashIntoForce) {
    EXPECT_TRUE(log_in_with(replaced_by("new")).outcome);
    EXPECT_EQ(user.password_hash, "new");
    EXPECT_TRUE(log_in_with(replaced_by("")).outcome);
    EXPECT_EQ(user.password_hash, "new");
}

TEST_F(Replacement, OfTwoAtOnce_BothAreIn) {
    const auto first = replaced_by("new");
    const auto second = replaced_by("new");
    EXPECT_TRUE(log_in_with(first).outcome);
    EXPECT_TRUE(log_in_with(second).outcome);
    EXPECT_EQ(user.password_hash, "new");
    EXPECT_EQ(user.password_attempts.misses, 0);
}

TEST_F(Replacement, OfAWrongPasswordOrAnotherHash_ChangesNothing) {
    EXPECT_EQ(refused(log_in_with(replaced_by("new", false))), wrong_password);
    EXPECT_EQ(user.password_hash, "hash-of-the-password");
    const auto of_the_old = replaced_by("new");
    user.password_hash = "hash-of-another-password";
    EXPECT_EQ(refused(log_in_with(of_the_old)), wrong_password);
    EXPECT_EQ(user.password_hash, "hash-of-another-password");
    EXPECT_EQ(user.password_attempts.misses, 2);
    user.password_hash.clear();
    EXPECT_EQ(refused(log_in_with(replaced_by(""))), wrong_password);
}

TEST_F(Replacement, AStepUpAndAChangeOfPassword_MeetItToo) {
    const auto session = give_session();
    EXPECT_TRUE(run(core::begin_step_up{.proof = without_step_up(session),
                                        .password = replaced_by("new"),
                                        .challenge = challenge_id(random.hex(16)),
                                        .mail = mail("222222"),
                                        .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.password_hash, "new");
    EXPECT_TRUE(run(change_password{.proof = proof(session),
                                    .old_password = replaced_by("newer"),
                                    .new_hash = "of another",
                                    .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.password_hash, "of another");
}

} // namespace
} // namespace countersign::core
