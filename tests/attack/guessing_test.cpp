// Guessing, in parallel and over every way in (T-10, T-14), and who must not suffer from its
// limits.
#include "tests/attack/volley.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace countersign::tests {
namespace {

constexpr std::size_t attempts_allowed = 5; // policy.attempts_pause_after

std::string login_body(const std::string& email, const std::string& password) {
    return R"({"email":")" + email + R"(","password":")" + password + "\"}";
}

void expect_paused(const http_response& reply) {
    EXPECT_EQ(reply.status, 429) << reply.body;
    EXPECT_EQ(error_code_of(reply), "USER_RATE_LIMIT_EXCEEDED");
    EXPECT_GE(std::stoi(reply.header("Retry-After").value_or("0")), 1);
}

TEST(Guessing, T10_TwoHundredParallelWrongCodes_AtMostFiveAreEvaluated) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    auto pending = stage.pending_logins(who, 8);
    const auto wrong = totp_body(who.app.wrong());
    const auto replies = volley(who.port, each_in_turn(pending, 200, [&](const auto& one) {
                                    return request_of(one, "POST", "/api/auth/2fa/login", wrong);
                                }));
    std::size_t evaluated = 0;
    for (const auto& reply : replies)
        if (error_code_of(reply) == "WRONG_TWO_FACTOR_CODE")
            ++evaluated;
        else
            expect_paused(reply);
    EXPECT_EQ(evaluated, attempts_allowed);
    expect_paused(pending.front().complete_login(totp_body(who.app.next())));
}

TEST(Guessing, T10_ParallelWrongRecoveryCodes_AtMostFiveAreEvaluated) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    auto pending = stage.pending_logins(who, 8);
    const auto replies = volley(who.port, each_in_turn(pending, 200, [&](const auto& one) {
                                    return request_of(one, "POST", "/api/auth/2fa/totp/recover",
                                                      code_body("AAAAAAAAAAA"));
                                }));
    EXPECT_EQ(count_status(replies, 401), attempts_allowed);
    EXPECT_EQ(count_status(replies, 429), 200 - attempts_allowed);
    expect_paused(pending.front().call("POST", "/api/auth/2fa/totp/recover",
                                       code_body(who.recovery_codes.front())));
}

TEST(Guessing, T10_ParallelWrongPasswords_AtMostFiveAreEvaluated) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    who.forget_tokens();
    const auto body = login_body(who.email, "Wrong-Horse-7");
    const auto replies = volley(
        who.port, std::vector<std::string>(60, request_of({}, "POST", "/api/auth/login", body)));
    auto evaluated = count_status(replies, 401);
    // A full password pool turns some away unevaluated.
    EXPECT_EQ(evaluated + count_status(replies, 429) + count_status(replies, 503), 60);
    while (http_request(who.port, "POST", "/api/auth/login", {}, body).status == 401)
        ++evaluated;
    EXPECT_EQ(evaluated, attempts_allowed);
    expect_paused(who.log_in());
}

TEST(Guessing, TwentyParallelValidLogins_AllSucceed) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person();
    const auto replies = volley(
        who.port, std::vector<std::string>(20, request_of({}, "POST", "/api/auth/login",
                                                          login_body(who.email, who.password))));
    for (const auto& reply : replies)
        EXPECT_EQ(reply.status, 200) << reply.body << stage.server.log();
}

TEST(Guessing, TwentyParallelRequestsOfOneSession_AllSucceed) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person();
    const auto replies = volley(
        who.port,
        std::vector<std::string>(20, request_of(who, "PUT", "/api/users/me", R"({"name":"New"})")));
    EXPECT_EQ(count_status(replies, 200), 20);
}

