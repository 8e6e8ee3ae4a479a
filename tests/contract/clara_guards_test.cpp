// Every route of the Clara family against every wrong credential, the limit, and an absent store.
// The rows are made from the route table itself, so that a new route cannot forget a guard.
#include "net/families/clara/routes.hpp"
#include "tests/contract/clara.hpp"

#include <boost/beast/http/verb.hpp>

#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <tuple>

namespace countersign::tests {
namespace {

using net::clara::credential;
using net::clara::route;
using net::clara::routes;

std::string method_of(const route& row) {
    return std::string(boost::beast::http::to_string(row.key.method));
}

std::string name_of(const route& row) {
    return method_of(row) + " " + std::string(row.key.pattern);
}

// Below /api/v1, for this user.
std::string target_of(const route& row, const clara_client& who) {
    std::string target(row.key.pattern.substr(std::string_view("/api/v1").size()));
    const std::pair<std::string_view, std::string> parameters[] = {
        {"{user_id}", who.id}, {"{user_email}", who.email}, {"{otp_type}", "TWO_FACTOR_AUTH"}};
    for (const auto& [name, value] : parameters)
        if (const auto at = target.find(name); at != std::string::npos)
            target.replace(at, name.size(), value);
    return target;
}

// A body that the route takes for well-formed, so that only the credential can be wrong.
std::string body_of(const route& row) {
    static const std::map<std::string, std::string> bodies{
        {"POST /api/v1/auth/register",
         R"({"first_name":"A","last_name":"B","email":"a@example.org","password":"12345678"})"},
        {"PATCH /api/v1/users/{user_email}/password", R"({"password":"12345678","code":"123456"})"},
        {"PATCH /api/v1/users/{user_id}", R"({"first_name":"Eve"})"}};
    const auto found = bodies.find(name_of(row));
    if (found != bodies.end()) return found->second;
    return row.key.method == boost::beast::http::verb::get ? "" : R"({"code":"123456"})";
}

http_response send(clara_client& who, const route& row, std::string_view authorization) {
    return who.call(method_of(row), target_of(row, who), authorization, body_of(row));
}

TEST(ClaraGuards, EachRoute_TakesTheCredentialsOfItsRowAndNoOther) {
    auto who = active_user();
    const std::map<std::string, std::string> presented{{"password", who.basic()},
                                                       {"user", who.bearer()},
                                                       {"public", std::string(clara_public_key)},
                                                       {"private", std::string(clara_private_key)}};
    const std::map<credential, std::set<std::string>> taken{
        {credential::none, {"password", "user", "public", "private"}},
        {credential::password, {"password"}},
        {credential::key, {"public", "private"}},
        {credential::private_key, {"private"}},
        {credential::user, {"user"}},
        {credential::user_or_key, {"user", "public", "private"}},
        {credential::user_or_private_key, {"user", "private"}},
        {credential::active_user_or_private_key, {"user", "private"}}};
    for (const auto& row : routes())
        for (const auto& [kind, authorization] : presented) {
            if (taken.at(row.needs).contains(kind)) continue;
            SCOPED_TRACE(name_of(row) + " with " + kind);
            if (row.needs == credential::user && kind == "private")
                expect_refusal(send(who, row, authorization), 403, says_forbidden);
            else
                expect_refusal(send(who, row, authorization), 401, says_unauthenticated);
        }
    EXPECT_EQ(who.read().at("first_name"), "Ada");
}

TEST(ClaraGuards, OpenRoutes_AreTheOnesThatMustBe) {
    std::set<std::string> open;
    for (const auto& row : routes())
        if (row.needs == credential::none) open.insert(name_of(row));
    EXPECT_EQ(open, (std::set<std::string>{"GET /api/v1/health", "GET /api/v1/version"}));
}

TEST(ClaraGuards, WhatIsNoCredential_IsRefused) {
    auto who = active_user();
    auto native = who.as_native();
    ASSERT_EQ(native.log_in().status, 200u);
    auto ended = who;
    ASSERT_EQ(ended.log_in().status, 200u);
    ASSERT_EQ(ended.as_user("DELETE", "/auth/session").status, 204u);
    auto forged = who.bearer();
    forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
    const std::string token = who.token;
    const std::string jws = token.substr(clara_token_prefix.size());
    const std::string wrong[] = {
        "",
        "Bearer",
        "Bearer crazi_couser_",
        "Bearer " + jws,                        // without the prefix
        "Bearer crazi_couser_" + token,         // with two
        "Bearer crazi_couser_" + native.access, // another kind of token
        "Bearer crazi_couser_" + native.refresh,
        "Bearer " + native.access,
        token, // without the scheme
        "Basic " + token,
        forged,
        ended.bearer(),
        "Bearer " + std::string(clara_private_key),
        std::string(clara_private_key) + "0",
        std::string(clara_private_key.substr(1)),
        "E" + std::string(clara_private_key.substr(1)),
        std::string(clara_public_key) + " " + std::string(clara_private_key),
        "null",
    };
    for (const auto& row : routes()) {
        if (row.needs == credential::none) continue;
        for (const auto& authorization : wrong) {
            SCOPED_TRACE(name_of(row) + " with " + authorization);
            expect_refusal(send(who, row, authorization), 401, says_unauthenticated);
        }
    }
    // A user token is nothing to the native family either.
    EXPECT_EQ(
        http_request(who.port, "GET", "/api/users/me", {{"Authorization", "Bearer " + jws}}).status,
        401u);
}

TEST(ClaraGuards, T12_EveryRouteThatProvesACode_IsMarkedSo) {
    std::set<std::string> proving;
    for (const auto& row : routes())
        if (row.proves_code) proving.insert(name_of(row));
    EXPECT_EQ(proving, (std::set<std::string>{"POST /api/v1/auth/session",
                                              "PATCH /api/v1/users/{user_email}/password",
                                              "POST /api/v1/users/{user_email}/activate",
                                              "POST /api/v1/users/{user_id}/2fa",
                                              "DELETE /api/v1/users/{user_id}/2fa"}));
}

TEST(ClaraGuards, WithoutKeys_NobodyHasTheirRights) {
    auto& home = world::with({{"api.families", "clara"}});
    clara_client who(home.server.port(), home.sink);
    who.id = "user_00000000000000000000000000000000";
    for (const auto& authorization :
         {std::string(), std::string(" "), std::string("null"), std::string(clara_public_key),
          std::string(clara_private_key)})
        for (const auto& row : routes())
            if (row.needs == credential::key || row.needs == credential::private_key)
                expect_refusal(send(who, row, authorization), 401, says_unauthenticated);
}

TEST(ClaraGuards, UnknownRoutesAndMethods_AreSaidInTheEnvelope) {
    auto who = newcomer();
    for (const auto* target :
         {"/", "", "/nothing", "/auth", "/auth/google", "/users/", "/users/a/b/c/d",
          "/users/user_1/credits", "/users/user_1/2fa/", "/stripe/rate", "/tasks", "/agents",
          "/users/user_1/api_key", "/transactions"}) {
        SCOPED_TRACE(target);
        expect_refusal(who.as_administrator("GET", target), 404, says_no_route);
        expect_refusal(who.as_administrator("POST", target, "{"), 404, says_no_route);
    }
    const auto wrong_method = who.as_administrator("PUT", "/users/user_1/2fa");
    expect_refusal(wrong_method, 405, says_no_method);
    EXPECT_EQ(wrong_method.header("Allow"), "DELETE, POST");
    expect_refusal(who.as_administrator("GET", "/auth/register"), 405, says_no_method);
}

TEST(ClaraGuards, WhatIsWrongWithTheTransport_IsSaidInTheEnvelope) {
    auto who = newcomer();
    const auto large = who.as_client("POST", "/auth/register", std::string(17 * 1024, ' '));
    expect_refusal(large, 413, "The request body is too large.");
    const std::pair<const char*, unsigned> rows[] = {{"Expect: a miracle", 417},
                                                     {"Transfer-Encoding: gzip, chunked", 501},
                                                     {"Content-Length: 1, 1", 400}};
    for (const auto& [field, status] : rows) {
        SCOPED_TRACE(field);
        http_connection connection(who.port);
        connection.send("POST /api/v1/auth/register HTTP/1.1\r\nHost: x\r\n" + std::string(field) +
                        "\r\n\r\n");
        const auto response = connection.receive();
        EXPECT_EQ(response.status, status);
        expect_shape(json_of(response),
                     {{"data", kind::null}, {"message", kind::text}, {"status", kind::text}});
        EXPECT_EQ(text_in(json_of(response), "status"), "error");
    }
}

TEST(ClaraStatus, HealthAndVersion_SayWhoTheyAre) {
    auto who = newcomer(clara_world({{"app.name", "Sentry"}}));
    expect_success(who.call("GET", "/health", ""), 200, "Health check successful.",
                   boost::json::object{{"status", "healthy"}, {"service", "Sentry"}});
    const auto response = who.call("GET", "/version", "");
    const auto data = json_of(response).at("data").as_object();
    EXPECT_EQ(text_in(json_of(response), "message"), "Version check successful.");
    EXPECT_EQ(data.size(), 1u);
    EXPECT_TRUE(text_in(data, "version").find('.') != std::string::npos) << response.body;
}

TEST(ClaraLimit, TheHundredAndFirstRequestInAMinute_IsRefusedWhateverItPresents) {
    world home(with_clara({{"policy.ip_limits", "true"}}));
    auto who = newcomer(home);
    // The allowance refills while the test draws on it, so a few more.
    http_response last;
    int allowed = 0;
    do {
        last = who.call("GET", "/users/nobody", "key " + std::to_string(allowed));
    } while (last.status == 401 && ++allowed < 140);
    EXPECT_GE(allowed, 100);
    expect_too_often(last, 60);
    expect_too_often(who.as_administrator("GET", "/users"), 60);
    EXPECT_EQ(who.call("GET", "/health", "").status, 200u);
}

TEST(ClaraStoreAway, EveryRouteFailsSoonAndSaysWhenToComeBack) {
    world home(with_clara());
    auto who = active_user(home);
    const auto redis = home.server.redis_process();
    ASSERT_EQ(::kill(redis, SIGSTOP), 0);
    for (const auto& row : routes()) {
        SCOPED_TRACE(name_of(row));
        if (row.needs == credential::none) {
            EXPECT_EQ(send(who, row, "").status, 200u);
            continue;
        }
        const bool with_key = row.needs == credential::key || row.needs == credential::private_key;
        const auto begin = std::chrono::steady_clock::now();
        const auto response = send(who, row,
                                   row.needs == credential::password ? who.basic()
                                   : with_key ? std::string(clara_private_key)
                                              : who.bearer());
        EXPECT_LE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
        expect_refusal(response, 500, says_failed);
        EXPECT_TRUE(response.header("Retry-After"));
    }
    ASSERT_EQ(::kill(redis, SIGCONT), 0);
}

} // namespace
} // namespace countersign::tests
