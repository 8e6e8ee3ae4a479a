// Pauses after misses, and the limits per address (contract section 2.6).
#include "tests/contract/slugbase_world.hpp"

#include "net/families/slugbase/routes.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace countersign::tests {
namespace {

const std::string mfa = "/api/auth/mfa";

// Requests at most `longest` times until the answer is 429; how often it was another one.
int answered_before_429(int longest, const std::function<http_response()>& request,
                        http_response& refused) {
    for (int count = 0; count < longest; ++count) {
        refused = request();
        if (refused.status == 429) return count;
    }
    return longest;
}

TEST(SlugbaseBlocked, AfterFiveWrongCodes_EveryRouteThatTakesOneWaits_T12) {
    auto who = slugbase_person_with_mfa();
    auto half = half_logged_in(who);
    for (int miss = 0; miss < 5; ++miss)
        expect_refusal(half.verify(who.app.wrong()), 401, "Invalid code", "INVALID_CODE");

    expect_too_many(half.verify(who.app.next()), mfa_attempts_text, 30);
    EXPECT_TRUE(half.cookies.contains("slugbase.mfa_pending"));
    expect_too_many(who.disable(who.app.next()), mfa_attempts_text, 30);
    expect_too_many(who.regenerate(who.backup_codes.at(0)), mfa_attempts_text, 30);
    EXPECT_TRUE(who.mfa_is_on()) << "a session that stands, stands";
}

TEST(SlugbaseBlocked, ThePauseIsSharedByTheFamilies_T11) {
    auto who = slugbase_person_with_mfa();
    person native(slugbase_world());
    native.email = who.email;
    ASSERT_EQ(native.log_in().status, 200u);
    for (int miss = 0; miss < 5; ++miss)
        expect_error(native.complete_login(R"({"totp":")" + who.app.wrong() + "\"}"), 401,
                     "WRONG_TWO_FACTOR_CODE");
    expect_too_many(who.disable(who.app.next()), mfa_attempts_text, 30);
}

TEST(SlugbaseBlocked, AfterFiveWrongEnrolmentCodes_EnrolmentWaits_T12) {
    auto who = slugbase_person();
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    for (int miss = 0; miss < 5; ++miss)
        expect_refusal(who.confirm_enrolment(who.app.wrong()), 400, "Invalid code", "INVALID_CODE");
    expect_too_many(who.confirm_enrolment(who.app.next()), mfa_attempts_text, 30);
    expect_too_many(who.begin_enrolment(), mfa_attempts_text, 30);
    EXPECT_FALSE(who.mfa_is_on());
}

TEST(SlugbaseBlocked, AfterFiveWrongPasswords_DisableAndRegenerateWait_T12) {
    auto who = slugbase_person_with_mfa();
    const auto code = who.app.next();
    for (int miss = 0; miss < 5; ++miss)
        expect_refusal(who.call("POST", mfa + (miss % 2 == 0 ? "/disable" : "/backup/regenerate"),
                                proof_body(code, "Wrong-Horse-7")),
                       401, "Invalid password", "INVALID_PASSWORD");
    expect_too_many(who.disable(code), mfa_attempts_text, 30);
    expect_too_many(who.regenerate(code), mfa_attempts_text, 30);
    EXPECT_TRUE(who.mfa_is_on());
}

TEST(SlugbaseBlocked, AfterThePause_TheRightCodeIsTaken) {
    auto who = slugbase_person_with_mfa(slugbase_world({{"policy.attempts_first_pause", "1"}}));
    auto half = half_logged_in(who);
    for (int miss = 0; miss < 5; ++miss)
        ASSERT_EQ(half.verify(who.app.wrong()).status, 401u);
    const auto code = who.app.next();
    expect_too_many(half.verify(code), mfa_attempts_text, 1);
    wait_a_second();
    expect_user(half.verify(code), who);
}