TEST(Guessing, T14_MissesOverRoutesOfATotpAccount_AddUp) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    auto stepping = stage.pending_step_ups(who, 1).front();
    auto logging_in = stage.pending_logins(who, 1).front();
    const auto wrong = who.app.wrong();
    const auto right = who.app.next();

    EXPECT_EQ(logging_in.complete_login(totp_body(wrong)).status, 401);
    EXPECT_EQ(stepping.complete_step_up(totp_body(wrong)).status, 401);
    EXPECT_EQ(
        logging_in.call("POST", "/api/auth/2fa/totp/recover", code_body("AAAAAAAAAAA")).status,
        401);
    EXPECT_EQ(who.call("POST", "/api/auth/2fa/email/enable", code_body("000000")).status, 401);
    EXPECT_EQ(stepping.complete_step_up(totp_body(wrong)).status, 401);

    expect_paused(logging_in.complete_login(totp_body(right)));
    expect_paused(stepping.complete_step_up(totp_body(right)));
    expect_paused(logging_in.call("POST", "/api/auth/2fa/totp/recover",
                                  code_body(who.recovery_codes.front())));
    expect_paused(who.call("POST", "/api/auth/2fa/email/enable", code_body("000000")));
}

TEST(Guessing, T14_MissesOverRoutesOfAnEmailAccount_AddUp) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_email();
    const auto material = json_of(who.call("GET", "/api/auth/2fa/totp/setup"));
    const authenticator app(text_in(material, "secret"), scene_totp_window);
    const auto confirmation =
        R"({"token":")" + text_in(material, "token") + R"(","code":")" + app.wrong() + "\"}";
    auto stepping = stage.pending_step_ups(who, 1).front();
    auto logging_in = stage.pending_logins(who, 1).front();
    const auto right = stage.code_mail(who.email, 4); // of the pending login
    const auto* wrong = right == "000000" ? "111111" : "000000";

    EXPECT_EQ(who.call("POST", "/api/auth/2fa/totp/setup", confirmation).status, 401);
    EXPECT_EQ(stepping.complete_step_up(email_body(wrong)).status, 401);
    EXPECT_EQ(logging_in.complete_login(email_body(wrong)).status, 401);
    EXPECT_EQ(who.call("POST", "/api/auth/2fa/totp/setup", confirmation).status, 401);
    EXPECT_EQ(logging_in.complete_login(email_body(wrong)).status, 401);

    expect_paused(who.call("POST", "/api/auth/2fa/totp/setup", confirmation));
    expect_paused(logging_in.complete_login(email_body(right)));
    expect_paused(stepping.complete_step_up(email_body(right)));
}

TEST(Guessing, T14_LetterCaseOfTheAddress_CountsOnTheSameAccount) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    auto capitals = who.email;
    std::ranges::transform(capitals, capitals.begin(),
                           [](unsigned char letter) { return std::toupper(letter); });
    auto mixed = who.email;
    mixed.front() = 'U';
    const auto miss = [&](const std::string& address) {
        return http_request(who.port, "POST", "/api/auth/login", {},
                            login_body(address, "Wrong-Horse-7"));
    };
    for (const auto& address : {who.email, capitals, mixed, capitals, who.email})
        EXPECT_EQ(miss(address).status, 401);
    for (const auto& address : {who.email, capitals, mixed})
        expect_paused(miss(address));
    // A password change counts the same misses, and its old password is not evaluated either.
    expect_paused(
        who.call("PUT", "/api/users/me/password",
                 R"({"oldPassword":")" + who.password + R"(","newPassword":"Another-Horse-8"})"));
    expect_paused(who.begin_step_up());
}

TEST(Guessing, T16_ResendingACode_ResetsNoMiss) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_email();
    auto pending = stage.pending_logins(who, 1).front();
    for (std::size_t miss = 0; miss < attempts_allowed; ++miss) {
        const auto code = stage.ask_for_code(pending);
        EXPECT_EQ(pending.complete_login(email_body(code == "000000" ? "111111" : "000000")).status,
                  401);
    }
    expect_paused(pending.complete_login(email_body(stage.ask_for_code(pending))));
}

TEST(Guessing, T15_T16_NewChallengesAndForgedAddresses_BringNoNewGuesses) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    const auto wrong = totp_body(who.app.wrong());
    const auto guess = [&](std::size_t number) {
        auto pending = stage.pending_logins(who, 1).front();
        const auto forged = "198.51.100." + std::to_string(number);
        return pending.call("POST", "/api/auth/2fa/login", wrong,
                            {{"X-Forwarded-For", forged}, {"X-Real-IP", forged}});
    };
    for (std::size_t number = 0; number < attempts_allowed; ++number)
        EXPECT_EQ(guess(number).status, 401);
    for (std::size_t number = 0; number < 10; ++number)
        expect_paused(guess(100 + number));
}

} // namespace
} // namespace countersign::tests
