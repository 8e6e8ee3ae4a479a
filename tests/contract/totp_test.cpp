// GET and POST /api/auth/2fa/totp/setup, POST /api/auth/2fa/totp/recover (contract sections 3.3
// and 3.6).
#include "tests/contract/world.hpp"

#include "core/crypto/encoding.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace countersign::tests {
namespace {

const std::string setup = "/api/auth/2fa/totp/setup";
const std::string recover = "/api/auth/2fa/totp/recover";
constexpr std::string_view added = "New Two-Factor Authentication Method Added";
const shape material_shape{{"secret", kind::text},
                           {"totpAuthUrl", kind::text},
                           {"recoveryCodes", kind::array},
                           {"token", kind::text}};
const shape recovered_shape{{"user", kind::object},
                            {"accessToken", kind::text},
                            {"refreshToken", kind::text},
                            {"stepUpToken", kind::text}};

std::string confirmation(std::string_view token, const boost::json::value& code) {
    return boost::json::serialize(boost::json::object{{"token", token}, {"code", code}});
}

std::string recovery(std::string_view code) {
    return boost::json::serialize(boost::json::object{
        {"code", code}, {"session", boost::json::object{{"browser", "Lynx"}, {"os", "Plan 9"}}}});
}

TEST(NativeTotp, Setup_GivesMaterialAndStoresNothing) {
    auto who = with_no_factor();

    const auto material = expect_ok(who.call("GET", setup), material_shape);

    const auto secret = text_in(material, "secret");
    EXPECT_TRUE(std::regex_match(secret, std::regex("[A-Z2-7]{32}"))) << "160 bits (T-36)";
    const auto uri = text_in(material, "totpAuthUrl");
    EXPECT_TRUE(uri.starts_with("otpauth://totp/")) << uri;
    EXPECT_NE(uri.find("secret=" + secret), std::string::npos) << uri;
    EXPECT_NE(uri.find("issuer=Countersign"), std::string::npos) << uri;
    const auto codes = texts_of(material.at("recoveryCodes"));
    EXPECT_EQ(std::set(codes.begin(), codes.end()).size(), 6u);
    for (const auto& code : codes)
        EXPECT_TRUE(std::regex_match(code, std::regex("[A-Za-z0-9]{11}"))) << code;
    EXPECT_TRUE(who.read_methods().empty()) << "an unconfirmed factor gates nothing (T-38)";
    who.sign_in(); // with the password alone
}

TEST(NativeTotp, Setup_AskedAgain_GivesAnotherSecretAndTheFirstTokenIsDead_T35) {
    auto who = with_no_factor();
    const auto first = json_of(who.call("GET", setup));
    const auto second = json_of(who.call("GET", setup));

    EXPECT_NE(text_in(first, "secret"), text_in(second, "secret"));
    EXPECT_NE(first.at("recoveryCodes"), second.at("recoveryCodes"));
    authenticator app(text_in(first, "secret"), 5);
    expect_error(who.call("POST", setup, confirmation(text_in(first, "token"), app.next().c_str())),
                 401, "TOTP_SETUP_TOKEN_INVALID");
}

TEST(NativeTotp, Confirmed_PrefersTotpEndsAllSessionsAndAlerts) {
    auto who = with_email_only();
    auto elsewhere = who;
    elsewhere.sign_in();
    who.codes_read = elsewhere.codes_read;

    const auto body = expect_principal(who.enrol_totp(5), who);

    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), "totp");
    for (auto* session : {&who, &elsewhere}) {
        expect_error(session->call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
        expect_error(http_request(who.port, "POST", "/api/auth/refresh",
                                  {{"Authorization", "Bearer " + session->refresh}}),
                     401, "REFRESH_TOKEN_INVALID");
    }
    who.expect_mail(added, 1);
    EXPECT_NE(text_part(mails_about(who.home->sink, who.email, added).at(0).data).find("TOTP"),
              std::string::npos);
}

