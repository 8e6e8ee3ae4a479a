// The e-mail factor: send, enable, cooldown; and the preferred method (contract sections 3.3 and
// 3.6).
#include "tests/contract/world.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

const std::string send = "/api/auth/2fa/email/send";
const std::string enable = "/api/auth/2fa/email/enable";
const std::string cooldown = "/api/auth/2fa/email/cooldown";
const std::string prefer = "/api/auth/2fa/preferred-method";
const shape cooldown_shape{{"cooldown", kind::number}};
const shape remaining_shape{{"remaining", kind::number}};

std::string code_body(std::string_view code) {
    return R"({"code":")" + std::string(code) + "\"}";
}

std::string another(std::string code) {
    code.back() = code.back() == '0' ? '1' : '0';
    return code;
}

world& with_cooldown() {
    return world::with(
        {{"policy.mail_cooldown", "60"}, {"policy.email_factor_by_default", "false"}});
}

TEST(NativeEmailFactor, Send_MailsACodeAndSaysTheCooldown) {
    auto who = with_email_only(with_cooldown());
    EXPECT_EQ(expect_ok(who.call("GET", cooldown), remaining_shape).at("remaining"), 0);

    EXPECT_EQ(expect_ok(who.call("POST", send), cooldown_shape).at("cooldown"), 60);

    const auto remaining =
        expect_ok(who.call("GET", cooldown), remaining_shape).at("remaining").as_int64();
    EXPECT_GE(remaining, 50);
    EXPECT_LE(remaining, 60);
    EXPECT_EQ(who.next_mailed_code().size(), 6u);
    const auto mail = mails_about(who.home->sink, who.email, "verification code").at(0);
    EXPECT_EQ(find_six_digits(header(mail.data, "Subject")), std::nullopt)
        << "a code in a subject line shows on a locked screen";
}

TEST(NativeEmailFactor, Send_InTheCooldown_LeavesTheMailedCodeGood) {
    auto who = with_email_only(with_cooldown());
    ASSERT_EQ(who.call("POST", send).status, 200u);

    const auto refused = who.call("POST", send);

    expect_error_at(refused, 429, "EMAIL_COOLDOWN_ACTIVE", send);
    const auto wait = std::stoi(refused.header("Retry-After").value_or("0"));
    EXPECT_GE(wait, 50);
    EXPECT_LE(wait, 60);
    expect_principal(who.call("POST", enable, code_body(who.next_mailed_code())), who);
}

TEST(NativeEmailFactor, Send_SpeaksTheRequestsLanguage) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", send + "?locale=de").status, 200u);
    who.expect_mail("Ihr Bestätigungscode", 1);
    expect_error(who.call("POST", send + "?locale=!"), 400, "INVALID_REQUEST");
}

TEST(NativeEmailFactor, ANewCode_ReplacesTheOldOne) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", send).status, 200u);
    const auto first = who.next_mailed_code();
    std::string second = first;
    while (second == first) { // once in a million
        ASSERT_EQ(who.call("POST", send).status, 200u);
        second = who.next_mailed_code();
    }
    expect_error(who.call("POST", enable, code_body(first)), 401, "WRONG_TWO_FACTOR_CODE");
    expect_principal(who.call("POST", enable, code_body(second)), who);
}

TEST(NativeEmailFactor, SendAndCooldown_WithAPendingLogin_Work) {
    auto who = with_totp_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    ASSERT_FALSE(who.two_factor.empty());

    EXPECT_EQ(expect_ok(who.call("GET", cooldown), remaining_shape).at("remaining"), 0);
    EXPECT_EQ(expect_ok(who.call("POST", send), cooldown_shape).at("cooldown"), 0);
    who.expect_mail("verification code", 1);
}

TEST(NativeEmailFactor, SendAndCooldown_RefuseWhoHasNeitherToken) {
    auto who = with_no_factor();
    for (const auto& [access, two_factor, code] :
         {std::tuple("", "", "AUTHENTICATION_REQUIRED"),
          std::tuple("garbage", "", "ACCESS_TOKEN_INVALID"),
          std::tuple("garbage", "garbage", "ACCESS_TOKEN_INVALID")}) {
        who.forget_tokens();
        who.access = access;
        who.two_factor = two_factor;
        expect_error_at(who.call("POST", send), 401, code, send);
        expect_error_at(who.call("GET", cooldown), 401, code, cooldown);
    }
    // A two-factor token alone, and bad: the message is about the token that was given.
    who.access.clear();
    who.two_factor = "garbage";
    expect_error_at(who.call("POST", send), 401, "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID", send);
}

