// The limits per IP address (contract section 3.9) and the answer while the store is away.
#include "tests/contract/world.hpp"
#include "tests/support/redis_server.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <memory>

namespace countersign::tests {
namespace {

TEST(NativeLimits, TheEleventhSignInInFiveMinutes_IsRefused) {
    auto& home = world::with({{"policy.ip_limits", "true"},
                              {"policy.attempts_pause_after", "1000"},
                              {"policy.attempts_lock_after", "1000"}});
    const auto attempt = [&](std::string_view path) {
        return http_request(home.server.port(), "POST", path, {},
                            R"({"email":"nobody@example.org","password":"Correct-Horse-7"})");
    };
    for (int count = 0; count < 10; ++count)
        expect_error(attempt("/api/auth/login"), 401, "INVALID_CREDENTIALS");

    // Every route that takes a password or a code draws on the same allowance.
    for (const auto* path :
         {"/api/auth/login", "/api/auth/step-up", "/api/auth/2fa/login", "/api/auth/2fa/step-up",
          "/api/auth/2fa/totp/recover", "/api/auth/password/reset"}) {
        const auto refused = attempt(path);
        expect_error_at(refused, 429, "IP_LOGIN_RATE_LIMIT_EXCEEDED", path);
        const auto wait = std::stoi(refused.header("Retry-After").value_or("0"));
        EXPECT_GE(wait, 1);
        EXPECT_LE(wait, 300);
    }
    EXPECT_EQ(http_request(home.server.port(), "GET", "/api/auth/status").status, 200u);
}

TEST(NativeLimits, TheTwoHundredthAndFirstRequestInAMinute_IsRefused) {
    world home({{"policy.ip_limits", "true"}});
    http_connection connection(home.server.port());
    // The allowance refills while the test draws on it: 200 a minute, so a few more.
    http_response last;
    int allowed = 0;
    while ((last = connection.request("GET", "/api/auth/status")).status == 200 && allowed < 260)
        ++allowed;
    EXPECT_GE(allowed, 200);
    expect_error_at(last, 429, "IP_RATE_LIMIT_EXCEEDED", "/api/auth/status");
    EXPECT_TRUE(last.header("Retry-After"));
}

TEST(NativeLimits, WhatIsLeft_IsSaidInTheHeader) {
    world home({{"policy.ip_limits", "true"}});
    const auto status = http_request(home.server.port(), "GET", "/api/auth/status");
    EXPECT_EQ(status.header("RateLimit-Policy"), "\"singularity-ip\";q=200;w=60");
    EXPECT_EQ(status.header("RateLimit"), "\"singularity-ip\";r=199;t=1");
    const auto login = http_request(home.server.port(), "POST", "/api/auth/login", {}, "{}");
    EXPECT_EQ(login.header("RateLimit-Policy"),
              "\"singularity-ip\";q=200;w=60, \"singularity-sign-in\";q=10;w=300");
    EXPECT_EQ(login.header("RateLimit"),
              "\"singularity-ip\";r=198;t=1, \"singularity-sign-in\";r=9;t=30");
}

// The limits' own Redis is lost: the server goes on, and still limits.
TEST(NativeLimits, WithoutTheirRedis_EachThreadCounts) {
    auto redis = std::make_unique<redis_server>();
    world home({{"policy.ip_limits", "true"},
                {"policy.attempts_pause_after", "1000"},
                {"policy.attempts_lock_after", "1000"},
                {"threads", "1"},
                {"redis.limits_url", "unix://" + redis->address().unix_socket}});
    const auto attempt = [&] {
        return http_request(home.server.port(), "POST", "/api/auth/login", {},
                            R"({"email":"nobody@example.org","password":"Correct-Horse-7"})");
    };
    for (int count = 0; count < 5; ++count)
        expect_error(attempt(), 401, "INVALID_CREDENTIALS");
    redis.reset();
    for (int count = 0; count < 10; ++count)
        expect_error(attempt(), 401, "INVALID_CREDENTIALS");
    expect_error(attempt(), 429, "IP_LOGIN_RATE_LIMIT_EXCEEDED");
    EXPECT_TRUE(home.server.has_logged("limits: their Redis does not answer"));
}

TEST(NativeStoreAway, EveryAnswerIsAFailureOfTheDatabase) {
    world home({{"policy.email_factor_by_default", "false"}});
    auto who = with_totp_only(home);
    auto half = who;
    half.forget_tokens();
    ASSERT_EQ(half.log_in().status, 200u);
    const auto redis = home.server.redis_process();
    ASSERT_EQ(::kill(redis, SIGSTOP), 0);

    const auto code = who.app.next();
    for (const auto& response :
         {half.complete_login(R"({"totp":")" + code + "\"}"), who.call("GET", "/api/users/me"),
          who.call("DELETE", "/api/auth/2fa/totp")}) {
        expect_error(response, 500, "DATABASE_FAILURE");
        EXPECT_TRUE(response.header("Retry-After"));
        // The cause is the operator's business.
        EXPECT_EQ(response.body.find("edis"), std::string::npos) << response.body;
    }
    ASSERT_EQ(::kill(redis, SIGCONT), 0);
}

} // namespace
} // namespace countersign::tests
