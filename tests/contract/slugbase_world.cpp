#include "tests/contract/slugbase_world.hpp"

#include <boost/json/parse.hpp>

#include <regex>
#include <set>

namespace countersign::tests {

world& slugbase_world(server_settings settings) {
    settings.try_emplace("api.families", "singularity,slugbase,clara,service");
    settings.try_emplace("policy.email_factor_by_default", "false");
    return world::with(settings);
}

slugbase_client slugbase_stranger(world& home) {
    person native(home);
    native.sign_up();
    slugbase_client who;
    who.port = native.port;
    who.email = native.email;
    who.window = slugbase_window;
    return who;
}

slugbase_client slugbase_person(world& home) {
    auto who = slugbase_stranger(home);
    who.sign_in();
    return who;
}

slugbase_client slugbase_person_with_mfa(world& home) {
    auto who = slugbase_person(home);
    who.enrol(slugbase_window);
    return who;
}

slugbase_client half_logged_in(const slugbase_client& who) {
    auto half = who.elsewhere();
    if (half.log_in().status != 200 || !half.cookies.contains("slugbase.mfa_pending"))
        throw std::runtime_error("no login is pending");
    return half;
}

void expect_reply(const http_response& response, unsigned status, std::string_view body) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.header("Content-Type"), "application/json");
    EXPECT_EQ(response.body, body);
}

void expect_refusal(const http_response& response, unsigned status, std::string_view error,
                    std::string_view code) {
    std::string body = R"({"error":")" + std::string(error) + '"';
    if (!code.empty()) body.append(R"(,"code":")").append(code).append("\"");
    expect_reply(response, status, body + "}");
}

void expect_unauthorized(const http_response& response) {
    expect_reply(response, 401, unauthorized_body);
}

void expect_bad_request(const http_response& response, std::string_view field) {
    EXPECT_EQ(response.status, 400u) << response.body;
    const auto body = json_of(response);
    expect_shape(body, {{"error", kind::text},
                        {"message", kind::text},
                        {"code", kind::number},
                        {"details", kind::array}});
    EXPECT_EQ(text_in(body, "error"), "Bad Request");
    EXPECT_EQ(text_in(body, "message"),
              "The request contains invalid parameters or malformed data");
    EXPECT_EQ(body.at("code"), 400);
    ASSERT_EQ(body.at("details").as_array().size(), 1u);
    const auto& detail = body.at("details").as_array().front().as_object();
    expect_shape(detail, {{"field", kind::text}, {"message", kind::text}});
    EXPECT_EQ(text_in(detail, "field"), field);
    EXPECT_TRUE(text_in(detail, "message").ends_with('.')) << response.body;
}

void expect_too_many(const http_response& response, std::string_view text, int longest_s) {
    EXPECT_EQ(response.status, 429u) << response.body;
    EXPECT_EQ(response.header("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(response.body, text);
    const auto wait = std::stoi(response.header("Retry-After").value_or("0"));
    EXPECT_GE(wait, 1);
    EXPECT_LE(wait, longest_s);
}

boost::json::object expect_user(const http_response& response, const slugbase_client& whose) {
    auto body = expect_ok(response, {{"id", kind::text},
                                     {"email", kind::text},
                                     {"name", kind::text},
                                     {"user_key", kind::text},
                                     {"is_admin", kind::boolean},
                                     {"email_verified", kind::boolean},
                                     {"language", kind::text},
                                     {"theme", kind::text}});
    EXPECT_TRUE(std::regex_match(text_in(body, "id"), std::regex("user_[0-9a-f]{32}")));
    EXPECT_EQ(text_in(body, "user_key"), text_in(body, "id"));
    EXPECT_EQ(text_in(body, "email"), whose.email);
    EXPECT_EQ(text_in(body, "name"), "Test Person");
    EXPECT_FALSE(body.at("is_admin").as_bool());
    EXPECT_EQ(text_in(body, "language"), "en");
    EXPECT_EQ(text_in(body, "theme"), "auto");
    return body;
}

void expect_backup_codes(const http_response& response) {
    const auto body = expect_ok(response, {{"backup_codes", kind::array}});
    const auto codes = texts_of(body.at("backup_codes"));
    EXPECT_EQ(std::set(codes.begin(), codes.end()).size(), 10u);
    for (const auto& code : codes)
        EXPECT_TRUE(std::regex_match(code, std::regex("[0-9a-f]{16}"))) << code;
}

} // namespace countersign::tests
