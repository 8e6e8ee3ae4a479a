// The slugbase family without the native one: its own login and logout, and the answer of every
// route while the store is away. Its people come from data that the native family made.
#include "tests/contract/slugbase_world.hpp"

#include "net/families/slugbase/routes.hpp"

#include <boost/beast/http/verb.hpp>
#include <chrono>
#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace countersign::tests {
namespace {

// Made with both families on, then served by slugbase alone.
struct alone {
    explicit alone(server_settings settings = {})
        : home([&] {
              settings.try_emplace("api.families", "singularity,slugbase");
              settings.try_emplace("policy.email_factor_by_default", "false");
              return settings;
          }()) {
        plain = slugbase_person(home);
        with_mfa = slugbase_person_with_mfa(home);
        if (home.server.stop() != 0)
            throw std::runtime_error("the server did not stop in order: " + home.server.log());
        home.server.set("api.families", "slugbase");
        home.server.start();
    }

    static alone& shared() {
        static alone one;
        return one;
    }

    world home;
    slugbase_client plain, with_mfa;
};

TEST(SlugbaseAlone, TheNativeFamily_IsNotServed) {
    const auto& who = alone::shared().plain;
    for (const auto* path : {"/api/users/me", "/api/auth/status", "/api/auth/2fa/totp/setup"})
        expect_refusal(slugbase_client(who).call("GET", path), 404, "Not found");
}

TEST(SlugbaseAlone, ASessionMadeBefore_StillStands) {
    auto who = alone::shared().plain;
    EXPECT_EQ(who.call("GET", "/api/auth/me").status, 200u);
}

TEST(SlugbaseAlone, LoginWithoutAFactor_IsTheUser) {
    auto who = alone::shared().plain.elsewhere();

    const auto response = who.log_in();

    expect_user(response, who);
    expect_cookie(response, "slugbase.sid", response.set_cookies().at("slugbase.sid"), 7'776'000);
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"),
              "slugbase.mfa_pending=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    EXPECT_EQ(cookie_field(response, "access_token"), "");
    EXPECT_EQ(who.call("GET", "/api/auth/me").status, 200u);
}

TEST(SlugbaseAlone, LoginOverALiveSession_EndsIt) {
    auto who = alone::shared().plain.elsewhere();
    who.sign_in();
    auto before = who;
    ASSERT_EQ(who.log_in().status, 200u);
    EXPECT_EQ(who.call("GET", "/api/auth/me").status, 200u);
    expect_unauthorized(before.call("GET", "/api/auth/me"));
}

// Fifty in a quarter of an hour, and what succeeds is given back.
TEST(SlugbaseAlone, OfLogins_OnlyTheFailedCountForTheAddress) {
    const alone limited({{"policy.ip_limits", "true"}});
    const auto remaining_after_login = [&](const std::string& password) {
        auto who = limited.plain.elsewhere();
        who.password = password;
        return std::stoi(who.log_in().header("RateLimit-Remaining").value_or("-1"));
    };
    EXPECT_EQ(remaining_after_login("Wrong-Horse-7"), 49);
    for (int count = 0; count < 3; ++count)
        EXPECT_EQ(remaining_after_login(limited.plain.password), 48);
    EXPECT_EQ(remaining_after_login("Wrong-Horse-7"), 48);
}

TEST(SlugbaseAlone, LoginWithAFactor_AsksForTheCode) {
    auto who = alone::shared().with_mfa.elsewhere();

    const auto response = who.log_in();

    expect_reply(response, 200, R"({"mfa_required":true})");
    expect_cookie(response, "slugbase.sid", "", 0);
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"),
              "slugbase.mfa_pending=" + who.cookies.at("slugbase.mfa_pending") +
                  "; Path=/; Max-Age=300; HttpOnly; SameSite=Lax");
    expect_unauthorized(who.call("GET", "/api/auth/me"));
    expect_user(who.verify(alone::shared().with_mfa.app.next()), who);
    EXPECT_EQ(who.call("GET", "/api/auth/me").status, 200u);
}

