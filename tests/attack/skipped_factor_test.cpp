// The second factor cannot be gone around, nor changed with less than itself (T-20 to T-38).
#include "core/crypto/encoding.hpp"
#include "net/families/singularity/routes.hpp"
#include "tests/support/scene.hpp"

#include <boost/beast/http/verb.hpp>
#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

using net::singularity::credential;

http_headers bearer(const std::string& token) {
    return {{"Authorization", "Bearer " + token}};
}

unsigned reading_status(const scene& stage, const std::string& access) {
    return http_request(stage.server.port(), "GET", "/api/users/me", bearer(access)).status;
}

std::vector<std::string> methods_of(native_client& who) {
    const auto profile = json_of(who.call("GET", "/api/users/me"));
    std::vector<std::string> methods;
    for (const auto& method : profile.at("twoFactorMethods").as_array())
        methods.emplace_back(method.as_string());
    return methods;
}

TEST(SkippedFactor, T20_PasswordAlone_OpensNoSessionWhereAFactorIsOn) {
    const scene stage(COUNTERSIGN_PROGRAM);
    for (auto who : {stage.person_with_totp(), stage.person_with_email()}) {
        who.forget_tokens();
        const auto reply = json_of(who.log_in());
        EXPECT_TRUE(reply.at("twoFactorRequired").as_bool());
        EXPECT_TRUE(reply.at("accessToken").is_null());
        EXPECT_TRUE(reply.at("refreshToken").is_null());
        for (const auto* body : {"", "{}", R"({"totp":null})", R"({"email":null,"totp":null})",
                                 R"({"session":{"browser":"x"}})"})
            EXPECT_EQ(error_code_of(who.complete_login(body)), "NO_2FA_CODE_PROVIDED") << body;
    }
}

TEST(SkippedFactor, T20_StepUpByPasswordAlone_BringsNoTokenWhereAFactorIsOn) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    who.step_up.clear();
    const auto reply = json_of(who.begin_step_up());
    EXPECT_TRUE(reply.at("stepUpToken").is_null());
    EXPECT_EQ(error_code_of(who.complete_step_up("{}")), "NO_2FA_CODE_PROVIDED");
}

TEST(SkippedFactor, T21_NothingUsableIsIssuedBeforeTheSecondFactor) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    who.forget_tokens();
    const auto cookies = who.log_in().set_cookies();
    ASSERT_EQ(cookies.size(), 1);
    EXPECT_EQ(cookies.begin()->first, "two_factor_authentication_token");
    const auto port = stage.server.port();
    const auto pending = who.two_factor;
    EXPECT_EQ(reading_status(stage, pending), 401);
    EXPECT_EQ(
        http_request(port, "GET", "/api/users/me", {{"Cookie", "access_token=" + pending}}).status,
        401);
    EXPECT_EQ(http_request(port, "POST", "/api/auth/refresh", bearer(pending)).status, 401);
    EXPECT_EQ(
        http_request(port, "POST", "/api/auth/refresh", {{"Cookie", "refresh_token=" + pending}})
            .status,
        401);
}

TEST(SkippedFactor, T22_AuthenticatedOnlyThroughTheLiveChallenge) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    auto first = stage.pending_logins(who, 1).front();
    ASSERT_EQ(first.complete_login(totp_body(who.app.next())).status, 200);
    // Its challenge is used up, and a login's is no step-up's, nor the other way round.
    auto again = first;
    again.access.clear();
    EXPECT_EQ(error_code_of(again.complete_login(totp_body(who.app.next()))),
              "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
    auto login = stage.pending_logins(who, 1).front();
    auto step_up = stage.pending_step_ups(who, 1).front();
    auto crossed = who;
    crossed.two_factor = login.two_factor;
    EXPECT_EQ(error_code_of(crossed.complete_step_up(totp_body(who.app.next()))),
              "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
    step_up.access.clear();
    EXPECT_EQ(error_code_of(step_up.complete_login(totp_body(who.app.next()))),
              "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
}

TEST(SkippedFactor, T23_PasswordReset_LogsNobodyInAndKeepsTheFactor) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    auto before = stage.pending_logins(who, 1).front();
    const auto old_access = who.access;
    who.forget_tokens();
    (void)who.call("POST", "/api/auth/password/reset-request", R"({"email":")" + who.email + "\"}");
    const auto reset =
        who.call("POST", "/api/auth/password/reset?token=" + mailed_token(stage.sink, who.email),
                 R"({"newPassword":"Another-Horse-8"})");
    ASSERT_EQ(reset.status, 200) << reset.body;
    EXPECT_TRUE(reset.set_cookies().empty());
    EXPECT_TRUE(who.access.empty() && who.refresh.empty());
    EXPECT_EQ(reading_status(stage, old_access), 401);
    EXPECT_EQ(before.complete_login(totp_body(who.app.next())).status, 401);
    EXPECT_EQ(who.log_in().status, 401);
    who.password = "Another-Horse-8";
    EXPECT_TRUE(json_of(who.log_in()).at("twoFactorRequired").as_bool());
    EXPECT_EQ(who.complete_login(totp_body(who.app.next())).status, 200);
}

