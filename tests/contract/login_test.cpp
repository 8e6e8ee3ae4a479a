// Login, with and without a second factor (contract sections 3.1, 3.3 and 3.4).
#include "tests/contract/world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

const shape login_shape{{"user", kind::object},
                        {"accessToken", kind::text_or_null},
                        {"refreshToken", kind::text_or_null},
                        {"twoFactorRequired", kind::boolean},
                        {"twoFactorMethods", kind::array_or_null},
                        {"preferredTwoFactorMethod", kind::text_or_null},
                        {"twoFactorAuthenticationToken", kind::text_or_null},
                        {"location", kind::null}};

std::string credentials(std::string_view email, std::string_view password) {
    return boost::json::serialize(boost::json::object{{"email", email}, {"password", password}});
}

std::string one_code(std::string_view method, std::string_view code) {
    return boost::json::serialize(boost::json::object{{method, code}});
}

TEST(NativeLogin, WithoutASecondFactor_OpensASession) {
    auto who = with_no_factor();
    who.forget_tokens();

    const auto response = who.log_in();

    const auto body = expect_ok(response, login_shape);
    expect_shape(body.at("user").as_object(), principal_shape());
    EXPECT_EQ(body.at("twoFactorRequired"), false);
    expect_cookie(response, "access_token", text_in(body, "accessToken"), 900);
    expect_cookie(response, "refresh_token", text_in(body, "refreshToken"), 7'776'000);
    EXPECT_EQ(response.set_cookies().size(), 2u);
    EXPECT_EQ(text_in(body, "twoFactorAuthenticationToken"), "");
    who.expect_mail("New Login Detected", 1);
}

TEST(NativeLogin, WithASecondFactor_OpensNone_T21) {
    auto who = with_both();
    who.forget_tokens();

    const auto response = who.log_in();

    const auto body = expect_ok(response, login_shape);
    EXPECT_EQ(body.at("twoFactorRequired"), true);
    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), "totp");
    EXPECT_TRUE(body.at("accessToken").is_null());
    EXPECT_TRUE(body.at("refreshToken").is_null());
    EXPECT_EQ(response.set_cookies().size(), 1u);
    expect_cookie(response, "two_factor_authentication_token",
                  text_in(body, "twoFactorAuthenticationToken"), 900);
}

TEST(NativeLogin, MailsACodeOnlyWhereEmailIsPreferred) {
    auto who = with_both();
    const auto mailed = who.codes_read;
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    who.expect_mail("verification code", mailed);

    who.sign_in();
    who.step_up_now();
    ASSERT_EQ(who.call("POST", "/api/auth/2fa/preferred-method", R"({"method":"email"})").status,
              200u);
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();
    // Where e-mail is preferred, its code is accepted beside TOTP.
    EXPECT_EQ(who.complete_login(one_code("email", code)).status, 200u);
}

TEST(NativeLogin, MailedInTheCooldown_StillAnswersAndLeavesTheFirstCodeGood) {
    person who(world::with({{"policy.mail_cooldown", "60"}}));
    who.sign_up();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();

    ASSERT_EQ(who.log_in().status, 200u);

    EXPECT_EQ(who.complete_login(one_code("email", code)).status, 200u);
    who.expect_mail("verification code", 1);
}

TEST(NativeLogin, WrongPasswordAndUnknownAddress_AreAnsweredAlike) {
    auto who = with_no_factor();
    const auto attempt = [&](std::string_view email, std::string_view password) {
        auto response =
            http_request(who.port, "POST", "/api/auth/login", {}, credentials(email, password));
        expect_error_at(response, 401, "INVALID_CREDENTIALS", "/api/auth/login");
        auto body = json_of(response);
        body.erase("timestamp");
        return std::pair(response.set_cookies(), body);
    };
    const auto wrong = attempt(who.email, "Correct-Horse-8");
    EXPECT_EQ(attempt("nobody@example.org", who.password), wrong);
    EXPECT_EQ(attempt("not an address", who.password), wrong);
    EXPECT_EQ(attempt(who.email, ""), wrong);
}

TEST(NativeLogin, TheAddressesCase_DoesNotMatter) {
    auto who = with_no_factor();
    auto upper = who.email;
    for (auto& letter : upper)
        letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    EXPECT_EQ(
        http_request(who.port, "POST", "/api/auth/login", {}, credentials(upper, who.password))
            .status,
        200u);
}

TEST(NativeLogin, WhoIsLoggedIn_GetsNotModifiedFromTheGuestRoutes) {
    auto who = with_both();
    const auto login = credentials(who.email, who.password);
    expect_not_modified(who, "POST", "/api/auth/login", login);
    expect_not_modified(
        who, "POST", "/api/auth/register",
        R"({"email":"somebody@example.org","password":"Correct-Horse-7","name":"X"})");
    auto pending = who;
    pending.forget_tokens();
    ASSERT_EQ(pending.log_in().status, 200u);
    pending.access = who.access;
    expect_not_modified(pending, "POST", "/api/auth/2fa/login", one_code("totp", who.app.next()));
}

