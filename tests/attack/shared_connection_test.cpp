// Users who share a connection, as they do behind a proxy, never share anything else.
#include "tests/attack/volley.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace countersign::tests {
namespace {

std::string email_in(const http_response& reply) {
    return text_in(json_of(reply), "email");
}

TEST(SharedConnection, KeptAliveRequestsOfTwoUsersAndNobody_DoNotMix) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto one = stage.person();
    const auto other = stage.person();
    http_connection connection(stage.server.port());
    const auto read = [&](const std::string& access) {
        return connection.request(
            "GET", "/api/users/me",
            access.empty() ? http_headers{} : http_headers{{"Authorization", "Bearer " + access}});
    };
    for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(email_in(read(one.access)), one.email);
        EXPECT_EQ(read("").status, 401);
        EXPECT_EQ(email_in(read(other.access)), other.email);
        EXPECT_EQ(connection.request("GET", "/api/users/me", {{"Cookie", "access_token="}}).status,
                  401);
    }
}

TEST(SharedConnection, PipelinedRequests_AreAnsweredInOrderToTheirOwnUser) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const std::vector<native_client> people{stage.person(), stage.person(), native_client{}};
    constexpr std::size_t depth = 60;
    http_connection connection(stage.server.port());
    std::string bytes;
    for (const auto& request : each_in_turn(people, depth, [](const native_client& who) {
             return request_of(who, "GET", "/api/users/me");
         }))
        bytes += request;
    // Written beside the reading: neither side's buffers hold it all.
    std::jthread writing([&] { connection.send(bytes); });
    for (std::size_t index = 0; index < depth; ++index) {
        const auto reply = connection.receive();
        const auto& who = people[index % people.size()];
        if (who.email.empty())
            EXPECT_EQ(reply.status, 401);
        else
            EXPECT_EQ(email_in(reply), who.email);
    }
}

TEST(SharedConnection, PipelinedLoginAndSecondUse_TakeTheCodeOnce) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    const auto pending = stage.pending_logins(who, 1).front();
    const auto request =
        request_of(pending, "POST", "/api/auth/2fa/login", totp_body(who.app.next()));
    http_connection connection(stage.server.port());
    connection.send(request + request + request);
    EXPECT_EQ(connection.receive().status, 200);
    EXPECT_EQ(connection.receive().status, 401);
    EXPECT_EQ(connection.receive().status, 401);
}

} // namespace
} // namespace countersign::tests