TEST(NativeEmailFactor, Enabled_AsTheOnlyMethod_IsPreferredAndAlerts) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", send).status, 200u);

    const auto body =
        expect_principal(who.call("POST", enable, code_body(who.next_mailed_code())), who);

    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), std::vector<std::string>{"email"});
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), "email");
    who.expect_mail("New Two-Factor Authentication Method Added", 1);
}

TEST(NativeEmailFactor, Enabled_BesideTotp_LeavesTotpPreferred) {
    auto who = with_totp_only();
    ASSERT_EQ(who.call("POST", send).status, 200u);

    const auto body =
        expect_principal(who.call("POST", enable, code_body(who.next_mailed_code())), who);

    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), "totp");
}

TEST(NativeEmailFactor, Enabled_KeepsItsOwnSessionAndEndsTheOthers_T33) {
    auto who = with_no_factor();
    auto elsewhere = who;
    elsewhere.sign_in();
    ASSERT_EQ(who.call("POST", send).status, 200u);
    ASSERT_EQ(who.call("POST", enable, code_body(who.next_mailed_code())).status, 200u);

    expect_principal(who.call("GET", "/api/users/me"), who);
    expect_error(elsewhere.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
    // The step-up of this session is good for the level that the account has now.
    expect_error(who.call("DELETE", "/api/auth/2fa/email"), 400,
                 "CANNOT_DISABLE_ONLY_TWO_FACTOR_METHOD");
}

TEST(NativeEmailFactor, Enable_RefusesEachWrongThing) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", send).status, 200u);
    const auto good = who.next_mailed_code();

    expect_error_at(who.call("POST", enable, code_body(another(good))), 401,
                    "WRONG_TWO_FACTOR_CODE", enable);
    expect_error(who.call("POST", enable, code_body(good + " ")), 401, "WRONG_TWO_FACTOR_CODE");
    expect_error(who.call("POST", enable, code_body("")), 401, "WRONG_TWO_FACTOR_CODE");
    expect_error(who.call("POST", enable, R"({"code":true})"), 400, "INVALID_REQUEST");
    expect_error(who.call("POST", enable, "{}"), 400, "INVALID_REQUEST");
    expect_error(who.call("POST", enable), 400, "INVALID_REQUEST");
    EXPECT_TRUE(who.read_methods().empty());

    expect_principal(who.call("POST", enable, code_body(good)), who);
    expect_not_modified(who, "POST", enable, code_body(good));
}

TEST(NativeEmailFactor, Enable_WithoutACodeEverSent_IsWrong) {
    expect_error(with_no_factor().call("POST", enable, code_body("123456")), 401,
                 "WRONG_TWO_FACTOR_CODE");
}

TEST(NativeEmailFactor, ExpiredBeatsWrong) {
    auto who = with_email_only(world::with(
        {{"policy.mailed_code_life", "1"}, {"policy.email_factor_by_default", "false"}}));
    ASSERT_EQ(who.call("POST", send).status, 200u);
    const auto code = who.next_mailed_code();
    wait_a_second();

    expect_error(who.call("POST", enable, code_body(code)), 401, "TWO_FACTOR_CODE_EXPIRED");
    expect_error(who.call("POST", enable, code_body(another(code))), 401,
                 "TWO_FACTOR_CODE_EXPIRED");
}

TEST(NativePreferredMethod, AMethodThatIsOn_BecomesPreferred) {
    auto who = with_both();
    for (const std::string method : {"email", "totp", "totp"}) {
        const auto body =
            expect_principal(who.call("POST", prefer, R"({"method":")" + method + "\"}"), who);
        EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), method);
        EXPECT_EQ(texts_of(body.at("twoFactorMethods")),
                  (std::vector<std::string>{"totp", "email"}));
    }
}

TEST(NativePreferredMethod, RefusesEachWrongThing) {
    auto who = with_email_only();
    expect_error_at(who.call("POST", prefer, R"({"method":"totp"})"), 400, "2FA_DISABLED", prefer);
    expect_error(who.call("POST", prefer, R"({"method":"TOTP"})"), 400,
                 "INVALID_TWO_FACTOR_METHOD");
    expect_error(who.call("POST", prefer, R"({"method":"sms"})"), 400, "INVALID_TWO_FACTOR_METHOD");
    expect_error(who.call("POST", prefer, R"({"method":1})"), 400, "INVALID_REQUEST");
    expect_error(who.call("POST", prefer, "{}"), 400, "INVALID_REQUEST");
    expect_error(who.call("POST", prefer), 400, "INVALID_REQUEST");
    EXPECT_EQ(who.read_preferred(), "email");
}

} // namespace
} // namespace countersign::tests
