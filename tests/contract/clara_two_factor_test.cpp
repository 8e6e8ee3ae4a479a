// Enabling and disabling 2FA at the Clara family (seed pages "Enable 2FA" and "Disable 2FA";
// contract section 1.4).
#include "tests/contract/clara.hpp"

#include <boost/json/parse.hpp>

#include <array>
#include <cstdio>
#include <memory>

namespace countersign::tests {
namespace {

// What the shell prints for a command line.
std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string output;
    std::array<char, 4096> part{};
    while (pipe && std::fgets(part.data(), part.size(), pipe.get()) != nullptr)
        output += part.data();
    return output;
}

// The request examples of the two pages, with this server, this user and this code in them.
std::string seed_enable(const clara_client& who, const std::string& code) {
    return "curl --silent --show-error --write-out '\\n%{http_code}' "
           "--location --request POST 'http://127.0.0.1:" +
           std::to_string(who.port) + "/api/v1/users/" + who.id +
           "/2fa' \\\n"
           "--header 'Authorization: Bearer " +
           who.token +
           "' \\\n"
           "--header 'Content-Type: application/json' \\\n"
           "--data-raw '{\n  \"code\": \"" +
           code + "\"\n}'";
}

std::string seed_disable(const clara_client& who, const std::string& data) {
    return "curl --silent --show-error --write-out '\\n%{http_code}' "
           "--location -g --request DELETE 'http://127.0.0.1:" +
           std::to_string(who.port) + "/api/v1/users/" + who.id +
           "/2fa' \\\n"
           "--header 'Authorization: Bearer " +
           who.token +
           "' \\\n"
           "--header 'Content-Type: application/json'" +
           data;
}

boost::json::value before_status(const std::string& output) {
    return boost::json::parse(output.substr(0, output.rfind('\n')));
}

TEST(ClaraTwoFactor, TheSeedsCommandLines_GetTheSeedsReplies) {
    auto who = active_user();

    const auto enabled = output_of(seed_enable(who, who.two_factor_code()));
    EXPECT_EQ(enabled.substr(enabled.rfind('\n') + 1), "200");
    EXPECT_EQ(before_status(enabled), boost::json::parse(R"({
  "data": null,
  "message": "User 2FA enabled successfully.",
  "status": "success"
})"));
    EXPECT_EQ(who.read().at("is_2fa_enabled"), true);

    const auto empty = output_of(seed_disable(who, ""));
    EXPECT_EQ(empty.substr(empty.rfind('\n') + 1), "400");
    EXPECT_EQ(before_status(empty), boost::json::parse(R"({
    "data": null,
    "message": "Request body is empty.",
    "status": "error"
})"));

    const auto code = who.two_factor_code();
    EXPECT_EQ(output_of(seed_disable(who, " \\\n--data-raw '{\n  \"code\": \"" + code + "\"\n}'")),
              "\n204");
    EXPECT_EQ(who.read().at("is_2fa_enabled"), false);
}

TEST(ClaraTwoFactor, TheWholeJourney_ByMailAlone) {
    auto& home = clara_world();
    auto who = newcomer(home);
    person reader(home); // who counts mails
    reader.email = who.email;
    who.sign_up();
    expect_refusal(who.as_user("POST", who.by_id("/2fa"), clara_code("123456")), 401,
                   says_inactive);
    expect_refusal(who.as_user("POST", "/users/nobody/2fa"), 401, says_inactive);
    who.activate_now();

    expect_success(who.as_user("POST", who.by_id("/2fa"), clara_code(who.two_factor_code())), 200,
                   "User 2FA enabled successfully.");
    reader.expect_mail("New Two-Factor Authentication Method Added", 1);

    expect_code_refused(who.log_in());
    const auto code = who.two_factor_code();
    auto second = who;
    EXPECT_EQ(second.log_in_with(code).status, 200u);
    expect_code_refused(who.log_in_with(code));
    EXPECT_EQ(second.as_user("GET", second.by_id()).status, 200u);

    expect_no_content(
        second.as_user("DELETE", who.by_id("/2fa"), clara_code(who.two_factor_code())));
    reader.expect_mail("Two-Factor Authentication Method Removed", 1);
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(ClaraTwoFactor, EnablingAndDisabling_MindNotHowItWas) {
    auto who = active_user();
    const auto switch_by = [&](std::string_view method) {
        return who.as_user(method, who.by_id("/2fa"), clara_code(who.two_factor_code()));
    };
    expect_no_content(switch_by("DELETE"));
    for (int times = 0; times < 2; ++times)
        expect_success(switch_by("POST"), 200, "User 2FA enabled successfully.");
    EXPECT_EQ(who.read().at("is_2fa_enabled"), true);
    for (int times = 0; times < 2; ++times)
        expect_no_content(switch_by("DELETE"));
    EXPECT_EQ(who.read().at("is_2fa_enabled"), false);
    person reader(clara_world());
    reader.email = who.email;
    reader.expect_mail("New Two-Factor Authentication Method Added", 1);
    reader.expect_mail("Two-Factor Authentication Method Removed", 1);
}

TEST(ClaraTwoFactor, T33_Enabling_EndsEveryOtherSessionAndKeepsItsOwn) {
    auto who = active_user();
    auto other = who;
    ASSERT_EQ(other.log_in().status, 200u);
    auto native = who.as_native();
    ASSERT_EQ(native.log_in().status, 200u);
    ASSERT_EQ(native.call("GET", "/api/users/me").status, 200u);

    who.enable_two_factor();

    EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    expect_refusal(other.as_user("GET", who.by_id()), 401, says_unauthenticated);
    EXPECT_EQ(native.call("GET", "/api/users/me").status, 401u);
}

TEST(ClaraTwoFactor, T33_EnablingWithThePrivateKey_EndsEverySession) {
    auto who = active_user();
    expect_success(
        who.as_administrator("POST", who.by_id("/2fa"), clara_code(who.two_factor_code())), 200,
        "User 2FA enabled successfully.");
    expect_refusal(who.as_user("GET", who.by_id()), 401, says_unauthenticated);
}

TEST(ClaraTwoFactor, Disabling_EndsNoSession) {
    auto who = user_with_two_factor();
    auto other = who;
    ASSERT_EQ(other.log_in_with(who.two_factor_code()).status, 200u);
    expect_no_content(who.as_user("DELETE", who.by_id("/2fa"), clara_code(who.two_factor_code())));
    EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    EXPECT_EQ(other.as_user("GET", who.by_id()).status, 200u);
}

// Both routes, with each body that is not a right code.
TEST(ClaraTwoFactor, ABodyWithoutARightCode_IsRefusedInTheContractsWords) {
    auto who = active_user();
    const auto right = who.two_factor_code();
    for (const auto* method : {"POST", "DELETE"}) {
        SCOPED_TRACE(method);
        const auto send = [&](std::string_view body) {
            return who.as_user(method, who.by_id("/2fa"), body);
        };
        for (const auto* empty : {"", "{}", "null"})
            expect_refusal(send(empty), 400, says_empty);
        for (const auto* malformed :
             {"{", "not json", R"({"code":)", R"(["123456"])", R"("123456")", R"({"codes":"1"})",
              R"({"code":null})", R"({"code":true})", R"({"code":["123456"]})", R"({"code":12345})",
              R"({"code":-123456})", R"({"code":123456.5})"})
            expect_refusal(send(malformed), 400, says_schema);
        expect_code_refused(send(clara_code(other_than(right))));
        expect_code_refused(send(clara_code("")));
    }
    // None of it has used the code up, or paused the account.
    expect_success(who.as_user("POST", who.by_id("/2fa"), clara_code(right)), 200,
                   "User 2FA enabled successfully.");
}

TEST(ClaraTwoFactor, ABodyThatIsNoJson_CountsAsNone) {
    auto who = active_user();
    const auto response = http_request(
        who.port, "POST", "/api/v1" + who.by_id("/2fa"),
        {{"Authorization", who.bearer()}, {"Content-Type", "application/x-www-form-urlencoded"}},
        "code=123456");
    expect_refusal(response, 400, says_empty);
}

TEST(ClaraTwoFactor, WithoutAMailedCode_NoCodeIsRight) {
    auto who = active_user();
    expect_code_refused(who.as_user("POST", who.by_id("/2fa"), clara_code("123456")));
    expect_code_refused(who.as_user("DELETE", who.by_id("/2fa"), clara_code("123456")));
}

TEST(ClaraTwoFactor, ACodeAsANumber_IsTakenWhereItHasAllItsDigits) {
    auto who = active_user();
    std::string code;
    do // one code in ten begins with a zero, which a number cannot say
        code = who.two_factor_code();
    while (code.front() == '0');
    expect_success(who.as_user("POST", who.by_id("/2fa"), R"({"code":)" + code + "}"), 200,
                   "User 2FA enabled successfully.");
}

TEST(ClaraTwoFactor, AnExpiredCode_IsRefusedWithTheSameData) {
    auto who = active_user(clara_world({{"policy.mailed_code_life", "2"}}));
    const auto code = who.two_factor_code();
    wait_a_second();
    wait_a_second();
    for (const auto* method : {"POST", "DELETE"})
        expect_code_refused(who.as_user(method, who.by_id("/2fa"), clara_code(code)));
}

TEST(ClaraTwoFactor, ACode_IsGoodOnce) {
    auto who = active_user();
    const auto code = clara_code(who.two_factor_code());
    ASSERT_EQ(who.as_user("POST", who.by_id("/2fa"), code).status, 200u);
    expect_code_refused(who.as_user("DELETE", who.by_id("/2fa"), code));
    EXPECT_EQ(who.read().at("is_2fa_enabled"), true);
}

TEST(ClaraTwoFactor, ACodeOfAnotherPurpose_IsWrong) {
    auto who = active_user();
    ASSERT_EQ(who.ask_for_code("CHANGE_PASSWORD").status, 201u);
    expect_code_refused(
        who.as_user("POST", who.by_id("/2fa"), clara_code(who.next_code("Reset your"))));
}

TEST(ClaraTwoFactor, AnotherUsersAccount_IsForbiddenBeforeTheBodyIsLookedAt) {
    auto who = active_user();
    auto other = active_user();
    const auto code = clara_code(other.two_factor_code());
    for (const auto* method : {"POST", "DELETE"}) {
        for (const auto& body : {std::string(), std::string("{"), code})
            expect_refusal(who.as_user(method, other.by_id("/2fa"), body), 403, says_forbidden);
        expect_refusal(who.as_user(method, "/users/user_00000000000000000000000000000000/2fa"), 403,
                       says_forbidden);
    }
    EXPECT_EQ(other.read().at("is_2fa_enabled"), false);
}

TEST(ClaraTwoFactor, ThePrivateKey_ActsOnAnyUserAndIsToldOfNone) {
    auto who = newcomer();
    who.sign_up(); // not even active
    for (const auto* method : {"POST", "DELETE"})
        for (const auto* unknown : {"/users/user_00000000000000000000000000000000/2fa",
                                    "/users/nobody/2fa", "/users/a%7Cb/2fa"})
            for (const auto* body : {"", R"({"code":"123456"})"})
                expect_refusal(who.as_administrator(method, unknown, body), 404, says_no_user);
    expect_refusal(who.as_administrator("POST", who.by_id("/2fa")), 400, says_empty);
    expect_success(
        who.as_administrator("POST", who.by_id("/2fa"), clara_code(who.two_factor_code())), 200,
        "User 2FA enabled successfully.");
    expect_no_content(
        who.as_administrator("DELETE", who.by_id("/2fa"), clara_code(who.two_factor_code())));
}

TEST(ClaraTwoFactor, AUserWithoutBothNames_MustActivateFirst) {
    auto& home = clara_world();
    person native(home); // registered natively with the name "Prince"
    ASSERT_EQ(http_request(native.port, "POST", "/api/auth/register", {},
                           R"({"email":")" + native.email +
                               R"(","password":"Correct-Horse-7","name":"Prince"})")
                  .status,
              200u);
    const auto link = mailed_token(home.sink, native.email);
    ASSERT_EQ(native.call("POST", "/api/auth/email/verification?token=" + link).status, 200u);
    clara_client who(native.port, home.sink);
    who.email = native.email;
    who.password = native.password;
    ASSERT_EQ(who.log_in_with(who.two_factor_code()).status, 200u);

