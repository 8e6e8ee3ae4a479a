// Requests that carry the session in a cookie must show the CSRF token, on every route of the table
// that changes something; requests with another credential, or with none, must not (contract
// section 2.2).
#include "tests/contract/slugbase_world.hpp"

#include "net/families/slugbase/routes.hpp"

#include <boost/beast/http/verb.hpp>
#include <gtest/gtest.h>

#include <regex>
#include <set>

namespace countersign::tests {
namespace {

using net::slugbase::credential;
using net::slugbase::route;
using net::slugbase::routes;

std::string method_of(const route& row) {
    return std::string(boost::beast::http::to_string(row.key.method));
}

std::string target_of(const route& row) {
    std::string target(row.key.pattern);
    if (const auto brace = target.find('{'); brace != std::string::npos) target.resize(brace);
    return target + (row.key.pattern.ends_with('}') ? "0000000000000000" : "");
}

void expect_forged(const http_response& response) {
    expect_refusal(response, 403, "Invalid CSRF token");
}

TEST(SlugbaseCsrf, EveryRowThatChangesSomething_IsGuarded) {
    std::set<std::string> exempt;
    for (const auto& row : routes())
        if (row.key.method != boost::beast::http::verb::get && !row.csrf)
            exempt.insert(std::string(row.key.pattern));
    EXPECT_EQ(exempt, (std::set<std::string>{"/api/auth/login", "/api/auth/logout",
                                             "/api/auth/mfa/verify"}));
}

TEST(SlugbaseCsrf, ASessionCookieWithoutTheToken_IsRefusedOnEveryGuardedRow) {
    const auto who = slugbase_person_with_mfa();
    const auto stranger = slugbase_person();
    const auto sid = who.cookies.at("slugbase.sid");
    const auto csrf = who.csrf;
    const struct {
        const char* what;
        std::string jar;
        std::string header;
        std::string body;
    } rows[] = {
        {"no token at all", "slugbase.sid=" + sid, "", ""},
        {"the cookie alone", "slugbase.sid=" + sid + "; _csrf=" + csrf, "", "{}"},
        {"the header alone", "slugbase.sid=" + sid, csrf, ""},
        {"the body alone", "slugbase.sid=" + sid, "", R"({"csrfToken":")" + csrf + "\"}"},
        {"another token", "slugbase.sid=" + sid + "; _csrf=" + csrf, stranger.csrf, ""},
        {"another token in the body", "slugbase.sid=" + sid + "; _csrf=" + csrf, "",
         R"({"csrfToken":")" + stranger.csrf + "\"}"},
        {"a beginning of it", "slugbase.sid=" + sid + "; _csrf=" + csrf, csrf.substr(0, 63), ""},
        {"a cookie of the sender's own making", "slugbase.sid=" + sid + "; _csrf=x", "x", ""},
        {"an empty cookie", "slugbase.sid=" + sid + "; _csrf=", "", R"({"csrfToken":""})"},
        {"a number in the body", "slugbase.sid=" + sid + "; _csrf=" + csrf, "",
         R"({"csrfToken":1})"},
        {"a session that is none", "slugbase.sid=garbage", "", ""},
    };
    for (const auto& route : routes()) {
        if (!route.csrf) continue;
        for (const auto& row : rows) {
            SCOPED_TRACE(std::string(route.key.pattern) + ": " + row.what);
            http_headers headers{{"Cookie", row.jar}};
            if (!row.header.empty()) headers.emplace_back("X-CSRF-Token", row.header);
            expect_forged(
                http_request(who.port, method_of(route), target_of(route), headers, row.body));
        }
    }
    EXPECT_TRUE(slugbase_client(who).mfa_is_on());
}

TEST(SlugbaseCsrf, ARefusalWithoutTheCookie_SetsANewOne_ThatThenCounts) {
    auto who = slugbase_person();
    who.csrf.clear();
    who.cookies.erase("_csrf");

    const auto response = who.call("POST", "/api/tokens", R"({"name":"x"})");

    expect_forged(response);
    const auto token = response.set_cookies().at("_csrf");
    EXPECT_TRUE(std::regex_match(token, std::regex("[0-9a-f]{64}"))) << token;
    expect_cookie(response, "_csrf", token, 86'400);
    who.csrf = token;
    EXPECT_EQ(who.call("POST", "/api/tokens", R"({"name":"x"})").status, 201u);
    who.csrf = std::string(64, '0');
    EXPECT_EQ(who.call("POST", "/api/tokens", R"({"name":"x"})").header("Set-Cookie"),
              std::nullopt);
}

TEST(SlugbaseCsrf, TheTokenInTheBody_Counts) {
    auto who = slugbase_person();
    const auto token = std::exchange(who.csrf, "");
    EXPECT_EQ(
        who.call("POST", "/api/tokens", R"({"name":"x","csrfToken":")" + token + "\"}").status,
        201u);
}

TEST(SlugbaseCsrf, WithoutASessionCookie_NothingIsForged) {
    auto who = slugbase_person();
    auto program = who.elsewhere();
    program.bearer = who.make_api_token();
    auto guest = who.elsewhere();
    for (const auto& row : routes()) {
        if (!row.csrf) continue;
        SCOPED_TRACE(row.key.pattern);
        EXPECT_NE(program.call(method_of(row), target_of(row)).status, 403u);
        expect_unauthorized(guest.call(method_of(row), target_of(row)));
    }
    // The cookie beside a bearer is not looked at.
    program.cookies["slugbase.sid"] = who.cookies.at("slugbase.sid");
    EXPECT_EQ(program.call("POST", "/api/auth/mfa/enroll/cancel", "{}").status, 200u);
    program.bearer = "garbage";
    expect_unauthorized(program.call("POST", "/api/auth/mfa/enroll/cancel", "{}"));
}

TEST(SlugbaseCsrf, ReadingNeedsNone) {
    auto who = slugbase_person();
    who.csrf.clear();
    who.cookies.erase("_csrf");
    for (const auto& row : routes())
        if (row.key.method == boost::beast::http::verb::get) {
            EXPECT_EQ(who.call("GET", row.key.pattern).status, 200u) << row.key.pattern;
        }
}

TEST(SlugbaseCsrf, WhatAnotherSiteMadeTheBrowserSend_HasNoSession) {
    auto who = slugbase_person_with_mfa();
    const auto ask = [&](const char* site) {
        return http_request(
            who.port, "POST", "/api/auth/mfa/disable",
            {{"Cookie", "slugbase.sid=" + who.cookies.at("slugbase.sid") + "; _csrf=" + who.csrf},
             {"X-CSRF-Token", who.csrf},
             {"Sec-Fetch-Site", site}},
            proof_body(who.app.next(), who.password));
    };
    EXPECT_EQ(ask("cross-site").status, 401u);
    EXPECT_TRUE(who.mfa_is_on());
    EXPECT_EQ(ask("same-site").status, 200u);
}

} // namespace
} // namespace countersign::tests
