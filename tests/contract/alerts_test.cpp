// What the holder of an account hears of what did not succeed, and of the end of everything; over
// HTTP, as mails. And the bounds on what may be begun.
#include "store/managed_redis.hpp"
#include "tests/contract/world.hpp"
#include "tests/support/stored_accounts.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

constexpr std::string_view not_completed = "Somebody Used Your Password";
constexpr std::string_view used_again = "A Used Code Was Entered Again";
constexpr std::string_view all_ended = "All Sessions of Your Account Were Ended";
constexpr std::string_view few_left = "Few Recovery Codes";
constexpr int short_life = 3; // seconds to answer with a second factor

person with_short_lives() {
    return with_totp_only(world::with({{"policy.email_factor_by_default", "false"},
                                       {"tokens.two_factor", std::to_string(short_life)}}));
}

std::string totp_body(std::string_view code) {
    return R"({"totp":")" + std::string(code) + R"("})";
}

std::string mail_about(const person& who, std::string_view words) {
    const auto mails = mails_about(who.home->sink, who.email, words);
    return mails.empty() ? std::string() : text_part(mails.front().data);
}

TEST(NativeAlerts, APasswordWithoutItsSecondFactor_IsToldOfWhenItsTimeIsOver) {
    auto who = with_short_lives();
    auto stranger = who;
    stranger.always = {{"User-Agent", "Lynx/2.9"}};
    stranger.forget_tokens();
    ASSERT_EQ(stranger.log_in().status, 200u);
    EXPECT_EQ(mails_about(who.home->sink, who.email, not_completed).size(), 0u);

    who.expect_mail(not_completed, 1);

    const auto text = mail_about(who, not_completed);
    EXPECT_NE(text.find("127.0.0.1"), std::string::npos) << text;
    EXPECT_NE(text.find("Lynx"), std::string::npos) << text;
    // Once an hour, whoever goes on.
    stranger.forget_tokens();
    ASSERT_EQ(stranger.log_in().status, 200u);
    std::this_thread::sleep_for(std::chrono::seconds(short_life + 2));
    who.expect_mail(not_completed, 1);
}

TEST(NativeAlerts, ALoginThatIsCompleted_IsNotToldOf) {
    auto who = with_short_lives();
    who.sign_in();
    std::this_thread::sleep_for(std::chrono::seconds(short_life + 2));
    who.expect_mail(not_completed, 0);
}

TEST(NativeAlerts, APendingLoginOutlivesAKilledServer_AndIsToldOfAllTheSame) {
    world home({{"policy.email_factor_by_default", "false"},
                {"redis.durability", "always"},
                {"tokens.two_factor", std::to_string(short_life)}});
    auto who = with_totp_only(home);
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    home.server.kill();
    std::this_thread::sleep_for(std::chrono::seconds(short_life));
    home.server.start();
    who.expect_mail(not_completed, 1);
}

TEST(NativeAlerts, AWrongCode_IsToldOfAtOnceAndOnceAnHour) {
    auto who = with_totp_only();
    for (int guess = 0; guess < 2; ++guess) {
        who.forget_tokens();
        ASSERT_EQ(who.log_in().status, 200u);
        expect_error(who.complete_login(totp_body(who.app.wrong())), 401, "WRONG_TWO_FACTOR_CODE");
    }
    who.expect_mail(not_completed, 1);
    EXPECT_NE(mail_about(who, not_completed).find("127.0.0.1"), std::string::npos);
}

TEST(NativeAlerts, AStepUpThatFails_IsNotAFailedLogin) {
    auto who = with_totp_only();
    ASSERT_EQ(who.begin_step_up().status, 200u);
    expect_error(who.complete_step_up(totp_body(who.app.wrong())), 401, "WRONG_TWO_FACTOR_CODE");
    who.expect_mail(not_completed, 0);
}

TEST(NativeAlerts, ACodeThatWasUsed_IsRefusedAndToldOf) {
    auto who = with_totp_only();
    for (int again = 0; again < 2; ++again) {
        who.forget_tokens();
        ASSERT_EQ(who.log_in().status, 200u);
        expect_error(who.complete_login(totp_body(who.app.last())), 401, "WRONG_TWO_FACTOR_CODE");
    }
    who.expect_mail(used_again, 1);
}