TEST(NativeTotp, Confirm_SpeaksTheRequestsLanguage) {
    auto who = with_no_factor();
    const auto material = json_of(who.call("GET", setup));
    authenticator app(text_in(material, "secret"), 5);

    ASSERT_EQ(who.call("POST", setup + "?locale=de",
                       confirmation(text_in(material, "token"), app.next().c_str()))
                  .status,
              200u);

    who.expect_mail("Neues Verfahren zur Zwei-Faktor-Authentifizierung", 1);
}

TEST(NativeTotp, Confirm_TakesANumberWithItsLeadingZerosLost) {
    // Most secrets have a code with a leading zero in a window of 21 steps; try until one does.
    auto& home =
        world::with({{"policy.totp_window", "10"}, {"policy.email_factor_by_default", "false"}});
    auto who = with_email_only(home);
    for (int attempt = 0; attempt < 40; ++attempt) {
        const auto material = json_of(who.call("GET", setup));
        authenticator app(text_in(material, "secret"), 9);
        for (int step = 0; step < 19; ++step) {
            const auto code = app.next();
            if (code.front() != '0') continue;
            const auto response =
                who.call("POST", setup, confirmation(text_in(material, "token"), std::stoi(code)));
            expect_principal(response, who);
            return;
        }
    }
    FAIL() << "no code began with a zero";
}

TEST(NativeTotp, Confirm_RefusesEachWrongThing) {
    auto who = with_no_factor();
    auto other = with_no_factor();
    const auto material = json_of(who.call("GET", setup));
    const auto foreign = json_of(other.call("GET", setup));
    authenticator app(text_in(material, "secret"), 5);
    const auto token = text_in(material, "token");
    const auto good = app.next();

    const struct {
        const char* what;
        std::string body;
        unsigned status;
        const char* code;
    } rows[] = {
        {"a wrong code", confirmation(token, app.wrong().c_str()), 401, "WRONG_TWO_FACTOR_CODE"},
        {"five digits", confirmation(token, good.substr(1).c_str()), 401, "WRONG_TWO_FACTOR_CODE"},
        {"white space (T-02)", confirmation(token, (good + " ").c_str()), 401,
         "WRONG_TWO_FACTOR_CODE"},
        {"no token", R"({"code":"123456"})", 401, "TOTP_SETUP_TOKEN_MISSING"},
        {"a garbage token", confirmation("garbage", good.c_str()), 401, "TOTP_SETUP_TOKEN_INVALID"},
        {"another user's token", confirmation(text_in(foreign, "token"), good.c_str()), 401,
         "TOTP_SETUP_TOKEN_INVALID"},
        {"a step-up token", confirmation(who.step_up, good.c_str()), 401,
         "TOTP_SETUP_TOKEN_INVALID"},
        {"no code", R"({"token":")" + token + "\"}", 400, "INVALID_REQUEST"},
        {"no body", "", 400, "INVALID_REQUEST"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.what);
        expect_error_at(who.call("POST", setup, row.body), row.status, row.code, setup);
    }
    EXPECT_TRUE(who.read_methods().empty());
    expect_principal(who.call("POST", setup, confirmation(token, good.c_str())), who);
    who.expect_mail(added, 1);
}

TEST(NativeTotp, Confirm_FromAnotherSession_IsRefused) {
    auto who = with_no_factor();
    const auto material = json_of(who.call("GET", setup));
    authenticator app(text_in(material, "secret"), 5);
    who.sign_in();
    who.step_up_now();

    expect_error(
        who.call("POST", setup, confirmation(text_in(material, "token"), app.next().c_str())), 401,
        "TOTP_SETUP_TOKEN_INVALID");
}

TEST(NativeTotp, Confirm_AfterTheSetupTokensLife_SaysExpired) {
    auto who = with_email_only(
        world::with({{"tokens.totp_setup", "1"}, {"policy.email_factor_by_default", "false"}}));
    const auto material = json_of(who.call("GET", setup));
    authenticator app(text_in(material, "secret"), 5);
    wait_a_second();

    expect_error(
        who.call("POST", setup, confirmation(text_in(material, "token"), app.next().c_str())), 401,
        "TOTP_SETUP_TOKEN_EXPIRED");
}