TEST(SkippedFactor, T30_StepUpFromBeforeTheFactor_ChangesNoFactorLater) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto owner = stage.person();
    auto thief = owner; // knows the password, and stepped up with it in a session of his own
    thief.forget_tokens();
    ASSERT_EQ(thief.log_in().status, 200);
    ASSERT_EQ(thief.begin_step_up().status, 200);
    ASSERT_FALSE(thief.step_up.empty());

    ASSERT_EQ(owner.call("POST", "/api/auth/2fa/email/enable", code_body(stage.ask_for_code(owner)))
                  .status,
              200);
    for (const auto& [method, target] :
         {std::pair("DELETE", "/api/auth/2fa/email"), std::pair("GET", "/api/auth/2fa/totp/setup"),
          std::pair("DELETE", "/api/users/me")})
        EXPECT_EQ(thief.call(method, target).status, 401) << target;
    // Nor does his token count in a session of the owner's.
    auto mixed = owner;
    mixed.step_up = thief.step_up;
    EXPECT_EQ(error_code_of(mixed.call("DELETE", "/api/auth/2fa/email")), "STEP_UP_TOKEN_INVALID");
    EXPECT_EQ(methods_of(owner), std::vector<std::string>{"email"});
}

TEST(SkippedFactor, T30_FactorsAreNotChangedWithoutAStepUp) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    who.step_up.clear();
    std::size_t tried = 0;
    for (const auto& route : net::singularity::routes()) {
        if (route.needs != credential::access_and_step_up) continue;
        ++tried;
        const auto method = std::string(boost::beast::http::to_string(route.key.method));
        const auto body =
            method == "POST" || method == "PUT"
                ? R"({"token":"x","code":"000000","method":"totp","newEmail":"n@example.org",)"
                  R"("oldPassword":"Correct-Horse-7","newPassword":"Another-Horse-8"})"
                : "";
        const auto reply = who.call(method, route.key.pattern, body);
        EXPECT_EQ(reply.status, 401) << route.key.pattern << reply.body;
        EXPECT_TRUE(reply.body.empty() || error_code_of(reply) == "STEP_UP_TOKEN_MISSING" ||
                    error_code_of(reply) == "TOTP_SETUP_TOKEN_INVALID")
            << reply.body;
    }
    EXPECT_GE(tried, 8u);
    EXPECT_EQ(methods_of(who), std::vector<std::string>{"totp"});
}

TEST(SkippedFactor, T31_PendingLogin_ReachesOnlyVerifyAndResend) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    const auto pending = stage.pending_logins(who, 1).front().two_factor;
    std::size_t tried = 0;
    for (const auto& route : net::singularity::routes()) {
        switch (route.needs) {
        case credential::access:
        case credential::access_and_step_up:
        case credential::two_factor_and_access:
        case credential::refresh:
            break;
        case credential::none:
        case credential::guest:
        case credential::access_optional:
        case credential::any_token:
        case credential::two_factor:
        case credential::two_factor_guest:
        case credential::access_or_two_factor:
            continue;
        }
        ++tried;
        const auto method = std::string(boost::beast::http::to_string(route.key.method));
        for (const auto& with :
             {http_headers{{"X-Two-Factor-Authentication-Token", pending}},
              http_headers{{"Authorization", "Bearer " + pending}, {"X-Step-Up-Token", pending}},
              http_headers{{"Cookie", "access_token=" + pending + "; step_up_token=" + pending +
                                          "; refresh_token=" + pending}}})
            EXPECT_EQ(http_request(stage.server.port(), method, route.key.pattern, with,
                                   method == "GET" || method == "DELETE" ? "" : "{}")
                          .status,
                      401)
                << route.key.pattern;
    }
    EXPECT_GE(tried, 18u);
}