    for (const auto* method : {"POST", "DELETE"})
        expect_refusal(who.as_user(method, who.by_id("/2fa"), clara_code("123456")), 401,
                       says_inactive);
    ASSERT_EQ(who.as_user("PATCH", who.by_id(), R"({"last_name":"Nelson"})").status, 200u);
    expect_no_content(who.as_user("DELETE", who.by_id("/2fa"), clara_code(who.two_factor_code())));
}

TEST(ClaraTwoFactor, WherePolicyAsksForAFactor_TheLastOneStays) {
    auto who = user_with_two_factor(clara_world({{"policy.require_second_factor", "true"}}));
    expect_refusal(who.as_user("DELETE", who.by_id("/2fa"), clara_code(who.two_factor_code())), 403,
                   says_forbidden);
    EXPECT_EQ(who.read().at("is_2fa_enabled"), true);
}

TEST(ClaraTwoFactor, T14_Misses_CountTogetherWithTheNativeFamilys) {
    auto who = user_with_two_factor();
    auto native = who.as_native();
    ASSERT_EQ(native.log_in().status, 200u); // half-way: a code was mailed
    const auto code = who.next_code("verification code");
    const auto wrong = other_than(code);

    expect_code_refused(who.as_user("DELETE", who.by_id("/2fa"), clara_code(wrong)));
    expect_code_refused(who.log_in_with(wrong));
    EXPECT_EQ(native.complete_login(R"({"email":")" + wrong + "\"}").status, 401u);
    EXPECT_EQ(native.complete_login(R"({"email":")" + wrong + "\"}").status, 401u);
    expect_code_refused(who.as_administrator("POST", who.by_id("/2fa"), clara_code(wrong)));

    // Five in a row: nothing is evaluated any more, not even what is right.
    expect_too_often(who.as_user("POST", who.by_id("/2fa"), clara_code(code)), 30);
    expect_too_often(who.as_user("DELETE", who.by_id("/2fa"), clara_code(code)), 30);
    expect_too_often(who.as_administrator("DELETE", who.by_id("/2fa"), clara_code(code)), 30);
    expect_too_often(who.log_in_with(code), 30);
    expect_too_often(who.as_client("POST", who.by_email("/activate"), clara_code(code)), 30);
    expect_too_often(who.as_client("PATCH", who.by_email("/password"),
                                   R"({"password":"another horse","code":")" + code + "\"}"),
                     30);
    const auto refused = native.complete_login(R"({"email":")" + code + "\"}");
    EXPECT_EQ(refused.status, 429u);
    EXPECT_EQ(code_of(refused), "USER_RATE_LIMIT_EXCEEDED");
}

} // namespace
} // namespace countersign::tests
