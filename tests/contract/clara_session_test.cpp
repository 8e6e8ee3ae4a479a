// Registering, logging in and out at the Clara family (contract sections 1.3 and 1.4).
#include "tests/contract/clara.hpp"

#include "core/crypto/encoding.hpp"
#include "core/text.hpp"

#include <boost/json/parse.hpp>

#include <regex>
#include <vector>

namespace countersign::tests {
namespace {

std::string registration(boost::json::object changes) {
    boost::json::object body{{"first_name", "Ada"},
                             {"last_name", "Lovelace"},
                             {"email", native_client::fresh_email()},
                             {"password", "correct horse battery"}};
    for (const auto& [name, value] : changes) {
        if (value.is_null())
            body.erase(name);
        else
            body[name] = value;
    }
    return boost::json::serialize(body);
}

// The user object and `token`, as registration and login give them; returns the object.
boost::json::object expect_user_with_token(const http_response& response, unsigned status,
                                           std::string_view message, const clara_client& whose) {
    EXPECT_EQ(response.status, status) << response.body;
    const auto body = json_of(response);
    EXPECT_EQ(body.at("status"), "success");
    EXPECT_EQ(text_in(body, "message"), message);
    EXPECT_EQ(body.size(), 3u);
    auto user = body.at("data").as_object();
    const auto token = text_in(user, "token");
    EXPECT_TRUE(std::regex_match(token, std::regex(R"(crazi_couser_[\w-]+\.[\w-]+\.[\w-]+)")))
        << token;
    user.erase("token");
    expect_shape(user, clara_user_shape());
    EXPECT_TRUE(std::regex_match(text_in(user, "id"), std::regex("user_[0-9a-f]{32}")));
    EXPECT_EQ(text_in(user, "email"), whose.email);
    return user;
}

boost::json::object claims_of(const std::string& token) {
    const auto begin = token.find('.') + 1;
    const auto bytes = core::from_base64url(token.substr(begin, token.rfind('.') - begin)).value();
    return boost::json::parse(core::text_of(bytes)).as_object();
}

TEST(ClaraRegistration, ANewUser_GetsItsObjectAndAToken) {
    auto who = newcomer();

    const auto user =
        expect_user_with_token(who.register_account(), 201, "User registered successfully.", who);

    EXPECT_EQ(user.at("first_name"), "Ada");
    EXPECT_EQ(user.at("last_name"), "Lovelace");
    EXPECT_EQ(user.at("credits"), 0);
    EXPECT_EQ(user.at("is_2fa_enabled"), false); // whatever policy.email_factor_by_default says
    EXPECT_EQ(user.at("is_active"), false);
    EXPECT_EQ(user.at("is_dark_mode"), true);
    const std::regex date(R"((Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)");
    EXPECT_TRUE(std::regex_match(text_in(user, "created_at"), date)) << user;
    EXPECT_TRUE(std::regex_match(text_in(user, "updated_at"), date)) << user;
    expect_success(who.as_user("GET", who.by_id()), 200, "User fetched successfully.", user);
    who.activate_now();
    EXPECT_EQ(who.read().at("is_active"), true);
}

TEST(ClaraRegistration, AUserToken_NamesItsUserAndLivesThirtyDays) {
    auto who = newcomer();
    who.sign_up();
    const auto claims = claims_of(who.token);
    EXPECT_EQ(text_in(claims, "sub"), who.id);
    EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 30 * 24 * 3600);
}

TEST(ClaraRegistration, WithThePrivateKey_ShowsNoMore) {
    auto who = newcomer();
    const auto response =
        who.as_administrator("POST", "/auth/register", registration({{"email", who.email}}));
    expect_user_with_token(response, 201, "User registered successfully.", who);
    EXPECT_EQ(response.body.find("argon2"), std::string::npos);
}

TEST(ClaraRegistration, AnExistingAddress_IsRefusedAndItsHolderHears) {
    auto who = active_user();
    for (const auto& email : {who.email, "  " + core::to_lower_ascii(who.email) + " "})
        expect_refusal(who.as_client("POST", "/auth/register", registration({{"email", email}})),
                       400, says_exists);
    person reader(clara_world());
    reader.email = who.email;
    reader.expect_mail("Unauthorized Account Registration Attempt", 1);
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(ClaraRegistration, RefusesWhatIsNone) {
    auto who = newcomer();
    const auto send = [&](const std::string& body) {
        return who.as_client("POST", "/auth/register", body);
    };
    for (const auto* empty : {"", "{}", "null", "[]"})
        expect_refusal(send(empty), 400, says_empty);
    for (const auto* malformed : {"{", "[1]", "\"text\"", "7"})
        expect_refusal(send(malformed), 400, says_schema);
    for (const auto* name : {"first_name", "last_name", "email", "password"}) {
        SCOPED_TRACE(name);
        expect_refusal(send(registration({{name, nullptr}})), 400, says_schema);
        expect_refusal(send(registration({{name, ""}})), 400, says_schema);
        expect_refusal(send(registration({{name, 12345678}})), 400, says_schema);
    }
    for (const auto* email : {"nobody", "a@b.c\r\nBcc: d@e.f", "a@b@c.de"})
        expect_refusal(send(registration({{"email", email}})), 400, says_schema);
    for (const auto& password : {std::string("1234567"), std::string(129, 'x')})
        expect_refusal(send(registration({{"password", password}})), 400, says_schema);
    for (const auto& name : {std::string("a\nb"), std::string(60, 'x')})
        expect_refusal(
            send(registration({{"first_name", name}, {"last_name", std::string(60, 'y')}})), 400,
            says_schema);
}

TEST(ClaraRegistration, APassword_NeedsEightCharactersOfAnyKind) {
    auto who = newcomer();
    who.password =
        "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"; // 8, 16 bytes
    EXPECT_EQ(who.register_account().status, 201u);
    EXPECT_EQ(who.log_in().status, 200u);
    auto short_one = newcomer();
    short_one.password = "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"; // 4, 8 bytes
    expect_refusal(short_one.register_account(), 400, says_schema);
}

TEST(ClaraRegistration, MailsInTheLanguageThatIsAskedFor) {
    auto& home = clara_world();
    auto who = newcomer(home);
    ASSERT_EQ(
        who.as_client("POST", "/auth/register?locale=de", registration({{"email", who.email}}))
            .status,
        201u);
    person reader(home);
    reader.email = who.email;
    reader.expect_mail("Confirm your", 0);
    reader.expect_mail("", 1);
}

TEST(ClaraLogin, WithoutASecondFactor_NeedsThePasswordOnly) {
    auto who = active_user();
    // A body is not looked at then, if it is an object at all.
    for (const auto* body : {"", "{}", R"({"code":"123456"})", R"({"anything":1})"}) {
        const auto user =
            expect_user_with_token(who.log_in(body), 200, "User logged in successfully.", who);
        EXPECT_EQ(text_in(user, "id"), who.id);
        EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    }
    for (const auto* malformed : {"{", "[1]", R"({"code":true})"})
        expect_refusal(who.log_in(malformed), 400, says_schema);
}

TEST(ClaraLogin, OfAnInactiveUser_IsGranted) {
    auto who = newcomer();
    who.sign_up();
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(ClaraLogin, APasswordWithColons_Works) {
    auto who = newcomer();
    who.password = ":a:colon:here:";
    who.sign_up();
    EXPECT_EQ(who.log_in().status, 200u);
    who.password = ":a";
    expect_refusal(who.log_in(), 401, says_unauthenticated);
}

TEST(ClaraLogin, AnAddress_MayBeWrittenInAnyCase) {
    auto who = active_user();
    std::string upper = who.email;
    for (auto& letter : upper)
        if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    EXPECT_EQ(who.call("POST", "/auth/session", basic_credentials(upper, who.password)).status,
              200u);
}

TEST(ClaraLogin, WrongCredentials_AreAllOneAnswer) {
    auto who = active_user();
    const std::vector<std::string> wrong{"",
                                         basic_credentials(who.email, "wrong horse battery"),
                                         basic_credentials("nobody@example.org", who.password),
                                         basic_credentials("no address", who.password),
                                         basic_credentials("", ""),
                                         "Basic",
                                         "Basic ",
                                         "Basic ****",
                                         "Basic YWRh", // "ada": no colon
                                         "Basic " + basic_credentials(who.email, who.password),
                                         who.bearer(),
                                         std::string(clara_public_key),
                                         std::string(clara_private_key)};
    for (const auto& authorization : wrong) {
        SCOPED_TRACE(authorization);
        expect_refusal(who.call("POST", "/auth/session", authorization), 401, says_unauthenticated);
        expect_refusal(who.call("POST", "/auth/session", authorization, R"({"code":"123456"})"),
                       401, says_unauthenticated);
    }
}

TEST(ClaraLogin, Basic_IsTakenWithAndWithoutItsPaddingAndInAnyCase) {
    auto who = active_user();
    auto text = who.basic();
    EXPECT_EQ(who.call("POST", "/auth/session", "basic" + text.substr(5)).status, 200u);
    text.erase(text.find_last_not_of('=') + 1);
    EXPECT_EQ(who.call("POST", "/auth/session", text).status, 200u);
}

TEST(ClaraLogin, WithASecondFactor_AsksForACode) {
    auto who = user_with_two_factor();
    const auto right = who.two_factor_code();
    for (const auto& body : {std::string(), std::string("{}"), std::string("null"),
                             clara_code(other_than(right)), clara_code("")})
        expect_code_refused(who.log_in(body));
    for (const auto* body : {R"({"codes":"123456"})", "{", R"({"code":null})", R"({"code":12345})"})
        expect_refusal(who.log_in(body), 400, says_schema);
    // The password is looked at first: a code says nothing about it.
    expect_refusal(who.call("POST", "/auth/session",
                            basic_credentials(who.email, "wrong horse battery"), clara_code(right)),
                   401, says_unauthenticated);

    const auto user =
        expect_user_with_token(who.log_in_with(right), 200, "User logged in successfully.", who);
    EXPECT_EQ(user.at("is_2fa_enabled"), true);
    expect_code_refused(who.log_in_with(right));
}

TEST(ClaraLogin, WithASecondFactor_MailsNothingByItself) {
    auto who = user_with_two_factor();
    person reader(clara_world());
    reader.email = who.email;
    reader.expect_mail("verification code", 1); // of enabling
    expect_code_refused(who.log_in());
    reader.expect_mail("verification code", 1);
}

TEST(ClaraLogin, AnExpiredCode_IsRefusedWithTheSameData) {
    auto who = user_with_two_factor(clara_world({{"policy.mailed_code_life", "2"}}));
    const auto code = who.two_factor_code();
    wait_a_second();
    wait_a_second();
    expect_code_refused(who.log_in_with(code));
}

TEST(ClaraLogin, TakesTheCodeOfAnAppAndABackupCode_WhereTheAccountHasThem) {
    auto& home = clara_world();
    auto who = active_user(home);
    person native(home); // the same account in a native client
    native.email = who.email;
    native.password = who.password;
    native.sign_in();
    native.set_up_totp();
    EXPECT_EQ(who.read().at("is_2fa_enabled"), true);

    expect_code_refused(who.log_in());
    const auto code = native.app.next();
    EXPECT_EQ(who.log_in_with(code).status, 200u);
    EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    expect_code_refused(who.log_in_with(code)); // T-01
    const auto backup = native.recovery_codes.front();
    EXPECT_EQ(who.log_in_with(backup).status, 200u);
    expect_code_refused(who.log_in_with(backup)); // T-05
    native.expect_mail("A Backup Code Was Used on Your Account", 1);
    // A mailed code is none of this account's: the e-mail factor is off.
    expect_code_refused(who.log_in_with(who.two_factor_code()));
}

TEST(ClaraLogin, T04_OneCodeInParallel_OpensOneSession) {
    auto who = user_with_two_factor();
    const auto body = clara_code(who.two_factor_code());
    std::vector<http_connection> connections;
    for (int count = 0; count < 12; ++count)
        connections.emplace_back(who.port);
    for (auto& connection : connections)
        connection.send(
            "POST /api/v1/auth/session HTTP/1.1\r\nHost: x\r\nAuthorization: " + who.basic() +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    int opened = 0;
    for (auto& connection : connections)
        opened += connection.receive().status == 200 ? 1 : 0;
    EXPECT_EQ(opened, 1);
}

TEST(ClaraLogin, AfterFiveWrongPasswords_NothingIsEvaluated) {
    auto who = active_user();
    for (int count = 0; count < 5; ++count)
        expect_refusal(
            who.call("POST", "/auth/session", basic_credentials(who.email, "wrong horse battery")),
            401, says_unauthenticated);
    expect_too_often(who.log_in(), 30);
    EXPECT_EQ(who.as_native().log_in().status, 429u); // one counter
}

TEST(ClaraLogin, SeveralSessions_LiveBesideEachOther) {
    auto who = active_user();
    auto second = who;
    ASSERT_EQ(second.log_in().status, 200u);
    EXPECT_NE(second.token, who.token);
    EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    EXPECT_EQ(second.as_user("GET", who.by_id()).status, 200u);
}

TEST(ClaraLogin, ASession_EndsWithItsTime) {
    auto who = active_user(clara_world({{"tokens.user_session", "2"}}));
    ASSERT_EQ(who.log_in().status, 200u);
    EXPECT_EQ(who.as_user("GET", who.by_id()).status, 200u);
    wait_a_second();
    wait_a_second();
    expect_refusal(who.as_user("GET", who.by_id()), 401, says_unauthenticated);
    // Nor does the account keep it: what the holder sees are the sessions that live.
    auto native = who.as_native();
    ASSERT_EQ(native.log_in().status, 200u);
    const auto sessions = boost::json::parse(native.call("GET", "/api/users/me/sessions").body);
    EXPECT_EQ(sessions.as_array().size(), 1u) << sessions;
}

TEST(ClaraLogin, WhenPasswordChecksQueueUp_SomeAreTurnedAway) {
    auto who = active_user();
    std::vector<http_connection> connections;
    for (int count = 0; count < 160; ++count)
        connections.emplace_back(who.port);
    for (auto& connection : connections)
        connection.send("POST /api/v1/auth/session HTTP/1.1\r\nHost: x\r\nAuthorization: " +
                        basic_credentials(native_client::fresh_email(), "some password") +
                        "\r\n\r\n");
    int turned_away = 0;
    for (auto& connection : connections) {
        const auto response = connection.receive();
        if (response.status == 401) continue;
        ++turned_away;
        expect_refusal(response, 503, "Too many passwords are being checked. Please try again.");
        EXPECT_TRUE(response.header("Retry-After"));
    }
    EXPECT_GT(turned_away, 0);
}

TEST(ClaraLogout, T34_EndsTheSessionAndNoOther) {
    auto who = active_user();
    auto other = who;
    ASSERT_EQ(other.log_in().status, 200u);

    expect_no_content(who.as_user("DELETE", "/auth/session"));

    expect_refusal(who.as_user("GET", who.by_id()), 401, says_unauthenticated);
    expect_refusal(who.as_user("DELETE", "/auth/session"), 401, says_unauthenticated);
    EXPECT_EQ(other.as_user("GET", who.by_id()).status, 200u);
}

TEST(ClaraLogout, WithThePrivateKey_IsForbidden) {
    auto who = newcomer();
    expect_refusal(who.as_administrator("DELETE", "/auth/session"), 403, says_forbidden);
    expect_refusal(who.as_client("DELETE", "/auth/session"), 401, says_unauthenticated);
}

} // namespace
} // namespace countersign::tests