TEST(NativeAlerts, TheEndOfAllSessions_IsToldOf) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("DELETE", "/api/users/me/sessions").status, 200u);
    who.expect_mail(all_ended, 1);
    EXPECT_NE(mail_about(who, all_ended).find("127.0.0.1"), std::string::npos);
}

TEST(NativeAlerts, TheEndOfOneSession_IsNot) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    who.expect_mail(all_ended, 0);
}

TEST(NativeAlerts, TheLastThreeRecoveryCodes_AreToldOfBesideTheUse) {
    auto& home = world::with(
        {{"policy.email_factor_by_default", "false"}, {"policy.recovery_code_count", "4"}});
    auto who = with_totp_only(home);
    const auto recover = [&](const std::string& code) {
        who.forget_tokens();
        ASSERT_EQ(who.log_in().status, 200u);
        ASSERT_EQ(
            who.call("POST", "/api/auth/2fa/totp/recover", R"({"code":")" + code + R"("})").status,
            200u);
    };
    recover(who.recovery_codes[0]);
    who.expect_mail(few_left, 1);
    who.expect_mail("A Backup Code Was Used", 1);
    const auto text = mail_about(who, few_left);
    EXPECT_NE(text.find(": 3\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("127.0.0.1"), std::string::npos) << text;
    EXPECT_EQ(text.find("no further action"), std::string::npos) << text;
    recover(who.recovery_codes[1]);
    recover(who.recovery_codes[2]);
    who.expect_mail("A Backup Code Was Used", 3);
    who.expect_mail(few_left, 1);
    recover(who.recovery_codes[3]);
    who.expect_mail(few_left, 2);
}

TEST(NativeChallenges, BeyondTheHoursNumber_AreRefusedWhateverThePassword_T16) {
    auto& home = world::with(
        {{"policy.email_factor_by_default", "false"}, {"policy.challenges_per_hour", "3"}});
    auto who = with_totp_only(home);
    // What is completed gives its place back.
    for (int login = 0; login < 4; ++login)
        who.sign_in();
    auto inside = who;
    const auto begins = [&who] {
        who.forget_tokens();
        return who.log_in();
    };
    for (int login = 0; login < 2; ++login)
        ASSERT_EQ(begins().status, 200u);
    auto last = who;
    last.forget_tokens();
    ASSERT_EQ(last.log_in().status, 200u);

    const auto right = begins();
    auto guessing = who;
    guessing.password = "Wrong-Horse-7";
    const auto wrong = guessing.log_in();
    const auto step_up = inside.begin_step_up();

    for (const auto* refused : {&right, &wrong, &step_up}) {
        expect_error(*refused, 429, "USER_RATE_LIMIT_EXCEEDED");
        const auto wait = std::stoi(refused->header("Retry-After").value());
        EXPECT_GT(wait, 3000);
        EXPECT_LE(wait, 3600);
    }
    EXPECT_EQ(last.complete_login(totp_body(last.app.next())).status, 200u);
    EXPECT_EQ(begins().status, 200u);
}

TEST(NativePasswords, AHashOfWeakerParameters_IsReplacedAtTheNextLogin) {
    world home({{"policy.email_factor_by_default", "false"}});
    person who(home);
    who.sign_up();
    const auto stored = [&] {
        const auto all = stored_accounts(
            store::managed_redis_address(home.server.data_dir() / "data" / "redis"));
        EXPECT_EQ(all.size(), 1u);
        return all.begin()->second;
    };
    EXPECT_NE(stored().find("$m=19456,t=2,"), std::string::npos);
    ASSERT_EQ(home.server.stop(), 0);
    home.server.set("password.argon2_memory", "20480");
    home.server.set("password.argon2_passes", "3");
    home.server.start();

    auto guessing = who;
    guessing.password = "Wrong-Horse-7";
    EXPECT_EQ(guessing.log_in().status, 401u);
    EXPECT_NE(stored().find("$m=19456,t=2,"), std::string::npos);
    who.sign_in();
    EXPECT_NE(stored().find("$m=20480,t=3,"), std::string::npos);
    EXPECT_EQ(stored().find("$m=19456,t=2,"), std::string::npos);
    who.sign_in();
    EXPECT_EQ(guessing.log_in().status, 401u);
}

} // namespace
} // namespace countersign::tests
