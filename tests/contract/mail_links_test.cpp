// Links in mails: the proof of an address, and a forgotten password (contract section 3.4).
#include "tests/contract/world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

const std::string verification = "/api/auth/email/verification";
const std::string request_reset = "/api/auth/password/reset-request";
const std::string reset = "/api/auth/password/reset";
const shape cooldown_shape{{"cooldown", kind::number}};
const shape remaining_shape{{"remaining", kind::number}};
const shape success_shape{{"success", kind::boolean}};
const std::string better = R"({"newPassword":"Better-Horse-8"})";

std::string email_body(std::string_view address) {
    return boost::json::serialize(boost::json::object{{"email", address}});
}

std::string reset_token(person& who, std::size_t count = 1) {
    EXPECT_EQ(http_request(who.port, "POST", request_reset, {}, email_body(who.email)).status,
              200u);
    who.expect_mail("Reset your", count);
    const auto mails = mails_about(who.home->sink, who.email, "Reset your");
    return find_token(text_part(mails.back().data)).value();
}

TEST(NativeVerification, TheLink_VerifiesOnce) {
    person who(world::without_email_factor());
    ASSERT_EQ(who.register_account().status, 200u);
    const auto target = verification + "?token=" + mailed_token(who.home->sink, who.email);

    const auto body = expect_principal(http_request(who.port, "POST", target), who);

    EXPECT_EQ(body.at("emailVerified"), true);
    expect_not_modified(who, "POST", target);
    who.sign_in();
    EXPECT_EQ(json_of(who.call("GET", "/api/auth/status")).at("emailVerified"), true);
    expect_not_modified(who, "POST", verification + "/send");
}

TEST(NativeVerification, SentAgain_TheOldLinkIsDeadAndTheNewOneWorks) {
    person who(world::without_email_factor());
    ASSERT_EQ(who.register_account().status, 200u);
    const auto first = mailed_token(who.home->sink, who.email);
    who.sign_in();

    expect_ok(who.call("POST", verification + "/send?locale=de"), cooldown_shape);

    who.expect_mail("Bestätigen Sie Ihre E-Mail-Adresse", 1);
    const auto second = mailed_token(who.home->sink, who.email, 2);
    expect_error_at(http_request(who.port, "POST", verification + "?token=" + first), 401,
                    "EMAIL_VERIFICATION_TOKEN_INVALID", verification);
    expect_principal(http_request(who.port, "POST", verification + "?token=" + second), who);
}

TEST(NativeVerification, TheCooldown_IsSaidAndKept) {
    person who(
        world::with({{"policy.mail_cooldown", "60"}, {"policy.email_factor_by_default", "false"}}));
    ASSERT_EQ(who.register_account().status, 200u);
    who.sign_in();

    const auto remaining = expect_ok(who.call("GET", verification + "/cooldown"), remaining_shape)
                               .at("remaining")
                               .as_int64();
    const auto refused = who.call("POST", verification + "/send");

    EXPECT_GE(remaining, 50);
    EXPECT_LE(remaining, 60);
    expect_error_at(refused, 429, "EMAIL_COOLDOWN_ACTIVE", verification + "/send");
    EXPECT_TRUE(refused.header("Retry-After"));
    expect_principal(
        http_request(who.port, "POST",
                     verification + "?token=" + mailed_token(who.home->sink, who.email)),
        who);
}

TEST(NativeVerification, RefusesEachWrongToken) {
    auto who = with_no_factor();
    const auto verify = [&](const std::string& query) {
        return http_request(who.port, "POST", verification + query);
    };
    expect_error_at(verify(""), 401, "EMAIL_VERIFICATION_TOKEN_MISSING", verification);
    expect_error(verify("?token="), 401, "EMAIL_VERIFICATION_TOKEN_MISSING");
    expect_error(verify("?token=garbage"), 401, "EMAIL_VERIFICATION_TOKEN_INVALID");
    expect_error(verify("?token=" + who.access), 401, "EMAIL_VERIFICATION_TOKEN_INVALID");
    expect_error(verify("?token=" + reset_token(who)), 401, "EMAIL_VERIFICATION_TOKEN_INVALID");

    person late(world::with({{"tokens.email_verification", "1"}}));
    ASSERT_EQ(late.register_account().status, 200u);
    const auto token = mailed_token(late.home->sink, late.email);
    wait_a_second();
    expect_error(http_request(late.port, "POST", verification + "?token=" + token), 401,
                 "EMAIL_VERIFICATION_TOKEN_EXPIRED");
}

