// Login, its second step and logout as slugbase's clients see them, where the native family answers
// the login; GET /api/auth/me and GET /api/csrf-token (contract sections 2.1 to 2.4).
#include "tests/contract/slugbase_world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <regex>

namespace countersign::tests {
namespace {

const std::string verify = "/api/auth/mfa/verify";
constexpr int session_life_s = 7'776'000; // tokens.refresh
const shape user_members{{"id", kind::text},          {"email", kind::text},
                         {"name", kind::text},        {"user_key", kind::text},
                         {"is_admin", kind::boolean}, {"email_verified", kind::boolean},
                         {"language", kind::text},    {"theme", kind::text}};

// The cookie of a half-finished login, which a top-level navigation may carry.
std::string pending_field(std::string_view value, int life_s) {
    return "slugbase.mfa_pending=" + std::string(value) +
           "; Path=/; Max-Age=" + std::to_string(life_s) + "; HttpOnly; SameSite=Lax";
}

void expect_pending_invalid(const http_response& response) {
    expect_refusal(response, 401, "MFA session expired. Please sign in again.",
                   "MFA_PENDING_INVALID");
}

TEST(SlugbaseSharedLogin, WithoutAFactor_IsTheNativeAnswerAndOurs) {
    auto who = slugbase_stranger();

    const auto response = who.log_in();

    auto members = user_members;
    for (const auto& [name, type] : shape{{"user", kind::object},
                                          {"accessToken", kind::text},
                                          {"refreshToken", kind::text},
                                          {"location", kind::null},
                                          {"twoFactorRequired", kind::boolean},
                                          {"twoFactorMethods", kind::null},
                                          {"preferredTwoFactorMethod", kind::null},
                                          {"twoFactorAuthenticationToken", kind::null}})
        members.emplace_back(name, type);
    const auto body = expect_ok(response, members);
    EXPECT_EQ(text_in(body, "user_key"), text_in(body.at("user").as_object(), "id"));
    const auto cookies = response.set_cookies();
    EXPECT_EQ(cookies.at("access_token"), text_in(body, "accessToken"));
    expect_cookie(response, "slugbase.sid", cookies.at("slugbase.sid"), session_life_s);
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"), pending_field("", 0));
    EXPECT_EQ(who.call("GET", "/api/auth/me").status, 200u);
}

TEST(SlugbaseSharedLogin, WithAFactor_SaysMfaRequiredAndOpensNothing_T21) {
    auto who = slugbase_person_with_mfa();
    auto half = who.elsewhere();
    half.cookies["slugbase.sid"] = who.cookies.at("slugbase.sid");

    const auto response = half.log_in();

    const auto body = json_of(response);
    EXPECT_EQ(response.status, 200u);
    EXPECT_TRUE(body.at("mfa_required").as_bool());
    EXPECT_TRUE(body.at("twoFactorRequired").as_bool());
    for (const auto* name : {"id", "email", "user_key"})
        EXPECT_FALSE(body.contains(name)) << name;
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"),
              pending_field(response.set_cookies().at("slugbase.mfa_pending"), 300));
    expect_cookie(response, "slugbase.sid", "", 0);

    expect_unauthorized(half.call("GET", "/api/auth/me"));
    for (const auto& text :
         {half.cookies.at("slugbase.mfa_pending"), text_in(body, "twoFactorAuthenticationToken")}) {
        auto pretender = who.elsewhere();
        pretender.bearer = text;
        expect_unauthorized(pretender.call("GET", "/api/auth/me"));
        pretender = who.elsewhere();
        pretender.cookies["slugbase.sid"] = text;
        expect_unauthorized(pretender.call("GET", "/api/auth/me"));
    }
}

TEST(SlugbaseSharedLogin, PendingLife_IsAtMostTheTwoFactorTokens) {
    auto who = slugbase_person_with_mfa(slugbase_world({{"tokens.two_factor", "120"}}));
    auto half = who.elsewhere();
    const auto response = half.log_in();
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"),
              pending_field(response.set_cookies().at("slugbase.mfa_pending"), 120));
}

