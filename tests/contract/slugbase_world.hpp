// What the slugbase family's tests share: its people, and its replies (contract sections 2.2 to
// 2.4).
#pragma once

#include "tests/contract/world.hpp"
#include "tests/support/slugbase_client.hpp"

#include <string>
#include <string_view>

namespace countersign::tests {

// Every family is served, and a new account has no second factor, unless `settings` say otherwise.
[[nodiscard]] world& slugbase_world(server_settings settings = {});

// Steps either side of now that the servers of slugbase_world() take.
inline constexpr int slugbase_window = 5;

// Signed up, signed in by cookie, with a CSRF token.
[[nodiscard]] slugbase_client slugbase_person(world& home = slugbase_world());
// The same, and the authenticator app is on.
[[nodiscard]] slugbase_client slugbase_person_with_mfa(world& home = slugbase_world());
// Signed up only.
[[nodiscard]] slugbase_client slugbase_stranger(world& home = slugbase_world());
// The password was right, the code is outstanding.
[[nodiscard]] slugbase_client half_logged_in(const slugbase_client& who);

// The reply's status, type and whole body.
void expect_reply(const http_response& response, unsigned status, std::string_view body);
// {"error": …} and, unless it is empty, "code".
void expect_refusal(const http_response& response, unsigned status, std::string_view error,
                    std::string_view code = {});
void expect_unauthorized(const http_response& response);
// The page's 400 shape with one detail about this member.
void expect_bad_request(const http_response& response, std::string_view field);
// 429 with the text and Retry-After, at most `longest_s`.
void expect_too_many(const http_response& response, std::string_view text, int longest_s);
// The user object of this person. Returns it.
boost::json::object expect_user(const http_response& response, const slugbase_client& whose);
// Ten codes of 16 hexadecimal digits, no two alike.
void expect_backup_codes(const http_response& response);

// The page's 401 shape.
inline constexpr std::string_view unauthorized_body =
    R"({"error":"Unauthorized",)"
    R"("message":"Authentication required. Please provide a valid API token","code":401})";
inline constexpr std::string_view mfa_attempts_text =
    "Too many MFA attempts. Please try again later.";

} // namespace countersign::tests
