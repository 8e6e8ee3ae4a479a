// Codes that work once, used many times at once (T-02, T-04, T-05, T-06, T-25).
#include "tests/attack/volley.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

constexpr std::size_t salvo = 100;
constexpr std::size_t challenges = 8; // as many as an account may have

std::vector<std::string> login_salvo(const std::vector<native_client>& pending,
                                     const std::string& body) {
    return each_in_turn(pending, salvo, [&](const native_client& one) {
        return request_of(one, "POST", "/api/auth/2fa/login", body);
    });
}

// One of them wins; the others are refused, and none because something broke.
void expect_one_success(const std::vector<http_response>& replies) {
    EXPECT_EQ(count_status(replies, 200), 1);
    for (const auto& reply : replies) {
        if (reply.status == 200) continue;
        EXPECT_TRUE(reply.status == 401 || reply.status == 429) << reply.status << reply.body;
        EXPECT_EQ(reply.body.find("ccessToken\":\""), std::string::npos);
        EXPECT_TRUE(reply.set_cookies().empty());
    }
}

TEST(SingleUse, T04_HundredParallelIdenticalValidCodes_ExactlyOneSucceeds) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    const auto pending = stage.pending_logins(who, 1);
    expect_one_success(volley(who.port, login_salvo(pending, totp_body(who.app.next()))));
}

TEST(SingleUse, T04_OneTotpOverEightPendingLogins_OpensOneSession) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    const auto pending = stage.pending_logins(who, challenges);
    expect_one_success(volley(who.port, login_salvo(pending, totp_body(who.app.next()))));
}

TEST(SingleUse, T04_OneMailedCodeOverEightPendingLogins_OpensOneSession) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_email();
    const auto mails_before = stage.code_mails(who.email);
    const auto pending = stage.pending_logins(who, challenges);
    // Every login replaced the code of the one before.
    const auto code = stage.code_mail(who.email, mails_before + challenges);
    expect_one_success(volley(who.port, login_salvo(pending, email_body(code))));
}

TEST(SingleUse, T04_OneTotpOverEightPendingStepUps_BringsOneToken) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    const auto pending = stage.pending_step_ups(who, challenges);
    const auto body = totp_body(who.app.next());
    const auto replies =
        volley(who.port, each_in_turn(pending, salvo, [&](const native_client& one) {
                   return request_of(one, "POST", "/api/auth/2fa/step-up", body);
               }));
    expect_one_success(replies);
}

TEST(SingleUse, T04_OneTotpForLoginAndStepUpAtOnce_CountsOnce) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    const auto logins = stage.pending_logins(who, 2);
    const auto step_ups = stage.pending_step_ups(who, 2);
    const auto body = totp_body(who.app.next());
    std::vector<std::string> requests;
    for (std::size_t index = 0; index < salvo; ++index) {
        const bool login = index % 2 == 0;
        requests.push_back(request_of((login ? logins : step_ups)[index / 2 % 2], "POST",
                                      login ? "/api/auth/2fa/login" : "/api/auth/2fa/step-up",
                                      body));
    }
    expect_one_success(volley(who.port, requests));
}

TEST(SingleUse, T04_HundredParallelConfirmationsOfOneEnrolment_OneSucceeds) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    const auto material = json_of(who.call("GET", "/api/auth/2fa/totp/setup"));
    authenticator app(text_in(material, "secret"), scene_totp_window);
    const auto body =
        R"({"token":")" + text_in(material, "token") + R"(","code":")" + app.next() + "\"}";
    const auto replies = volley(
        who.port, std::vector(salvo, request_of(who, "POST", "/api/auth/2fa/totp/setup", body)));
    EXPECT_EQ(count_status(replies, 200), 1);
    EXPECT_EQ(count_status(replies, 401), salvo - 1); // all sessions ended with it
}

TEST(SingleUse, T05_HundredParallelUsesOfOneRecoveryCode_OneSucceeds) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    const auto pending = stage.pending_logins(who, challenges);
    const auto body = code_body(who.recovery_codes.front());
    expect_one_success(volley(who.port, each_in_turn(pending, salvo, [&](const auto& one) {
                                  return request_of(one, "POST", "/api/auth/2fa/totp/recover",
                                                    body);
                              })));
}

TEST(SingleUse, T05_TwoRecoveryCodesInParallel_BothAreGoneAfterwards) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    const auto pending = stage.pending_logins(who, 2);
    const auto use = [](const native_client& one, const std::string& code) {
        return request_of(one, "POST", "/api/auth/2fa/totp/recover", code_body(code));
    };
    std::vector<std::string> requests;
    for (std::size_t index = 0; index < salvo; ++index)
        requests.push_back(use(pending[index % 2], who.recovery_codes[index % 2]));
    EXPECT_EQ(count_status(volley(who.port, requests), 200), 2);

    auto again = stage.pending_logins(who, 1).front();
    for (const std::size_t used : {0u, 1u})
        EXPECT_EQ(error_code_of(again.call("POST", "/api/auth/2fa/totp/recover",
                                           code_body(who.recovery_codes[used]))),
                  "WRONG_TOTP_RECOVERY_CODE");
    EXPECT_EQ(
        again.call("POST", "/api/auth/2fa/totp/recover", code_body(who.recovery_codes[2])).status,
        200);
}

TEST(SingleUse, T06_HundredParallelUsesOfOneResetLink_OneSucceeds) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    ASSERT_EQ(
        who.call("POST", "/api/auth/password/reset-request", R"({"email":")" + who.email + "\"}")
            .status,
        200);
    const auto token = mailed_token(stage.sink, who.email);
    const auto request = request_of({}, "POST", "/api/auth/password/reset?token=" + token,
                                    R"({"newPassword":"Another-Horse-8"})");
    // Fewer than the password pool's queue holds: none may be turned away for that.
    const auto replies = volley(who.port, std::vector<std::string>(20, request));
    EXPECT_EQ(count_status(replies, 200), 1);
    EXPECT_EQ(count_status(replies, 401), 19);
}

TEST(SingleUse, T25_RecoveryCodeOfAnotherUser_IsRefusedAndStaysGood) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto owner = stage.person_with_totp();
    const auto thief = stage.person_with_totp();
    const auto body = code_body(owner.recovery_codes.front());
    auto attempt = stage.pending_logins(thief, 1).front();
    EXPECT_EQ(error_code_of(attempt.call("POST", "/api/auth/2fa/totp/recover", body)),
              "WRONG_TOTP_RECOVERY_CODE");
    auto login = stage.pending_logins(owner, 1).front();
    EXPECT_EQ(login.call("POST", "/api/auth/2fa/totp/recover", body).status, 200);
}

TEST(SingleUse, T02_UsedCodeInAnotherSpelling_IsRefused) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    const auto used = who.app.last();
    auto login = stage.pending_logins(who, 1).front();
    for (const auto& spelling : {" " + used, used + " ", used + "\\n", "0" + used, "+" + used,
                                 used + "\\u0000", used.substr(0, 3) + " " + used.substr(3)}) {
        const auto reply =
            login.call("POST", "/api/auth/2fa/login", R"({"totp":")" + spelling + "\"}");
        EXPECT_TRUE(reply.status == 400 || reply.status == 401 || reply.status == 429)
            << spelling << reply.status;
    }
}

} // namespace
} // namespace countersign::tests
