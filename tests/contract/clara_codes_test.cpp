// Codes by mail at the Clara family: sending them, activating an account, changing a password
// (contract section 1.3).
#include "tests/contract/clara.hpp"

namespace countersign::tests {
namespace {

std::string new_password(std::string_view password, std::string_view code) {
    return boost::json::serialize(boost::json::object{{"password", password}, {"code", code}});
}

std::string reset_code(clara_client& who) {
    EXPECT_EQ(who.ask_for_code("CHANGE_PASSWORD").status, 201u);
    return who.next_code("Reset your");
}

constexpr std::string_view changed = "User password changed successfully.";

TEST(ClaraSendOtp, EachType_MailsACodeOfItsPurpose) {
    auto who = newcomer();
    who.sign_up();
    (void)who.next_code("Confirm your");
    const struct {
        const char *type, *subject;
    } rows[] = {{"ACTIVATION", "Confirm your"},
                {"CHANGE_PASSWORD", "Reset your"},
                {"TWO_FACTOR_AUTH", "verification code"}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.type);
        const auto target = who.by_email("/otp/" + std::string(row.type));
        expect_success(who.as_client("POST", target), 201, "OTP sent successfully.");
        EXPECT_EQ(who.next_code(row.subject).size(), 6u);
        expect_success(who.as_administrator("POST", target), 201, "OTP sent successfully.");
        EXPECT_EQ(who.next_code(row.subject).size(), 6u);
    }
}

TEST(ClaraSendOtp, RefusesWhatItCannotSend) {
    auto who = active_user();
    for (const auto* type : {"two_factor_auth", "OTP", "TWO_FACTOR_AUTH%20"})
        expect_refusal(who.ask_for_code(type), 400, says_schema);
    for (const auto* unknown : {"nobody@example.org", "nobody", "a%0ab@c.de"})
        if (std::string_view(unknown).find("%0a") == std::string_view::npos)
            expect_refusal(
                who.as_client("POST", "/users/" + std::string(unknown) + "/otp/ACTIVATION"), 404,
                says_no_user);
    expect_refusal(who.as_user("POST", who.by_email("/otp/TWO_FACTOR_AUTH")), 401,
                   says_unauthenticated);
}

TEST(ClaraSendOtp, AnEncodedAddress_IsTheSame) {
    auto who = active_user();
    auto encoded = who.email;
    encoded.replace(encoded.find('@'), 1, "%40");
    expect_success(who.as_client("POST", "/users/" + encoded + "/otp/TWO_FACTOR_AUTH"), 201,
                   "OTP sent successfully.");
}

TEST(ClaraSendOtp, T17_TooSoon_IsRefusedAndTheMailedCodeStaysGood) {
    auto who = active_user(clara_world({{"policy.mail_cooldown", "60"}}));
    const auto code = who.two_factor_code();
    expect_too_often(who.ask_for_code("TWO_FACTOR_AUTH"), 60);
    expect_too_often(who.as_administrator("POST", who.by_email("/otp/TWO_FACTOR_AUTH")), 60);
    expect_success(who.as_user("POST", who.by_id("/2fa"), clara_code(code)), 200,
                   "User 2FA enabled successfully.");
}

TEST(ClaraSendOtp, ANewCode_ReplacesTheOld) {
    auto who = active_user();
    const auto first = who.two_factor_code();
    const auto second = who.two_factor_code();
    if (first != second) // one in a million
        expect_code_refused(who.as_user("POST", who.by_id("/2fa"), clara_code(first)));
    EXPECT_EQ(who.as_user("POST", who.by_id("/2fa"), clara_code(second)).status, 200u);
}

TEST(ClaraActivate, WithTheMailedCode_ShowsTheActiveUserWithoutAToken) {
    auto who = newcomer();
    who.sign_up();
    const auto code = who.next_code("Confirm your");

    const auto response = who.as_client("POST", who.by_email("/activate"), clara_code(code));

    expect_success(response, 200, "User activated successfully.", who.read());
    EXPECT_EQ(who.read().at("is_active"), true);
    expect_refusal(who.as_client("POST", who.by_email("/activate"), clara_code(code)), 401,
                   says_unauthenticated);
}

TEST(ClaraActivate, WithACodeThatWasAskedForAgain) {
    auto who = newcomer();
    who.sign_up();
    (void)who.next_code("Confirm your");
    ASSERT_EQ(who.ask_for_code("ACTIVATION").status, 201u);
    who.activate_now();
    EXPECT_EQ(who.read().at("is_active"), true);
}

TEST(ClaraActivate, RefusesEverythingElse) {
    auto who = newcomer();
    who.sign_up();
    const auto code = who.next_code("Confirm your");
    const auto send = [&](std::string_view body) {
        return who.as_client("POST", who.by_email("/activate"), body);
    };
    for (const auto* empty : {"", "{}"})
        expect_refusal(send(empty), 400, says_empty);
    for (const auto* malformed : {"{", R"({"codes":"1"})", R"({"code":null})", R"(["1"])"})
        expect_refusal(send(malformed), 400, says_schema);
    expect_refusal(send(clara_code(other_than(code))), 401, says_unauthenticated);
    expect_refusal(who.as_client("POST", "/users/nobody@example.org/activate", clara_code(code)),
                   404, says_no_user);
    expect_refusal(who.as_user("POST", who.by_email("/activate"), clara_code(code)), 401,
                   says_unauthenticated);
    EXPECT_EQ(who.read().at("is_active"), false);
    EXPECT_EQ(who.as_administrator("POST", who.by_email("/activate"), clara_code(code)).status,
              200u);
}

TEST(ClaraActivate, AnExpiredCode_IsRefused) {
    auto who = newcomer(clara_world({{"policy.mailed_code_life", "2"}}));
    who.sign_up();
    const auto code = who.next_code("Confirm your");
    wait_a_second();
    wait_a_second();
    expect_refusal(who.as_client("POST", who.by_email("/activate"), clara_code(code)), 401,
                   says_unauthenticated);
}

TEST(ClaraActivate, T10_AfterFiveWrongCodes_TheMailedOneIsDeadAndTheAccountIsNot) {
    auto who = newcomer();
    who.sign_up();
    const auto code = who.next_code("Confirm your");
    for (int count = 0; count < 5; ++count)
        expect_refusal(
            who.as_client("POST", who.by_email("/activate"), clara_code(other_than(code))), 401,
            says_unauthenticated);
    expect_refusal(who.as_client("POST", who.by_email("/activate"), clara_code(code)), 401,
                   says_unauthenticated);
    EXPECT_EQ(who.log_in().status, 200u);
    ASSERT_EQ(who.ask_for_code("ACTIVATION").status, 201u);
    who.activate_now();
}

TEST(ClaraChangePassword, WithAUserToken_EndsEveryOtherSession) {
    auto& home = clara_world();
    auto who = active_user(home);
    auto other = who;
    ASSERT_EQ(other.log_in().status, 200u);

    expect_success(who.as_user("PATCH", who.by_email("/password"),
                               new_password("another battery", reset_code(who))),
                   200, changed);

    EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    expect_refusal(other.as_user("GET", who.by_id()), 401, says_unauthenticated);
    expect_refusal(who.log_in(), 401, says_unauthenticated);
    who.password = "another battery";
    EXPECT_EQ(who.log_in().status, 200u);
    person reader(home);
    reader.email = who.email;
    reader.expect_mail("Your Password Was Changed", 1);
}

TEST(ClaraChangePassword, WithAnApiKey_EndsEverySession) {
    for (const auto key : {clara_public_key, clara_private_key}) {
        auto who = newcomer();
        who.sign_up(); // an inactive user may
        expect_success(who.call("PATCH", who.by_email("/password"), key,
                                new_password("another battery", reset_code(who))),
                       200, changed);
        expect_refusal(who.as_user("GET", who.by_id()), 401, says_unauthenticated);
        who.password = "another battery";
        EXPECT_EQ(who.log_in().status, 200u);
    }
}

TEST(ClaraChangePassword, T23_KeepsTheSecondFactor) {
    auto who = user_with_two_factor();
    ASSERT_EQ(who.as_client("PATCH", who.by_email("/password"),
                            new_password("another battery", reset_code(who)))
                  .status,
              200u);
    who.password = "another battery";
    expect_code_refused(who.log_in());
}

TEST(ClaraChangePassword, RefusesEverythingElse) {
    auto who = active_user();
    const auto code = reset_code(who);
    const auto send = [&](std::string_view body) {
        return who.as_user("PATCH", who.by_email("/password"), body);
    };
    for (const auto* empty : {"", "{}"})
        expect_refusal(send(empty), 400, says_empty);
    for (const auto& malformed :
         {std::string("{"), clara_code(code), std::string(R"({"password":"another battery"})"),
          std::string(R"({"password":12345678,"code":"123456"})"), new_password("1234567", code),
          new_password(std::string(129, 'x'), code)})
        expect_refusal(send(malformed), 400, says_schema);
    // Neither route's own words: a wrong code here says nothing of 2FA.
    expect_refusal(send(new_password("another battery", other_than(code))), 401,
                   says_unauthenticated);
    EXPECT_EQ(who.log_in().status, 200u);
    EXPECT_EQ(send(new_password("another battery", code)).status, 200u);
    // Used up: the same as never mailed.
    expect_refusal(send(new_password("third battery", code)), 400, says_schema);
}

TEST(ClaraChangePassword, OfAnother_IsForbiddenOrUnknown) {
    auto who = active_user();
    auto other = active_user();
    const auto body = new_password("another battery", reset_code(other));
    for (const auto& target :
         {other.by_email("/password"), std::string("/users/nobody@example.org/password"),
          std::string("/users/nobody/password")})
        expect_refusal(who.as_user("PATCH", target, body), 403, says_forbidden);
    for (const auto key : {clara_public_key, clara_private_key})
        expect_refusal(who.call("PATCH", "/users/nobody@example.org/password", key, body), 404,
                       says_no_user);
    EXPECT_EQ(other.log_in().status, 200u);
}

TEST(ClaraChangePassword, AnExpiredCode_IsRefused) {
    auto who = active_user(clara_world({{"policy.mailed_code_life", "2"}}));
    const auto code = reset_code(who);
    wait_a_second();
    wait_a_second();
    expect_refusal(
        who.as_user("PATCH", who.by_email("/password"), new_password("another battery", code)), 401,
        says_unauthenticated);
}

TEST(ClaraChangePassword, T10_AfterFiveWrongCodes_TheMailedOneIsDead) {
    auto who = active_user();
    const auto code = reset_code(who);
    const auto send = [&](const std::string& with) {
        return who.as_client("PATCH", who.by_email("/password"),
                             new_password("another battery", with));
    };
    for (int count = 0; count < 5; ++count)
        expect_refusal(send(other_than(code)), 401, says_unauthenticated);
    expect_refusal(send(code), 400, says_schema);
    EXPECT_EQ(who.log_in().status, 200u);
}

} // namespace
} // namespace countersign::tests