TEST(NativePasswordReset, EndsAllSessionsAndStillAsksForTheSecondFactor_T23) {
    auto who = with_both();
    const auto token = reset_token(who);

    const auto response = http_request(who.port, "POST", reset + "?token=" + token, {}, better);

    expect_ok(response, success_shape);
    EXPECT_TRUE(response.set_cookies().empty()) << "a reset logs nobody in";
    expect_error(who.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
    expect_error(http_request(who.port, "POST", "/api/auth/refresh",
                              {{"Authorization", "Bearer " + who.refresh}}),
                 401, "REFRESH_TOKEN_INVALID");
    who.expect_mail("Your Password Was Changed", 1);
    who.forget_tokens();
    expect_error(who.log_in(), 401, "INVALID_CREDENTIALS");
    who.password = "Better-Horse-8";
    EXPECT_EQ(json_of(who.log_in()).at("twoFactorRequired"), true);
    EXPECT_EQ(who.complete_login(R"({"totp":")" + who.app.next() + "\"}").status, 200u);
    EXPECT_EQ(who.read_methods(), (std::vector<std::string>{"totp", "email"}));
    // The link works once (T-06).
    expect_error_at(http_request(who.port, "POST", reset + "?token=" + token, {}, better), 401,
                    "PASSWORD_RESET_TOKEN_INVALID", reset);
}

TEST(NativePasswordReset, AnUnknownAddress_IsAnsweredAlike) {
    auto who = with_email_only(
        world::with({{"policy.mail_cooldown", "60"}, {"policy.email_factor_by_default", "false"}}));
    for (const auto& email : {who.email, native_client::fresh_email()}) {
        const auto ask = [&] {
            return http_request(who.port, "POST", request_reset, {}, email_body(email));
        };
        const auto cooldown_target = reset + "/cooldown?email=" + email;
        EXPECT_EQ(expect_ok(http_request(who.port, "GET", cooldown_target), remaining_shape)
                      .at("remaining"),
                  0);
        EXPECT_EQ(expect_ok(ask(), cooldown_shape).at("cooldown"), 60);
        const auto refused = ask();
        expect_error_at(refused, 429, "EMAIL_COOLDOWN_ACTIVE", request_reset);
        EXPECT_TRUE(refused.header("Retry-After"));
        EXPECT_GE(expect_ok(http_request(who.port, "GET", cooldown_target), remaining_shape)
                      .at("remaining")
                      .as_int64(),
                  50);
    }
}

TEST(NativePasswordReset, RefusesEachWrongThing) {
    auto who = with_no_factor();
    const auto token = reset_token(who);
    const auto attempt = [&](const std::string& query, const std::string& body) {
        return http_request(who.port, "POST", reset + query, {}, body);
    };
    expect_error_at(attempt("", better), 401, "PASSWORD_RESET_TOKEN_MISSING", reset);
    expect_error(attempt("?token=garbage", better), 401, "PASSWORD_RESET_TOKEN_INVALID");
    expect_error(attempt("?token=" + who.access, better), 401, "PASSWORD_RESET_TOKEN_INVALID");
    expect_error(attempt("?token=" + token, R"({"newPassword":"weak"})"), 400, "INVALID_REQUEST");
    expect_error(attempt("?token=" + token, ""), 400, "INVALID_REQUEST");
    expect_error(attempt("?token=" + token + "&locale=%20", better), 400, "INVALID_REQUEST");
    const auto next = reset_token(who, 2);
    expect_error(attempt("?token=" + token, better), 401, "PASSWORD_RESET_TOKEN_INVALID");
    expect_ok(attempt("?token=" + next, better), success_shape);

    for (const auto* body : {"{}", R"({"email":"nobody"})", ""})
        expect_error(http_request(who.port, "POST", request_reset, {}, body), 400,
                     "INVALID_REQUEST");
    expect_error(http_request(who.port, "GET", reset + "/cooldown"), 400, "INVALID_REQUEST");

    auto gone = with_no_factor();
    const auto orphan = reset_token(gone);
    ASSERT_EQ(gone.call("DELETE", "/api/users/me").status, 200u);
    expect_error(attempt("?token=" + orphan, better), 401, "PASSWORD_RESET_TOKEN_INVALID");
}

TEST(NativePasswordReset, ALinkAfterItsLife_SaysExpired) {
    auto who = with_email_only(
        world::with({{"tokens.password_reset", "1"}, {"policy.email_factor_by_default", "false"}}));
    const auto token = reset_token(who);
    wait_a_second();
    expect_error(http_request(who.port, "POST", reset + "?token=" + token, {}, better), 401,
                 "PASSWORD_RESET_TOKEN_EXPIRED");
}

} // namespace
} // namespace countersign::tests
