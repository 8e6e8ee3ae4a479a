// The authenticator app and its backup codes: /api/auth/mfa/* but the login (contract sections 2.3
// and 2.5).
#include "tests/contract/slugbase_world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <regex>

namespace countersign::tests {
namespace {

const std::string mfa = "/api/auth/mfa";
constexpr std::string_view added = "New Two-Factor Authentication Method Added";
constexpr std::string_view removed = "Two-Factor Authentication Method Removed";

void expect_ok_true(const http_response& response) {
    expect_reply(response, 200, R"({"ok":true})");
}

void expect_enabled_already(const http_response& response) {
    expect_refusal(response, 409, "MFA is already enabled", "MFA_ALREADY_ENABLED");
}

void expect_nothing_pending(const http_response& response) {
    expect_refusal(response, 400, "No enrollment in progress", "MFA_NO_PENDING");
}

std::size_t mails_about(const slugbase_client& who, std::string_view subject) {
    person reader(slugbase_world());
    reader.email = who.email;
    return tests::mails_about(slugbase_world().sink, who.email, subject).size();
}

void expect_mail(const slugbase_client& who, std::string_view subject, std::size_t count) {
    person reader(slugbase_world());
    reader.email = who.email;
    reader.expect_mail(subject, count);
}

TEST(SlugbaseEnrolment, BeginAndConfirm_TurnMfaOn) {
    auto who = slugbase_person();
    expect_reply(who.call("GET", mfa + "/status"), 200, R"({"enabled":false,"enrolled_at":null})");

    const auto begun = who.begin_enrolment();

    const auto material = expect_ok(begun, {{"otpauth_url", kind::text}, {"secret", kind::text}});
    const auto secret = text_in(material, "secret");
    EXPECT_TRUE(std::regex_match(secret, std::regex("[A-Z2-7]{32}"))) << "160 bits (T-36)";
    const auto uri = text_in(material, "otpauth_url");
    EXPECT_TRUE(uri.starts_with("otpauth://totp/Countersign:")) << uri;
    EXPECT_NE(uri.find("secret=" + secret), std::string::npos) << uri;
    EXPECT_NE(uri.find("issuer=Countersign"), std::string::npos) << uri;
    expect_reply(who.call("GET", mfa + "/status"), 200, R"({"enabled":false,"enrolled_at":null})");

    expect_backup_codes(who.confirm_enrolment(who.app.next()));

    const auto status = expect_ok(who.call("GET", mfa + "/status"),
                                  {{"enabled", kind::boolean}, {"enrolled_at", kind::text}});
    EXPECT_TRUE(status.at("enabled").as_bool());
    EXPECT_TRUE(std::regex_match(text_in(status, "enrolled_at"),
                                 std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
    expect_mail(who, added, 1);
}

TEST(SlugbaseEnrolment, NeedsNoBody) {
    auto who = slugbase_person();
    EXPECT_EQ(who.call("POST", mfa + "/enroll/begin").status, 200u);
    expect_ok_true(who.call("POST", mfa + "/enroll/cancel"));
}

TEST(SlugbaseEnrolment, BegunAgain_ForgetsTheFirstSecret_T35) {
    auto who = slugbase_person();
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    auto first = who.app;
    ASSERT_EQ(who.begin_enrolment().status, 200u);

    expect_refusal(who.confirm_enrolment(first.next()), 400, "Invalid code", "INVALID_CODE");
    expect_backup_codes(who.confirm_enrolment(who.app.next()));
}

TEST(SlugbaseEnrolment, Unconfirmed_GatesNothing_T38) {
    auto who = slugbase_person();
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    auto again = who.elsewhere();
    ASSERT_EQ(again.log_in().status, 200u);
    EXPECT_TRUE(again.cookies.contains("slugbase.sid"));
}

TEST(SlugbaseEnrolment, Cancelled_IsForgotten_AsOftenAsAsked) {
    auto who = slugbase_person();
    expect_ok_true(who.call("POST", mfa + "/enroll/cancel", "{}"));
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    expect_ok_true(who.call("POST", mfa + "/enroll/cancel", "{}"));
    expect_ok_true(who.call("POST", mfa + "/enroll/cancel", "{}"));
    expect_nothing_pending(who.confirm_enrolment(who.app.next()));
}

TEST(SlugbaseEnrolment, Confirm_RefusesInTheContractsOrder) {
    auto who = slugbase_person();
    const auto confirm = mfa + "/enroll/confirm";
    for (const auto* body : {"", "{}", R"({"code":""})", R"({"code":null})", R"({"code":"  "})"})
        expect_refusal(who.call("POST", confirm, body), 400, "Code is required");
    expect_bad_request(who.call("POST", confirm, R"({"code":true})"), "code");
    expect_bad_request(who.call("POST", confirm, "[]"), "body");
    expect_nothing_pending(who.call("POST", confirm, proof_body("123456")));

    ASSERT_EQ(who.begin_enrolment().status, 200u);
    const auto good = who.app.next();
    for (const auto& code : {who.app.wrong(), good.substr(1), good + "0"})
        expect_refusal(who.confirm_enrolment(code), 400, "Invalid code", "INVALID_CODE");
    EXPECT_FALSE(who.mfa_is_on());
    expect_backup_codes(who.confirm_enrolment(" " + good.substr(0, 3) + " " + good.substr(3)));

    expect_refusal(who.call("POST", confirm, "{}"), 400, "Code is required");
    expect_enabled_already(who.confirm_enrolment(who.app.next()));
}

TEST(SlugbaseEnrolment, WithMfaOn_IsAConflict) {
    auto who = slugbase_person_with_mfa();
    expect_enabled_already(who.call("POST", mfa + "/enroll/begin", "{}"));
    expect_enabled_already(who.call("POST", mfa + "/enroll/cancel", "{}"));
    EXPECT_TRUE(who.mfa_is_on());
}

TEST(SlugbaseEnrolment, Confirm_EndsEveryOtherSession_T33) {
    auto who = slugbase_person();
    auto other = who.elsewhere();
    other.sign_in();

    who.enrol(slugbase_window);

    expect_unauthorized(other.call("GET", "/api/auth/me"));
    EXPECT_EQ(who.call("GET", "/api/auth/me").status, 200u) << "it has just proved the factor";
}

TEST(SlugbaseEnrolment, OfAnotherSession_IsNotConfirmed_T35) {
    auto who = slugbase_person();
    auto other = who.elsewhere();
    other.sign_in();
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    expect_nothing_pending(other.confirm_enrolment(who.app.next()));
    EXPECT_FALSE(who.mfa_is_on());
}

TEST(SlugbaseEnrolment, TooOld_IsGone) {
    auto who = slugbase_person(slugbase_world({{"tokens.totp_setup", "1"}}));
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    wait_a_second();
    expect_nothing_pending(who.confirm_enrolment(who.app.next()));
}

TEST(SlugbaseEnrolment, TheNativeFamilyCannotConfirmItWithABadToken) {
    person native(slugbase_world());
    native.sign_up();
    native.sign_in();
    native.step_up_now();
    slugbase_client who{.port = native.port, .email = native.email};
    who.bearer = native.access;
    who.window = slugbase_window;
    ASSERT_EQ(who.begin_enrolment().status, 200u);

    for (const auto* token : {"", "garbage"})
        expect_error(native.call("POST", "/api/auth/2fa/totp/setup",
                                 boost::json::serialize(boost::json::object{
                                     {"token", token}, {"code", who.app.next()}})),
                     401, *token == 0 ? "TOTP_SETUP_TOKEN_MISSING" : "TOTP_SETUP_TOKEN_INVALID");
    EXPECT_TRUE(native.read_methods().empty());
}

TEST(SlugbaseDisable, WithTheAppsCodeAndThePassword_TurnsMfaOff) {
    auto who = slugbase_person_with_mfa();
    auto other = half_logged_in(who);
    ASSERT_EQ(other.verify(who.app.next()).status, 200u);

    expect_ok_true(who.disable(who.app.next()));

    EXPECT_FALSE(who.mfa_is_on());
    expect_mail(who, removed, 1);
    EXPECT_EQ(other.call("GET", "/api/auth/me").status, 200u) << "sessions stay";
    // The backup codes went with the app.
    who.enrol(slugbase_window);
    expect_refusal(who.disable(other.backup_codes.at(0)), 400, "Invalid code", "INVALID_CODE");
}

TEST(SlugbaseDisable, WithABackupCode_TurnsMfaOff) {
    auto who = slugbase_person_with_mfa();
    expect_ok_true(who.disable(who.backup_codes.at(7)));
    EXPECT_FALSE(who.mfa_is_on());
    expect_mail(who, removed, 1);
}

// Disable and regenerate ask for the same, in the same order.
class SlugbaseProof : public testing::TestWithParam<const char*> {
protected:
    std::string path = mfa + GetParam();
};

TEST_P(SlugbaseProof, RefusesInTheContractsOrder) {
    auto who = slugbase_person();
    const auto send = [&](const std::string& body) { return who.call("POST", path, body); };
    auto guest = who.elsewhere();
    expect_unauthorized(guest.call("POST", path, "{}"));

    // Code present? Whatever else is missing.
    for (const auto* body : {"", "{}", R"({"code":""})", R"({"code":null,"password":"x"})"})
        expect_refusal(send(body), 400, "Code is required");
    expect_bad_request(send(R"({"code":{}})"), "code");
    expect_bad_request(send(R"({"code":"123456","password":7})"), "password");
    expect_bad_request(send("{"), "body");
    // Enabled?
    expect_refusal(send(proof_body("123456")), 400, "MFA is not enabled", "MFA_NOT_ENABLED");
    expect_refusal(send(proof_body("123456", "Wrong-Horse-7")), 400, "MFA is not enabled",
                   "MFA_NOT_ENABLED");
    who.enrol(slugbase_window);
    // Password required?
    for (const auto& body :
         {proof_body(who.app.wrong()), R"({"code":")" + who.app.wrong() + R"(","password":""})",
          R"({"code":")" + who.app.wrong() + R"(","password":null})"})
        expect_refusal(send(body), 400, "Password is required", "PASSWORD_REQUIRED");
    // Password right?
    const auto unused = who.app.next();
    for (const auto& code : {who.app.wrong(), unused})
        expect_refusal(send(proof_body(code, "Wrong-Horse-7")), 401, "Invalid password",
                       "INVALID_PASSWORD");
    // Code valid?
    expect_refusal(send(proof_body(who.app.wrong(), who.password)), 400, "Invalid code",
                   "INVALID_CODE");
    EXPECT_TRUE(who.mfa_is_on());
    EXPECT_EQ(mails_about(who, removed), 0u);
    EXPECT_EQ(send(proof_body(unused, who.password)).status, 200u) << "it was not used up";
}

TEST_P(SlugbaseProof, TheMailedCode_IsNoProof) {
    auto& home = slugbase_world({{"policy.email_factor_by_default", "true"}});
    person native(home);
    native.sign_up();
    slugbase_client who{.port = native.port, .email = native.email, .window = slugbase_window};
    ASSERT_EQ(who.log_in().status, 200u);
    ASSERT_EQ(who.verify(native.next_mailed_code()).status, 200u);
    who.take_csrf_token();
    who.enrol(slugbase_window);
    native.app = who.app;
    native.sign_in();
    ASSERT_EQ(native.call("POST", "/api/auth/2fa/email/send").status, 200u);

    expect_refusal(who.call("POST", path, proof_body(native.next_mailed_code(), who.password)), 400,
                   "Invalid code", "INVALID_CODE");
}

TEST_P(SlugbaseProof, ACodeThatCounted_NeverCountsAgain_T01) {
    auto who = slugbase_person_with_mfa();
    expect_refusal(who.call("POST", path, proof_body(who.app.last(), who.password)), 400,
                   "Invalid code", "INVALID_CODE");
}

INSTANTIATE_TEST_SUITE_P(Routes, SlugbaseProof, testing::Values("/disable", "/backup/regenerate"),
                         [](const auto& row) {
                             return std::string(row.param) == "/disable" ? "Disable" : "Regenerate";
                         });

TEST(SlugbaseRegenerate, ReplacesEveryBackupCode) {
    auto who = slugbase_person_with_mfa();
    const auto old = who.backup_codes;

    expect_backup_codes(who.regenerate(who.app.next()));

    for (const auto& code : old)
        EXPECT_EQ(std::ranges::count(who.backup_codes, code), 0);
    expect_refusal(half_logged_in(who).verify(old.at(0)), 401, "Invalid code", "INVALID_CODE");
    expect_user(half_logged_in(who).verify(who.backup_codes.at(0)), who);
    expect_mail(who, "Codes for Your Account", 1);
}

TEST(SlugbaseRegenerate, TakesABackupCodeAsProof) {
    auto who = slugbase_person_with_mfa();
    expect_backup_codes(who.regenerate(who.backup_codes.at(9)));
}

TEST(SlugbaseDisable, WhereASecondFactorIsRequired_TheLastOneStays) {
    auto& home = slugbase_world({{"policy.require_second_factor", "true"}});
    auto who = slugbase_person_with_mfa(home);
    expect_refusal(who.disable(who.app.next()), 403, "Two-factor authentication is required",
                   "MFA_REQUIRED");
    EXPECT_TRUE(who.mfa_is_on());
    expect_backup_codes(who.regenerate(who.app.next()));
}

TEST(SlugbaseMfa, AnApiToken_DoesAllOfIt) {
    auto who = slugbase_person();
    auto program = who.elsewhere();
    program.bearer = who.make_api_token();

    program.enrol(slugbase_window);

    expect_unauthorized(who.call("GET", "/api/auth/me")); // every session is below the new level
    EXPECT_TRUE(program.mfa_is_on());
    expect_backup_codes(program.regenerate(program.app.next()));
    expect_ok_true(program.disable(program.app.next()));
    expect_ok_true(program.call("POST", mfa + "/enroll/cancel", "{}"));
}

} // namespace
} // namespace countersign::tests