TEST(SlugbaseAlone, Login_RefusesEachWrongThing) {
    auto who = alone::shared().plain.elsewhere();
    const auto send = [&](const std::string& body) {
        return who.call("POST", "/api/auth/login", body);
    };
    const auto email = R"("email":")" + who.email + "\"";
    for (const auto& body :
         {std::string(), std::string("{}"), "{" + email + "}", "{" + email + R"(,"password":""})",
          std::string(R"({"password":"Correct-Horse-7"})"),
          std::string(R"({"email":"","password":"Correct-Horse-7"})"),
          std::string(R"({"email":null,"password":"Correct-Horse-7"})")})
        expect_refusal(send(body), 400, "Email and password are required");
    expect_bad_request(send(R"({"email":7,"password":"x"})"), "email");
    expect_bad_request(send("{" + email + R"(,"password":{}})"), "password");
    expect_bad_request(send("{"), "body");
    for (const auto& body :
         {"{" + email + R"(,"password":"Wrong-Horse-7"})",
          std::string(R"({"email":"nobody@example.org","password":"Correct-Horse-7"})"),
          std::string(R"({"email":"no address","password":"Correct-Horse-7"})")}) {
        const auto response = send(body);
        expect_refusal(response, 401, "Invalid email or password");
        EXPECT_EQ(response.header("Set-Cookie"), std::nullopt);
    }
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(SlugbaseAlone, TheAddress_MayComeInAnyCase) {
    auto who = alone::shared().plain.elsewhere();
    who.email = " USER" + who.email.substr(4);
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(SlugbaseAlone, Logout_EndsTheSessionOfTheCookie) {
    auto who = alone::shared().plain.elsewhere();
    who.sign_in();
    auto thief = who;

    const auto response = who.call("POST", "/api/auth/logout");

    expect_reply(response, 200, R"({"message":"Logged out"})");
    EXPECT_EQ(who.cookies.count("slugbase.sid"), 0u);
    expect_cookie(response, "slugbase.sid", "", 0);
    EXPECT_EQ(cookie_field(response, "slugbase.mfa_pending"),
              "slugbase.mfa_pending=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    expect_unauthorized(thief.call("GET", "/api/auth/me"));
}

TEST(SlugbaseAlone, Logout_NeedsNoSession) {
    auto guest = alone::shared().plain.elsewhere();
    expect_reply(guest.call("POST", "/api/auth/logout"), 200, R"({"message":"Logged out"})");
    guest.cookies["slugbase.sid"] = "garbage";
    expect_reply(guest.call("POST", "/api/auth/logout"), 200, R"({"message":"Logged out"})");
}

TEST(SlugbaseAlone, AfterFiveWrongPasswords_TheRightOneWaits_T12) {
    alone own({{"policy.attempts_first_pause", "2"}});
    auto who = own.plain.elsewhere();
    auto guest = who;
    guest.password = "Wrong-Horse-7";
    for (int miss = 0; miss < 5; ++miss)
        expect_refusal(guest.log_in(), 401, "Invalid email or password");
    expect_too_many(who.log_in(), "Too many authentication attempts, please try again later.", 2);
    wait_a_second();
    wait_a_second();
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(SlugbaseAlone, TheFiftyFirstLoginOfAnAddress_IsRefused) {
    alone own({{"policy.ip_limits", "true"}});
    auto guest = own.plain.elsewhere();
    int answered = 0;
    http_response last;
    while ((last = guest.call("POST", "/api/auth/login", "{}")).status == 400 && answered < 60)
        ++answered;
    EXPECT_GE(answered, 49);
    EXPECT_LE(answered, 52);
    expect_too_many(last, "Too many authentication attempts, please try again later.", 900);
    EXPECT_EQ(guest.call("POST", "/api/auth/logout").status, 200u);
}

TEST(SlugbaseAlone, WhenPasswordChecksQueueUp_SomeAreTurnedAway) {
    alone own; // whose person is blocked afterwards
    const auto& who = own.with_mfa;
    std::string session;
    for (const auto& [name, value] : who.credentials())
        session += name + ": " + value + "\r\n";
    const auto request = [](std::string_view path, std::string_view fields,
                            const std::string& body) {
        return "POST " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) +
               "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    };
    constexpr std::size_t logins = 160, disables = 10;
    std::vector<http_connection> connections;
    for (std::size_t count = 0; count < logins + disables; ++count)
        connections.emplace_back(who.port);
    for (std::size_t index = 0; index < logins; ++index)
        connections[index].send(request("/api/auth/login", "",
                                        R"({"email":")" + native_client::fresh_email() +
                                            R"(","password":"some password"})"));
    std::this_thread::sleep_for(std::chrono::milliseconds(200)); // the queue is full for a second
    for (std::size_t index = logins; index < connections.size(); ++index)
        connections[index].send(
            request("/api/auth/mfa/disable", session, proof_body("123456", who.password)));

    std::size_t turned_away[] = {0, 0};
    for (std::size_t index = 0; index < connections.size(); ++index) {
        const auto response = connections[index].receive();
        const bool is_login = index < logins;
        if (response.status == (is_login ? 401u : 400u) || response.status == 429) continue;
        ++turned_away[is_login ? 0 : 1];
        expect_refusal(response, 503, "The server is busy. Please try again.");
        EXPECT_EQ(response.header("Retry-After"), "1");
    }
    EXPECT_GT(turned_away[0], 0u);
    EXPECT_GT(turned_away[1], 0u);
}

TEST(SlugbaseAlone, WhatNoRouteTakes_IsSaidInOurShape) {
    auto who = alone::shared().plain;
    expect_refusal(who.call("GET", "/nowhere"), 404, "Not found");
    http_connection connection(who.port);
    connection.send("POST /api/auth/mfa/disable HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    expect_refusal(connection.receive(), 400, "The request is malformed");
}

TEST(SlugbaseStoreAway, EveryRoute_SaysThatItFailed) {
    alone own;
    const auto half = half_logged_in(own.with_mfa);
    const auto& who = own.with_mfa;
    const auto code = own.with_mfa.app.next();
    const auto redis = own.home.server.redis_process();
    ASSERT_EQ(::kill(redis, SIGSTOP), 0);

    std::vector<std::pair<std::string, std::future<http_response>>> replies;
    for (const auto& row : net::slugbase::routes()) {
        if (row.handler == net::slugbase::read_csrf_token) continue; // asks nothing of the store
        const auto sender = std::make_shared<slugbase_client>(
            row.needs == net::slugbase::credential::pending_login ? half : who);
        const std::string method(boost::beast::http::to_string(row.key.method));
        const std::string path(row.key.pattern);
        const auto body = R"({"name":"x","code":")" + code + R"(","email":")" + who.email +
                          R"(","password":")" + who.password + "\"}";
        replies.emplace_back(path, std::async(std::launch::async, [=] {
                                 return sender->call(method, path, method == "GET" ? "" : body);
                             }));
    }
    for (auto& [path, reply] : replies) {
        SCOPED_TRACE(path);
        const auto response = reply.get();
        expect_refusal(response, 500,
                       path == "/api/auth/login" ? "An error occurred during sign in."
                                                 : "Request failed");
        EXPECT_EQ(response.header("Retry-After"), "1");
        EXPECT_EQ(response.header("Set-Cookie"), std::nullopt);
    }
    ASSERT_EQ(::kill(redis, SIGCONT), 0);
    EXPECT_EQ(own.with_mfa.disable(code).status, 200u) << "nothing was used up";
}

} // namespace
} // namespace countersign::tests