TEST(SlugbaseVerify, WithTheAppsCode_SignsIn) {
    auto who = slugbase_person_with_mfa();
    auto half = half_logged_in(who);

    const auto response = half.verify(who.app.next());

    expect_user(response, who);
    expect_cookie(response, "slugbase.sid", response.set_cookies().at("slugbase.sid"),
                  session_life_s);
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"), pending_field("", 0));
    EXPECT_TRUE(half.mfa_is_on()) << "signed in";
}

TEST(SlugbaseVerify, TakesEveryFormOfACode) {
    auto who = slugbase_person_with_mfa();
    const auto sign_in_with = [&](const boost::json::value& code) {
        auto half = half_logged_in(who);
        const auto response =
            half.call("POST", verify, boost::json::serialize(boost::json::object{{"code", code}}));
        expect_user(response, who);
    };
    const auto code = who.app.next();
    sign_in_with(boost::json::value(" " + code.substr(0, 3) + "\t" + code.substr(3) + "\n"));
    sign_in_with(std::stoi(who.app.next())); // a number has no leading zeros
    sign_in_with(boost::json::value(who.backup_codes.at(0)));
    auto shouted = who.backup_codes.at(1);
    std::ranges::transform(shouted, shouted.begin(),
                           [](unsigned char each) { return std::toupper(each); });
    sign_in_with(boost::json::value(shouted.substr(0, 8) + " " + shouted.substr(8)));
}

TEST(SlugbaseVerify, ANumber_GetsItsLeadingZerosBack) {
    auto& home = slugbase_world({{"policy.totp_window", "10"}});
    auto who = slugbase_person(home);
    for (int attempt = 0; attempt < 40; ++attempt) {
        ASSERT_EQ(who.begin_enrolment().status, 200u);
        authenticator app(text_in(json_of(who.begin_enrolment()), "secret"), 9);
        for (int step = 0; step < 19; ++step) {
            const auto code = app.next();
            if (code.front() != '0') continue;
            expect_backup_codes(who.call("POST", "/api/auth/mfa/enroll/confirm",
                                         R"({"code":)" + std::to_string(std::stoi(code)) + "}"));
            return;
        }
    }
    FAIL() << "no code began with a zero";
}

TEST(SlugbaseVerify, WithAMailedCode_WhereEmailIsTheFactor) {
    auto& home = slugbase_world({{"policy.email_factor_by_default", "true"}});
    person native(home);
    native.sign_up();
    slugbase_client who{.port = native.port, .email = native.email};
    auto half = half_logged_in(who);

    expect_user(half.verify(native.next_mailed_code()), who);

    const auto me = json_of(half.call("GET", "/api/auth/me"));
    EXPECT_FALSE(me.at("mfa_enabled").as_bool()) << "MFA is the authenticator app";
    EXPECT_FALSE(half.mfa_is_on());
}

TEST(SlugbaseVerify, AWrongCode_LeavesTheLoginPending) {
    auto who = slugbase_person_with_mfa();
    auto half = half_logged_in(who);

    const auto response = half.verify(who.app.wrong());

    expect_refusal(response, 401, "Invalid code", "INVALID_CODE");
    EXPECT_EQ(response.header("Set-Cookie"), std::nullopt);
    EXPECT_EQ(half.verify(who.app.next()).status, 200u);
}

TEST(SlugbaseVerify, ACodeThatCounted_NeverCountsAgain_T01_T05) {
    auto who = slugbase_person_with_mfa();
    const auto backup = who.backup_codes.at(3);
    ASSERT_EQ(half_logged_in(who).verify(backup).status, 200u);
    for (const auto& used : {who.app.last(), backup})
        expect_refusal(half_logged_in(who).verify(used), 401, "Invalid code", "INVALID_CODE");
}

TEST(SlugbaseVerify, AnotherUsersBackupCode_IsWrong_T25) {
    auto who = slugbase_person_with_mfa();
    const auto other = slugbase_person_with_mfa();
    expect_refusal(half_logged_in(who).verify(other.backup_codes.at(0)), 401, "Invalid code",
                   "INVALID_CODE");
}