TEST(SkippedFactor, T33_EnablingAFactor_EndsTheOtherSessions) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto owner = stage.person();
    auto other = owner;
    other.forget_tokens();
    ASSERT_EQ(other.log_in().status, 200);
    ASSERT_EQ(owner.call("POST", "/api/auth/2fa/email/enable", code_body(stage.ask_for_code(owner)))
                  .status,
              200);
    EXPECT_EQ(reading_status(stage, other.access), 401);
    EXPECT_EQ(http_request(stage.server.port(), "POST", "/api/auth/refresh", bearer(other.refresh))
                  .status,
              401);
    EXPECT_EQ(reading_status(stage, owner.access), 200);

    ASSERT_EQ(owner.enrol_totp(scene_totp_window).status, 200);
    EXPECT_EQ(reading_status(stage, owner.access), 401); // the contract ends this one as well
    EXPECT_EQ(http_request(stage.server.port(), "POST", "/api/auth/refresh", bearer(owner.refresh))
                  .status,
              401);
}

TEST(SkippedFactor, T34_RevokedSession_FailsAtItsNextRequest) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto keeper = stage.person();
    const auto end_it = [&](auto&& end) {
        auto victim = keeper;
        victim.forget_tokens();
        ASSERT_EQ(victim.log_in().status, 200);
        ASSERT_EQ(victim.begin_step_up().status, 200);
        ASSERT_EQ(reading_status(stage, victim.access), 200);
        ASSERT_EQ(end(victim).status, 200);
        EXPECT_EQ(reading_status(stage, victim.access), 401);
        EXPECT_EQ(
            http_request(stage.server.port(), "POST", "/api/auth/refresh", bearer(victim.refresh))
                .status,
            401);
        EXPECT_EQ(victim.call("DELETE", "/api/users/me").status, 401);
    };
    end_it([&](native_client victim) {
        const auto id = text_in(json_of(victim.call("GET", "/api/auth/status")), "sessionId");
        return keeper.call("DELETE", "/api/users/me/sessions/" + id);
    });
    end_it([&](native_client victim) { return victim.call("POST", "/api/auth/logout"); });
    end_it([&](native_client) {
        return keeper.call("PUT", "/api/users/me/password",
                           R"({"oldPassword":"Correct-Horse-7","newPassword":"Another-Horse-8"})");
    });
    keeper.password = "Another-Horse-8";
    end_it([&](native_client) { return keeper.call("DELETE", "/api/users/me/sessions"); });
}

TEST(SkippedFactor, T34_ReusedRefreshToken_EndsItsSession) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    const auto stolen = who.refresh;
    const auto renew = [&](const std::string& token) {
        return http_request(stage.server.port(), "POST", "/api/auth/refresh", bearer(token));
    };
    const auto renewed = renew(stolen);
    ASSERT_EQ(renewed.status, 200);
    EXPECT_EQ(renew(stolen).status, 401);
    EXPECT_EQ(reading_status(stage, who.access), 401);
    EXPECT_EQ(renew(text_in(json_of(renewed), "refreshToken")).status, 401);
}

TEST(SkippedFactor, T35_T36_EverySetUp_HasAFreshSecretOf160Bits) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    std::vector<std::vector<std::byte>> secrets;
    for (int time = 0; time < 5; ++time) {
        const auto text = text_in(json_of(who.call("GET", "/api/auth/2fa/totp/setup")), "secret");
        auto secret = core::from_base32(text);
        ASSERT_TRUE(secret.has_value());
        EXPECT_EQ(secret->size(), 20);
        for (const auto& earlier : secrets)
            EXPECT_NE(earlier, *secret);
        secrets.push_back(*std::move(secret));
    }
}

TEST(SkippedFactor, T38_UnconfirmedFactor_NeitherGatesNorSatisfies) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto plain = stage.person();
    ASSERT_EQ(plain.call("GET", "/api/auth/2fa/totp/setup").status, 200);
    plain.forget_tokens();
    EXPECT_FALSE(json_of(plain.log_in()).at("twoFactorRequired").as_bool());

    auto mailed = stage.person_with_email();
    const auto material = json_of(mailed.call("GET", "/api/auth/2fa/totp/setup"));
    authenticator unconfirmed(text_in(material, "secret"), scene_totp_window);
    auto login = stage.pending_logins(mailed, 1).front();
    EXPECT_EQ(error_code_of(login.complete_login(totp_body(unconfirmed.next()))),
              "NO_2FA_CODE_PROVIDED");
    const auto code = std::string(material.at("recoveryCodes").as_array().front().as_string());
    EXPECT_EQ(error_code_of(login.call("POST", "/api/auth/2fa/totp/recover", code_body(code))),
              "TWO_FACTOR_METHOD_DISABLED");
}

} // namespace
} // namespace countersign::tests
