// What the service family's tests share: a server with the family on, a backend with a key of every
// scope, and the shape of problem documents (RFC 9457).
#pragma once

#include "tests/contract/world.hpp"
#include "tests/support/service_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::tests {

inline constexpr int service_window = 5; // TOTP steps either side that a world takes

[[nodiscard]] inline server_settings with_service(server_settings more = {}) {
    more.try_emplace("api.families", "singularity,slugbase,service");
    return more;
}
[[nodiscard]] inline world& service_world(server_settings more = {}) {
    return world::with(with_service(std::move(more)));
}

// With a key of every scope, one for each world.
[[nodiscard]] inline service_client backend_of(world& home = service_world()) {
    static std::map<std::string, std::string> keys; // by data directory
    auto& key = keys[home.server.data_dir().string()];
    if (key.empty()) key = make_service_key(COUNTERSIGN_PROGRAM, home.server).key;
    return {.port = home.server.port(), .key = key};
}
[[nodiscard]] inline service_client backend_with(std::string_view scopes,
                                                 world& home = service_world()) {
    return {.port = home.server.port(),
            .key = make_service_key(COUNTERSIGN_PROGRAM, home.server, scopes).key};
}

inline void expect_problem(const http_response& response, unsigned status, std::string_view code,
                           std::string_view field = {}) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
    boost::json::object body;
    ASSERT_NO_THROW(body = json_of(response));
    EXPECT_EQ(text_in(body, "code"), code) << response.body;
    EXPECT_EQ(text_in(body, "type"), "urn:countersign:problem:" + std::string(code));
    EXPECT_EQ(body.at("status"), status);
    EXPECT_FALSE(text_in(body, "title").empty());
    EXPECT_TRUE(text_in(body, "detail").ends_with('.') || text_in(body, "detail").ends_with("…"))
        << response.body;
    EXPECT_EQ(text_in(body, "field"), field) << response.body;
    EXPECT_EQ(body.size(), field.empty() ? 5u : 6u) << response.body;
}

// The same, with a time to wait of at most `longest` seconds.
inline void expect_wait(const http_response& response, unsigned status, std::string_view code,
                        int longest) {
    expect_problem(response, status, code);
    const auto wait = std::stoi(response.header("Retry-After").value_or("0"));
    EXPECT_GE(wait, 1);
    EXPECT_LE(wait, longest);
}

inline void expect_204(const http_response& response) {
    EXPECT_EQ(response.status, 204u) << response.body;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.header("Content-Type"), std::nullopt);
}

inline boost::json::object expect_json(const http_response& response, unsigned status,
                                       const shape& expected) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.header("Content-Type"), "application/json");
    auto body = json_of(response);
    expect_shape(body, expected);
    return body;
}

[[nodiscard]] inline const shape& subject_shape() {
    static const shape members{{"subject", kind::text},
                               {"account", kind::text},
                               {"email", kind::text},
                               {"emailVerified", kind::boolean},
                               {"notificationAddresses", kind::array},
                               {"name", kind::text},
                               {"locale", kind::text_or_null},
                               {"createdAt", kind::text},
                               {"secondFactor", kind::boolean},
                               {"factors", kind::array},
                               {"backupCodesRemaining", kind::number},
                               {"blocked", kind::boolean}};
    return members;
}

inline void expect_verified(const http_response& response, std::string_view method,
                            int backup_codes) {
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, R"({"verified":true,"method":")" + std::string(method) +
                                 R"(","remainingBackupCodes":)" + std::to_string(backup_codes) +
                                 "}");
}
inline void expect_not_verified(const http_response& response, std::string_view reason) {
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, R"({"verified":false,"reason":")" + std::string(reason) + "\"}");
}

// Mails to the address whose subject contains these words, once there are `count`.
[[nodiscard]] inline std::vector<received_mail>
mails_to(const world& home, std::string_view address, std::string_view words, std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (mails_about(home.sink, address, words).size() < count &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    auto mails = mails_about(home.sink, address, words);
    EXPECT_EQ(mails.size(), count) << words << " to " << address;
    return mails;
}

} // namespace countersign::tests