TEST(NativeTotp, WithTotpOnAlready_SetupIsNotModified) {
    auto who = with_totp_only();

    expect_not_modified(who, "GET", setup);
    expect_not_modified(who, "POST", setup, confirmation("garbage", "123456"));
}

TEST(NativeTotp, TheCodeThatConfirmed_LogsNobodyIn_T01) {
    auto who = with_no_factor();
    ASSERT_EQ(who.enrol_totp(5).status, 200u);
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);

    expect_error(who.complete_login(R"({"totp":")" + who.app.last() + "\"}"), 401,
                 "WRONG_TWO_FACTOR_CODE");
}

TEST(NativeTotp, ARecoveryCode_LogsInOnceWithStepUpAndKeepsTotpOn) {
    auto who = with_totp_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);

    const auto response = who.call("POST", recover, recovery(who.recovery_codes.at(2)));

    const auto body = expect_ok(response, recovered_shape);
    expect_shape(body.at("user").as_object(), principal_shape());
    const auto cookies = response.set_cookies();
    EXPECT_EQ(cookies.at("access_token"), text_in(body, "accessToken"));
    EXPECT_EQ(cookies.at("refresh_token"), text_in(body, "refreshToken"));
    EXPECT_EQ(cookies.at("step_up_token"), text_in(body, "stepUpToken"));
    EXPECT_EQ(cookies.at("two_factor_authentication_token"), "");
    EXPECT_EQ(who.read_methods(), std::vector<std::string>{"totp"});
    EXPECT_EQ(who.call("PUT", "/api/users/me", R"({"name":"Test Person"})").status, 200u);
    who.expect_mail("A Backup Code Was Used", 1);

    // Its pending login is over, and the code is gone (T-05).
    expect_error(who.call("POST", recover, recovery(who.recovery_codes.at(1))), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    expect_error(who.call("POST", recover, recovery(who.recovery_codes.at(2))), 401,
                 "WRONG_TOTP_RECOVERY_CODE");
    EXPECT_EQ(who.call("POST", recover, recovery(who.recovery_codes.at(1))).status, 200u);
}

TEST(NativeTotp, TheStepUpOfARecovery_AllowsChanges) {
    auto who = with_both();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    ASSERT_EQ(who.call("POST", recover, recovery(who.recovery_codes.at(0))).status, 200u);

    expect_principal(who.call("DELETE", "/api/auth/2fa/totp"), who);
}

TEST(NativeTotp, Recover_RefusesEachWrongThing) {
    auto who = with_totp_only();
    auto other = with_totp_only();
    auto mailer = with_email_only();
    for (auto* one : {&who, &other, &mailer}) {
        one->forget_tokens();
        ASSERT_EQ(one->log_in().status, 200u);
    }
    expect_error(who.call("POST", recover, recovery("AAAAAAAAAAA")), 401,
                 "WRONG_TOTP_RECOVERY_CODE");
    expect_error(who.call("POST", recover, recovery(other.recovery_codes.at(0))), 401,
                 "WRONG_TOTP_RECOVERY_CODE"); // T-25
    expect_error(who.call("POST", recover), 400, "INVALID_REQUEST");
    expect_error(who.call("POST", recover, R"({"code":5})"), 400, "INVALID_REQUEST");
    expect_error(who.call("POST", recover, R"({"code":"x","session":"y"})"), 400,
                 "INVALID_REQUEST");
    expect_error(mailer.call("POST", recover, recovery("AAAAAAAAAAA")), 400,
                 "TWO_FACTOR_METHOD_DISABLED");
    who.two_factor = "garbage";
    expect_error(who.call("POST", recover, recovery(who.recovery_codes.at(0))), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
    who.two_factor.clear();
    expect_error(who.call("POST", recover, recovery(who.recovery_codes.at(0))), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_MISSING");
}

} // namespace
} // namespace countersign::tests
