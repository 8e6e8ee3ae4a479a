// What the Clara family's tests share: a server with the family on, and the envelope of its
// replies, to the letter (contract section 1.2).
#pragma once

#include "tests/contract/world.hpp"
#include "tests/support/clara_client.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace countersign::tests {

inline constexpr std::string_view says_empty = "Request body is empty.";
inline constexpr std::string_view says_schema =
    "One or more required parameters are either not given or have invalid schema.";
inline constexpr std::string_view says_exists = "User with the given identifier already exists.";
inline constexpr std::string_view says_unauthenticated =
    "Authorization header or OTP is either missing, invalid or expired.";
inline constexpr std::string_view says_inactive =
    "Please activate your account to access the requested resource.";
inline constexpr std::string_view says_forbidden =
    "You do not have access to the requested resource.";
inline constexpr std::string_view says_no_user = "User with the given identifier does not exist.";
inline constexpr std::string_view says_no_route = "The requested route does not exist.";
inline constexpr std::string_view says_no_method =
    "The requested method is not allowed for this route.";
inline constexpr std::string_view says_too_often = "You have exceeded the rate limit.";
inline constexpr std::string_view says_failed = "Something went wrong.";

[[nodiscard]] inline world& clara_world(server_settings more = {}) {
    return world::with(with_clara(std::move(more)));
}

[[nodiscard]] inline clara_client newcomer(world& home = clara_world()) {
    return {home.server.port(), home.sink};
}
// Registered, active, with a user token.
[[nodiscard]] inline clara_client active_user(world& home = clara_world()) {
    return active_clara_client(home.server.port(), home.sink);
}
[[nodiscard]] inline clara_client user_with_two_factor(world& home = clara_world()) {
    auto who = active_user(home);
    who.enable_two_factor();
    return who;
}

inline void expect_envelope(const http_response& response, unsigned status, std::string_view kind,
                            std::string_view message, const boost::json::value& data) {
    const auto body = boost::json::serialize(
        boost::json::object{{"data", data}, {"message", message}, {"status", kind}});
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, body);
    EXPECT_EQ(response.header("Content-Type"), "application/json");
}

inline void expect_success(const http_response& response, unsigned status, std::string_view message,
                           const boost::json::value& data = nullptr) {
    expect_envelope(response, status, "success", message, data);
}

inline void expect_no_content(const http_response& response) {
    EXPECT_EQ(response.status, 204u);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.header("Content-Type"), std::nullopt);
}

inline void expect_refusal(const http_response& response, unsigned status,
                           std::string_view message) {
    expect_envelope(response, status, "error", message, nullptr);
}

// A code is asked for, or was wrong or late, where 2FA is what it is about.
inline void expect_code_refused(const http_response& response) {
    expect_envelope(response, 401, "error", says_unauthenticated,
                    boost::json::object{{"is_2fa_enabled", true}});
}

// 429, with a time to wait of at most `longest` seconds.
inline void expect_too_often(const http_response& response, int longest) {
    expect_refusal(response, 429, says_too_often);
    const auto wait = std::stoi(response.header("Retry-After").value_or("0"));
    EXPECT_GE(wait, 1);
    EXPECT_LE(wait, longest);
}

// Six digits that are not these.
[[nodiscard]] inline std::string other_than(std::string code) {
    code.back() = code.back() == '9' ? '0' : static_cast<char>(code.back() + 1);
    return code;
}

[[nodiscard]] inline const shape& clara_user_shape() {
    static const shape members{{"id", kind::text},
                               {"email", kind::text},
                               {"first_name", kind::text_or_null},
                               {"last_name", kind::text_or_null},
                               {"credits", kind::number},
                               {"is_2fa_enabled", kind::boolean},
                               {"is_active", kind::boolean},
                               {"is_dark_mode", kind::boolean},
                               {"created_at", kind::text},
                               {"updated_at", kind::text}};
    return members;
}

} // namespace countersign::tests