TEST(SlugbaseVerify, WithoutAPendingLogin_SaysSoWhateverTheBody) {
    auto who = slugbase_person_with_mfa();
    const auto used = half_logged_in(who);
    ASSERT_EQ(slugbase_client(used).verify(who.app.next()).status, 200u);
    person native(*&slugbase_world());
    native.email = who.email;
    ASSERT_EQ(native.log_in().status, 200u);
    ASSERT_EQ(native.complete_login(R"({"totp":")" + who.app.next() + "\"}").status, 200u);
    native.two_factor.clear();
    ASSERT_EQ(native.begin_step_up().status, 200u);

    const std::pair<const char*, std::string> rows[] = {
        {"no cookie", ""},
        {"garbage", "garbage"},
        {"a login that was completed", used.cookies.at("slugbase.mfa_pending")},
        {"a session", who.cookies.at("slugbase.sid")},
        {"an access token", native.access},
        {"a pending step-up", native.two_factor},
    };
    for (const auto& [what, cookie] : rows) {
        SCOPED_TRACE(what);
        auto half = who.elsewhere();
        if (!cookie.empty()) half.cookies["slugbase.mfa_pending"] = cookie;
        for (const auto& body : {proof_body(who.app.last()), std::string("{}"), std::string("[")})
            expect_pending_invalid(half.call("POST", verify, body));
    }
}

TEST(SlugbaseVerify, AfterThePendingLife_SaysSo) {
    auto who = slugbase_person_with_mfa(slugbase_world({{"tokens.two_factor", "1"}}));
    auto half = half_logged_in(who);
    const auto cookie = half.cookies.at("slugbase.mfa_pending");
    wait_a_second();
    expect_pending_invalid(half.verify(who.app.next()));
}

TEST(SlugbaseVerify, AfterTheFactorWasRemoved_NothingIsPending) {
    auto who = slugbase_person_with_mfa();
    auto half = half_logged_in(who);
    ASSERT_EQ(who.disable(who.app.next()).status, 200u);
    expect_pending_invalid(half.verify(who.app.next()));
}

TEST(SlugbaseVerify, WithoutACode_SaysWhatIsMissing) {
    auto half = half_logged_in(slugbase_person_with_mfa());
    for (const auto* body : {"", "{}", R"({"code":""})", R"({"code":null})", R"({"code":" \t"})"})
        expect_refusal(half.call("POST", verify, body), 400, "Code is required");
    for (const auto* body : {R"({"code":true})", R"({"code":["1"]})", R"({"code":1.5})"})
        expect_bad_request(half.call("POST", verify, body), "code");
    for (const auto* body : {"[]", "{", "7"})
        expect_bad_request(half.call("POST", verify, body), "body");
}

TEST(SlugbaseLogout, EndsTheSession_T34) {
    auto who = slugbase_person();
    auto thief = who;

    const auto response = who.call("POST", "/api/auth/logout");

    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(text_in(json_of(response), "message"), "Logged out");
    expect_cookie(response, "slugbase.sid", "", 0);
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"), pending_field("", 0));
    expect_unauthorized(thief.call("GET", "/api/auth/me"));
}

TEST(SlugbaseSession, EndedByTheNativeFamily_IsOver_T34) {
    auto who = slugbase_stranger();
    const auto access = text_in(json_of(who.log_in()), "accessToken");
    ASSERT_EQ(who.call("GET", "/api/auth/me").status, 200u);
    ASSERT_EQ(http_request(who.port, "DELETE", "/api/users/me/sessions",
                           {{"Authorization", "Bearer " + access}})
                  .status,
              200u);
    expect_unauthorized(who.call("GET", "/api/auth/me"));
}

