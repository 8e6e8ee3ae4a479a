// What a session may do with its tokens: step up, log out, refresh, ask for its state (contract
// sections 3.1, 3.3 and 3.4).
#include "tests/contract/world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <regex>

namespace countersign::tests {
namespace {

const shape step_up_shape{{"stepUpToken", kind::text_or_null},
                          {"twoFactorRequired", kind::boolean},
                          {"twoFactorMethods", kind::array_or_null},
                          {"preferredTwoFactorMethod", kind::text_or_null},
                          {"twoFactorAuthenticationToken", kind::text_or_null}};
const shape refresh_shape{
    {"principal", kind::object}, {"accessToken", kind::text}, {"refreshToken", kind::text}};
const shape status_shape{{"authenticated", kind::boolean},
                         {"stepUp", kind::boolean},
                         {"emailVerified", kind::text_or_null},
                         {"twoFactorRequired", kind::boolean},
                         {"preferredTwoFactorMethod", kind::text_or_null},
                         {"twoFactorMethods", kind::array_or_null},
                         {"sessionId", kind::text_or_null}};
const shape success_shape{{"success", kind::boolean}};

std::string one_code(std::string_view method, std::string_view code) {
    return boost::json::serialize(boost::json::object{{method, code}});
}

TEST(NativeStepUp, WithoutASecondFactor_NeedsThePasswordOnly) {
    auto who = with_no_factor();
    who.step_up.clear();

    const auto response = who.begin_step_up();

    const auto body = expect_ok(response, step_up_shape);
    EXPECT_EQ(body.at("twoFactorRequired"), false);
    EXPECT_EQ(response.set_cookies().size(), 1u);
    expect_cookie(response, "step_up_token", text_in(body, "stepUpToken"), 900);
}

TEST(NativeStepUp, WithASecondFactor_NeedsBoth) {
    auto who = with_both();
    who.step_up.clear();

    const auto begun = who.begin_step_up();

    const auto pending = expect_ok(begun, step_up_shape);
    EXPECT_EQ(pending.at("twoFactorRequired"), true);
    EXPECT_TRUE(pending.at("stepUpToken").is_null());
    EXPECT_EQ(texts_of(pending.at("twoFactorMethods")),
              (std::vector<std::string>{"totp", "email"}));
    expect_cookie(begun, "two_factor_authentication_token", who.two_factor, 900);
    expect_error(who.complete_step_up("{}"), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(who.complete_step_up(one_code("totp", who.app.wrong())), 401,
                 "WRONG_TWO_FACTOR_CODE");
    const auto done = who.complete_step_up(one_code("totp", who.app.next()));
    const auto body = expect_ok(done, step_up_shape);
    expect_cookie(done, "step_up_token", text_in(body, "stepUpToken"), 900);
    EXPECT_EQ(who.call("DELETE", "/api/auth/2fa/email").status, 200u);
}

TEST(NativeStepUp, RefusesEachWrongThing) {
    auto who = with_no_factor();
    const std::string path = "/api/auth/step-up";
    expect_error_at(who.call("POST", path, R"({"password":"Wrong-Horse-7"})"), 401,
                    "INVALID_CREDENTIALS", path);
    expect_error(who.call("POST", path, "{}"), 400, "MISSING_PASSWORD_PARAMETER");
    expect_error(who.call("POST", path), 400, "MISSING_PASSWORD_PARAMETER");
    expect_error(who.call("POST", path, R"({"password":7})"), 400, "INVALID_REQUEST");
    auto same = who;
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    expect_error(same.begin_step_up(), 401, "SESSION_EXPIRED");
    auto gone = with_no_factor();
    ASSERT_EQ(gone.call("DELETE", "/api/users/me").status, 200u);
    expect_error(gone.begin_step_up(), 404, "PRINCIPAL_NOT_FOUND");
}

TEST(NativeStepUp, APendingOneOfAnotherUserOrPurpose_IsRefused) {
    auto who = with_both();
    auto other = with_both();
    const std::string invalid = "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID";
    ASSERT_EQ(other.begin_step_up().status, 200u);
    who.two_factor = other.two_factor;
    expect_error(who.complete_step_up(one_code("totp", who.app.next())), 401, invalid);

    // A pending login does not step a session up, nor the other way round.
    auto login = who;
    login.forget_tokens();
    ASSERT_EQ(login.log_in().status, 200u);
    who.two_factor = login.two_factor;
    expect_error(who.complete_step_up(one_code("totp", who.app.next())), 401, invalid);
    ASSERT_EQ(who.begin_step_up().status, 200u);
    login.two_factor = who.two_factor;
    expect_error(login.complete_login(one_code("totp", who.app.next())), 401, invalid);

    // Nor does another session's.
    auto second = who;
    second.sign_in();
    second.two_factor = who.two_factor;
    expect_error(second.complete_step_up(one_code("totp", second.app.next())), 401, invalid);
}

TEST(NativeLogout, ClearsSixCookiesAndEndsTheSession_T34) {
    auto who = with_no_factor();

    const auto response = who.call("POST", "/api/auth/logout");

    expect_ok(response, success_shape);
    for (const auto* name :
         {"access_token", "refresh_token", "step_up_token", "two_factor_authentication_token",
          "session_token", "oauth2_provider_connection_token"})
        expect_cookie(response, name, "", 0);
    EXPECT_EQ(response.set_cookies().size(), 6u);
    expect_error(who.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
    expect_ok(who.call("POST", "/api/auth/logout"), success_shape); // again
    who.forget_tokens();
    expect_ok(who.call("POST", "/api/auth/logout"), success_shape); // as nobody
    who.access = "garbage";
    expect_ok(who.call("POST", "/api/auth/logout"), success_shape);
}

TEST(NativeRefresh, RotatesTheTokens) {
    auto who = with_no_factor();
    const auto old_refresh = who.refresh;
    who.access.clear();

    const auto response = http_request(who.port, "POST", "/api/auth/refresh",
                                       {{"Authorization", "Bearer " + who.refresh}});

    const auto body = expect_ok(response, refresh_shape);
    expect_shape(body.at("principal").as_object(), principal_shape());
    EXPECT_NE(text_in(body, "refreshToken"), old_refresh);
    expect_cookie(response, "access_token", text_in(body, "accessToken"), 900);
    expect_cookie(response, "refresh_token", text_in(body, "refreshToken"), 7'776'000);
    who.access = text_in(body, "accessToken");
    EXPECT_EQ(who.call("GET", "/api/users/me").status, 200u);
    // The next one in a cookie.
    expect_ok(http_request(who.port, "POST", "/api/auth/refresh",
                           {{"Cookie", "refresh_token=" + text_in(body, "refreshToken")}}, "{}"),
              refresh_shape);
}

TEST(NativeRefresh, ATokenUsedTwice_EndsTheSession) {
    auto who = with_no_factor();
    const auto bearer = [&](const std::string& token) {
        return http_request(who.port, "POST", "/api/auth/refresh",
                            {{"Authorization", "Bearer " + token}});
    };
    const auto next = text_in(json_of(bearer(who.refresh)), "refreshToken");

    expect_error_at(bearer(who.refresh), 401, "REFRESH_TOKEN_INVALID", "/api/auth/refresh");

    expect_error(bearer(next), 401, "REFRESH_TOKEN_INVALID");
    expect_error(who.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
}

TEST(NativeRefresh, RefusesEachWrongToken) {
    auto who = with_no_factor();
    const auto bearer = [&](const std::string& token) {
        return http_request(who.port, "POST", "/api/auth/refresh",
                            {{"Authorization", "Bearer " + token}});
    };
    expect_error(http_request(who.port, "POST", "/api/auth/refresh"), 401, "REFRESH_TOKEN_MISSING");
    expect_error(bearer("garbage"), 401, "REFRESH_TOKEN_INVALID");
    expect_error(bearer(who.access), 401, "REFRESH_TOKEN_INVALID");
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    expect_error(bearer(who.refresh), 401, "REFRESH_TOKEN_INVALID");
    auto gone = with_no_factor();
    ASSERT_EQ(gone.call("DELETE", "/api/users/me").status, 200u);
    expect_error(bearer(gone.refresh), 404, "USER_NOT_FOUND");

    person late(world::with({{"tokens.access", "1"},
                             {"tokens.refresh", "1"},
                             {"policy.email_factor_by_default", "false"}}));
    late.sign_up();
    late.sign_in();
    wait_a_second();
    expect_error(http_request(late.port, "POST", "/api/auth/refresh",
                              {{"Authorization", "Bearer " + late.refresh}}),
                 401, "REFRESH_TOKEN_EXPIRED");
}

TEST(NativeStatus, SaysEachState) {
    auto who = with_both();
    auto shown = status_shape;
    const auto state_of = [&](const person& one) {
        return expect_ok(http_request(one.port, "GET", "/api/auth/status", credentials_of(one)),
                         shown);
    };
    auto nobody = who;
    nobody.forget_tokens();
    shown[2].second = kind::null;
    auto state = state_of(nobody);
    EXPECT_EQ(state.at("authenticated"), false);
    EXPECT_TRUE(state.at("sessionId").is_null());

    shown[2].second = kind::boolean;
    ASSERT_EQ(nobody.log_in().status, 200u);
    state = state_of(nobody);
    EXPECT_EQ(state.at("authenticated"), false);
    EXPECT_EQ(state.at("twoFactorRequired"), true);
    EXPECT_EQ(text_in(state, "preferredTwoFactorMethod"), "totp");

    state = state_of(who);
    EXPECT_EQ(state.at("authenticated"), true);
    EXPECT_EQ(state.at("stepUp"), true);
    EXPECT_EQ(state.at("twoFactorRequired"), false);
    EXPECT_EQ(texts_of(state.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_TRUE(std::regex_match(text_in(state, "sessionId"), std::regex("[0-9a-f-]{36}")));
    who.step_up.clear();
    EXPECT_EQ(state_of(who).at("stepUp"), false);

    auto same = who;
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    expect_error(same.call("GET", "/api/auth/status"), 401, "ACCESS_TOKEN_EXPIRED");
    same.access = "garbage";
    expect_error(same.call("GET", "/api/auth/status"), 401, "ACCESS_TOKEN_INVALID");
}

TEST(NativeCredentials, CookiesAreSecureWhereTheApplicationIsReachedByHttps) {
    person who(world::with({{"app.base_uri", "https://login.example.org"},
                            {"policy.email_factor_by_default", "false"}}));
    who.sign_up();
    const auto response = who.log_in();
    for (const auto* name : {"access_token", "refresh_token"})
        EXPECT_TRUE(cookie_field(response, name).ends_with("; SameSite=Strict; Secure"));
}

TEST(NativeCredentials, TheHeaderWinsOverTheCookie) {
    auto who = with_no_factor();
    const auto ask = [&](const std::string& header, const std::string& cookie) {
        return http_request(who.port, "GET", "/api/users/me",
                            {{"Authorization", header}, {"Cookie", "access_token=" + cookie}});
    };
    EXPECT_EQ(ask("Bearer " + who.access, "garbage").status, 200u);
    EXPECT_EQ(ask("bearer " + who.access, "").status, 200u);
    expect_error(ask("Bearer garbage", who.access), 401, "ACCESS_TOKEN_INVALID");
    // Another scheme is no credential of ours.
    EXPECT_EQ(ask("Basic dXNlcjpwYXNz", who.access).status, 200u);

    const auto delete_email = [&](const std::string& header, const std::string& cookie) {
        return http_request(who.port, "DELETE", "/api/auth/2fa/email",
                            {{"Authorization", "Bearer " + who.access},
                             {"X-Step-Up-Token", header},
                             {"Cookie", "step_up_token=" + cookie}});
    };
    EXPECT_EQ(delete_email(who.step_up, "garbage").status, 304u);
    expect_error(delete_email("garbage", who.step_up), 401, "STEP_UP_TOKEN_INVALID");
}

// A cookie comes with whatever a browser sends; a bearer token only from who holds it.
TEST(NativeCookies, WhatAnotherSiteMadeTheBrowserSend_HasNoCredential) {
    const auto who = with_no_factor();
    const auto ask = [&](std::pair<std::string, std::string> credential, const char* name,
                         const char* value) {
        return http_request(who.port, "GET", "/api/users/me",
                            {std::move(credential), {name, value}});
    };
    const std::pair<std::string, std::string> cookie{"Cookie", "access_token=" + who.access};
    const std::pair<std::string, std::string> bearer{"Authorization", "Bearer " + who.access};
    expect_error(ask(cookie, "Sec-Fetch-Site", "cross-site"), 401, "AUTHENTICATION_REQUIRED");
    expect_error(ask(cookie, "Origin", "https://evil.example"), 401, "AUTHENTICATION_REQUIRED");
    EXPECT_EQ(ask(cookie, "Sec-Fetch-Site", "same-origin").status, 200u);
    EXPECT_EQ(ask(cookie, "Origin", "http://localhost:8080").status, 200u) << "app.base_uri";
    EXPECT_EQ(ask(bearer, "Sec-Fetch-Site", "cross-site").status, 200u);

    const auto refresh = http_request(
        who.port, "POST", "/api/auth/refresh",
        {{"Cookie", "refresh_token=" + who.refresh}, {"Sec-Fetch-Site", "cross-site"}});
    EXPECT_EQ(refresh.status, 401u);
    EXPECT_EQ(ask(cookie, "Sec-Fetch-Site", "none").status, 200u) << "the session still stands";
}

} // namespace
} // namespace countersign::tests