TEST(SlugbaseBlocked, EveryRowThatProvesACode_IsInTheseTests) {
    std::set<std::string> proving;
    for (const auto& row : net::slugbase::routes())
        if (row.proves_code) proving.insert(std::string(row.key.pattern));
    EXPECT_EQ(proving,
              (std::set<std::string>{"/api/auth/login", mfa + "/verify", mfa + "/disable",
                                     mfa + "/backup/regenerate", mfa + "/enroll/confirm"}));
}

// Each test has an address with nothing drawn from it: a server of its own.
class SlugbaseIpLimits : public testing::Test {
protected:
    world home_{{{"api.families", "singularity,slugbase,clara,service"},
                 {"policy.email_factor_by_default", "false"},
                 {"policy.ip_limits", "true"}}};
    slugbase_client who_ = slugbase_person(home_);
    http_response refused_;
};

TEST_F(SlugbaseIpLimits, VerifyDisableAndRegenerate_ShareForty) {
    const char* paths[] = {"/verify", "/disable", "/backup/regenerate"};
    int turn = 0;
    auto program = who_.elsewhere();
    const int answered = answered_before_429(
        60, [&] { return program.call("POST", mfa + paths[turn++ % 3], "{}"); }, refused_);
    // The allowance refills while the test draws on it.
    EXPECT_GE(answered, 40);
    EXPECT_LE(answered, 42);
    expect_too_many(refused_, mfa_attempts_text, 900);
    for (const auto* path : paths)
        expect_too_many(program.call("POST", mfa + path, "{}"), mfa_attempts_text, 900);

    // In the contract's order: a forged request is refused before, and costs nothing.
    auto forged = who_;
    forged.csrf.clear();
    expect_refusal(forged.call("POST", mfa + "/disable", "{}"), 403, "Invalid CSRF token");
    EXPECT_EQ(who_.call("GET", mfa + "/status").status, 200u);
    EXPECT_EQ(who_.call("POST", mfa + "/enroll/cancel", "{}").status, 200u);
}

TEST_F(SlugbaseIpLimits, BeginConfirmAndCancel_ShareTwentyFive) {
    const char* paths[] = {"/enroll/begin", "/enroll/confirm", "/enroll/cancel"};
    int turn = 0;
    const int answered = answered_before_429(
        40, [&] { return who_.call("POST", mfa + paths[turn++ % 3], "{}"); }, refused_);
    EXPECT_GE(answered, 25);
    EXPECT_LE(answered, 27);
    expect_too_many(refused_, "Too many MFA setup attempts. Please try again later.", 900);
    EXPECT_EQ(who_.call("POST", mfa + "/disable", "{}").status, 400u);
}

TEST_F(SlugbaseIpLimits, ApiTokens_AreTenMadeInAQuarterOfAnHour) {
    auto other = who_.elsewhere();
    other.bearer = who_.make_api_token();
    const int answered = answered_before_429(
        20, [&] { return other.call("POST", "/api/tokens", R"({"name":"x"})"); }, refused_);
    EXPECT_GE(answered, 9);
    EXPECT_LE(answered, 11);
    expect_too_many(refused_, "Too many requests, please try again later.", 900);
    EXPECT_EQ(other.call("GET", "/api/tokens").status, 200u);
}

TEST_F(SlugbaseIpLimits, WhatIsLeft_IsSaidInTheFieldsThatItsClientsKnow) {
    const auto response = who_.call("POST", mfa + "/verify", "{}");
    EXPECT_EQ(response.header("RateLimit-Limit"), "40");
    EXPECT_EQ(response.header("RateLimit-Remaining"), "39");
    EXPECT_EQ(response.header("RateLimit-Reset"), "23"); // 900 s for 40 requests
}

TEST_F(SlugbaseIpLimits, AllRoutes_ShareTwoThousand) {
    http_connection connection(who_.port);
    const int answered = answered_before_429(
        2'100, [&] { return connection.request("GET", "/api/csrf-token"); }, refused_);
    // Some were drawn by signing in.
    EXPECT_GE(answered, 1'990);
    expect_too_many(refused_, "Too many requests, please try again later.", 900);
    expect_too_many(who_.call("POST", mfa + "/enroll/begin", "{}"),
                    "Too many requests, please try again later.", 900);
}

} // namespace
} // namespace countersign::tests