TEST(NativeLogin, ADeadAccessToken_DoesNotHinderALogin) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    EXPECT_EQ(who.log_in().status, 200u);
    who.access = "garbage";
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(NativeSecondFactor, ATotp_LogsIn) {
    auto who = with_both();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);

    const auto response = who.complete_login(R"({"totp":")" + who.app.next() +
                                             R"(","session":{"browser":"Lynx","os":"Plan 9"}})");

    const auto body = expect_ok(response, login_shape);
    EXPECT_EQ(body.at("twoFactorRequired"), false);
    expect_shape(body.at("user").as_object(), principal_shape());
    expect_cookie(response, "access_token", text_in(body, "accessToken"), 900);
    expect_cookie(response, "refresh_token", text_in(body, "refreshToken"), 7'776'000);
    expect_cookie(response, "two_factor_authentication_token", "", 0);
    const auto sessions = who.call("GET", "/api/users/me/sessions").body;
    EXPECT_NE(sessions.find("Plan 9"), std::string::npos) << sessions;
}

TEST(NativeSecondFactor, ATotpAsANumber_LogsIn) {
    auto& home =
        world::with({{"policy.totp_window", "10"}, {"policy.email_factor_by_default", "false"}});
    auto who = with_email_only(home);
    ASSERT_EQ(who.enrol_totp(10).status, 200u);
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    // With its leading zeros lost where it has some.
    EXPECT_EQ(
        who.complete_login(R"({"totp":)" + std::to_string(std::stoi(who.app.next())) + "}").status,
        200u);
}

TEST(NativeSecondFactor, AMailedCode_LogsInOnce) {
    auto who = with_email_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();
    expect_ok(who.complete_login(one_code("email", code)), login_shape);

    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto response = who.complete_login(one_code("email", code));
    if (code != who.next_mailed_code()) expect_error(response, 401, "WRONG_TWO_FACTOR_CODE");
}

TEST(NativeSecondFactor, WithTotpOn_OnlyTheTotpCounts) {
    auto who = with_both();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    ASSERT_EQ(who.call("POST", "/api/auth/2fa/email/send").status, 200u);
    const auto mailed = who.next_mailed_code();

    expect_error(who.complete_login(one_code("email", mailed)), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(
        who.complete_login(R"({"email":")" + mailed + R"(","totp":")" + who.app.wrong() + "\"}"),
        401, "WRONG_TWO_FACTOR_CODE");
    EXPECT_EQ(who.complete_login(R"({"email":"000000","totp":")" + who.app.next() + "\"}").status,
              200u);
}

TEST(NativeSecondFactor, RefusesEachWrongThing) {
    auto who = with_totp_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const std::string path = "/api/auth/2fa/login";
    const auto pending = who.two_factor;

    expect_error_at(who.complete_login("{}"), 400, "NO_2FA_CODE_PROVIDED", path);
    expect_error(who.complete_login(""), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(who.complete_login(R"({"totp":null,"email":null})"), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(who.complete_login(R"({"totp":[]})"), 400, "INVALID_REQUEST");
    expect_error(who.complete_login(R"({"totp":123456.5})"), 400, "INVALID_REQUEST");
    expect_error(who.complete_login(R"({"totp":-12345})"), 401, "WRONG_TWO_FACTOR_CODE");
    expect_error(who.complete_login(one_code("totp", who.app.wrong())), 401,
                 "WRONG_TWO_FACTOR_CODE");
    // T-02: no code is trimmed into being right.
    const auto good = who.app.next();
    expect_error(who.complete_login(one_code("totp", good + " ")), 401, "WRONG_TWO_FACTOR_CODE");
    who.two_factor = "garbage";
    expect_error(who.complete_login(one_code("totp", good)), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
    who.two_factor.clear();
    expect_error(who.complete_login(one_code("totp", good)), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_MISSING");
    who.two_factor = pending;
    EXPECT_EQ(who.complete_login(one_code("totp", good)).status, 200u);
    who.access.clear();
    expect_error(who.complete_login(one_code("totp", who.app.next())), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID"); // T-06: used up
}

TEST(NativeSecondFactor, AfterItsLife_ThePendingLoginIsExpired) {
    person who(world::with({{"tokens.two_factor", "1"}}));
    who.sign_up();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();
    wait_a_second();
    expect_error(who.complete_login(one_code("email", code)), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_EXPIRED");
}

TEST(NativeSecondFactor, WithTheTokenInACookie_LogsIn) {
    auto who = with_totp_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto response =
        http_request(who.port, "POST", "/api/auth/2fa/login",
                     {{"Cookie", "a=b; two_factor_authentication_token=" + who.two_factor}},
                     one_code("totp", who.app.next()));
    expect_ok(response, login_shape);
}

} // namespace
} // namespace countersign::tests