TEST(SlugbaseCredential, EachKind_OpensOnlyWhatItIsFor) {
    auto who = slugbase_stranger();
    const auto login = json_of(who.log_in());
    who.take_csrf_token();
    const auto token = who.make_api_token();
    const auto sid = who.cookies.at("slugbase.sid");
    const auto access = text_in(login, "accessToken");
    const auto status_with = [&](const http_headers& headers) {
        return http_request(who.port, "GET", "/api/auth/mfa/status", headers).status;
    };
    EXPECT_EQ(status_with({{"Cookie", "slugbase.sid=" + sid}}), 200u);
    EXPECT_EQ(status_with({{"Authorization", "Bearer " + access}}), 200u);
    EXPECT_EQ(status_with({{"Authorization", "bearer " + token}}), 200u);

    EXPECT_EQ(status_with({}), 401u);
    for (const auto& cookie : {access, token, text_in(login, "refreshToken"), std::string("x")})
        EXPECT_EQ(status_with({{"Cookie", "slugbase.sid=" + cookie}}), 401u);
    EXPECT_EQ(status_with({{"Cookie", "access_token=" + access}}), 401u);
    EXPECT_EQ(status_with({{"Cookie", "token=" + access}}), 401u);
    for (const auto& bearer : {sid, text_in(login, "refreshToken"), token + "x",
                               token.substr(0, token.size() - 1), "sb_" + std::string(43, 'A')})
        EXPECT_EQ(status_with({{"Authorization", "Bearer " + bearer}}), 401u) << bearer;
    EXPECT_EQ(status_with({{"Authorization", "Basic " + token}}), 401u);
    // Where an Authorization field comes, it alone counts.
    EXPECT_EQ(status_with({{"Authorization", "Bearer x"}, {"Cookie", "slugbase.sid=" + sid}}),
              401u);
    EXPECT_EQ(status_with({{"Authorization", "Bearer " + token}, {"Cookie", "slugbase.sid=x"}}),
              200u);
}

TEST(SlugbaseMe, ShowsTheAccount) {
    auto who = slugbase_person();
    const shape members{{"id", kind::text},
                        {"email", kind::text},
                        {"name", kind::text},
                        {"user_key", kind::text},
                        {"is_admin", kind::boolean},
                        {"language", kind::text},
                        {"theme", kind::text},
                        {"ai_suggestions_enabled", kind::boolean},
                        {"mfa_enabled", kind::boolean},
                        {"has_password", kind::boolean},
                        {"oidc_provider", kind::null},
                        {"oidc_sub", kind::null}};
    auto me = expect_ok(who.call("GET", "/api/auth/me"), members);
    EXPECT_EQ(text_in(me, "email"), who.email);
    EXPECT_EQ(text_in(me, "user_key"), text_in(me, "id"));
    EXPECT_EQ(text_in(me, "language"), "en");
    EXPECT_EQ(text_in(me, "theme"), "auto");
    EXPECT_FALSE(me.at("is_admin").as_bool());
    EXPECT_FALSE(me.at("ai_suggestions_enabled").as_bool());
    EXPECT_FALSE(me.at("mfa_enabled").as_bool());
    EXPECT_TRUE(me.at("has_password").as_bool());

    who.enrol(slugbase_window);
    me = expect_ok(who.call("GET", "/api/auth/me"), members);
    EXPECT_TRUE(me.at("mfa_enabled").as_bool());
}

TEST(SlugbaseCsrfToken, IsSetOnceAndKept) {
    auto guest = slugbase_stranger();

    const auto response = guest.call("GET", "/api/csrf-token");

    const auto token = text_in(expect_ok(response, {{"csrfToken", kind::text}}), "csrfToken");
    EXPECT_TRUE(std::regex_match(token, std::regex("[0-9a-f]{64}"))) << token;
    expect_cookie(response, "_csrf", token, 86'400);
    EXPECT_EQ(text_in(json_of(guest.call("GET", "/api/csrf-token")), "csrfToken"), token);
    for (const auto& strange : {std::string("x"), std::string(64, 'g'), token + "0"}) {
        guest.cookies["_csrf"] = strange;
        const auto other = text_in(json_of(guest.call("GET", "/api/csrf-token")), "csrfToken");
        EXPECT_TRUE(std::regex_match(other, std::regex("[0-9a-f]{64}"))) << other;
        EXPECT_NE(other, token);
    }
}

} // namespace
} // namespace countersign::tests
