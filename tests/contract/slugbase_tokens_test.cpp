// /api/tokens (contract section 2.4).
#include "tests/contract/slugbase_world.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <regex>

namespace countersign::tests {
namespace {

boost::json::array list_of(slugbase_client& who) {
    const auto response = who.call("GET", "/api/tokens");
    EXPECT_EQ(response.status, 200u) << response.body;
    return boost::json::parse(response.body).as_array();
}

TEST(SlugbaseApiToken, Made_IsToldOnceListedAndAlerted) {
    auto who = slugbase_person();
    EXPECT_TRUE(list_of(who).empty());

    const auto response = who.call("POST", "/api/tokens", R"({"name":"backup job"})");

    EXPECT_EQ(response.status, 201u) << response.body;
    const auto made = json_of(response);
    expect_shape(made, {{"token", kind::text},
                        {"id", kind::text},
                        {"name", kind::text},
                        {"created_at", kind::text}});
    const auto token = text_in(made, "token");
    EXPECT_TRUE(std::regex_match(token, std::regex("sb_[A-Za-z0-9_-]{43}"))) << token;
    EXPECT_EQ(text_in(made, "name"), "backup job");
    const auto listed = list_of(who);
    ASSERT_EQ(listed.size(), 1u);
    expect_shape(listed[0].as_object(),
                 {{"id", kind::text}, {"name", kind::text}, {"created_at", kind::text}});
    EXPECT_EQ(text_in(listed[0].as_object(), "id"), text_in(made, "id"));
    EXPECT_EQ(text_in(listed[0].as_object(), "created_at"), text_in(made, "created_at"));
    person reader(slugbase_world());
    reader.email = who.email;
    reader.expect_mail("API Token", 1);
}

TEST(SlugbaseApiToken, Revoked_IsGoodNoMore_T34) {
    auto who = slugbase_person();
    auto program = who.elsewhere();
    program.bearer = who.make_api_token();
    ASSERT_EQ(program.call("GET", "/api/auth/me").status, 200u);
    const auto id = text_in(list_of(who)[0].as_object(), "id");

    expect_reply(who.call("DELETE", "/api/tokens/" + id), 200, R"({"message":"Token revoked"})");

    expect_unauthorized(program.call("GET", "/api/auth/me"));
    EXPECT_TRUE(list_of(who).empty());
    expect_refusal(who.call("DELETE", "/api/tokens/" + id), 404, "Not found");
}

TEST(SlugbaseApiToken, OfAnotherUser_IsNotFound) {
    auto who = slugbase_person();
    auto other = slugbase_person();
    (void)other.make_api_token();
    const auto id = text_in(list_of(other)[0].as_object(), "id");
    expect_refusal(who.call("DELETE", "/api/tokens/" + id), 404, "Not found");
    EXPECT_EQ(list_of(other).size(), 1u);
}

TEST(SlugbaseApiToken, TheEleventh_IsRefused) {
    auto who = slugbase_person();
    for (int count = 0; count < 10; ++count)
        (void)who.make_api_token();
    expect_refusal(who.call("POST", "/api/tokens", R"({"name":"one more"})"), 400,
                   "Too many API tokens. Revoke one first.");
    EXPECT_EQ(list_of(who).size(), 10u);
}

TEST(SlugbaseApiToken, ItsName_IsOneToAHundredCharacters) {
    auto who = slugbase_person();
    const std::string long_name(100, 'n');
    for (const auto& body :
         {std::string(), std::string("{}"), std::string(R"({"name":""})"),
          std::string(R"({"name":null})"), std::string(R"({"name":7})"),
          R"({"name":")" + long_name + "n\"}", std::string(R"({"name":"a\nb"})")})
        expect_bad_request(who.call("POST", "/api/tokens", body), "name");
    expect_bad_request(who.call("POST", "/api/tokens", R"(["name"])"), "body");
    EXPECT_TRUE(list_of(who).empty());
    (void)who.make_api_token(long_name);
}

TEST(SlugbaseApiToken, AWrongMethodOrPath_IsSaidInTheFamilysShape) {
    auto who = slugbase_person();
    const auto response = who.call("PUT", "/api/tokens", "{}");
    expect_refusal(response, 405, "Method not allowed");
    EXPECT_EQ(response.header("Allow"), "GET, POST");
    for (const auto* path : {"/api/tokens/a/b", "/api/auth/mfa/nothing"})
        expect_refusal(who.call("GET", path), 404, "Not found");
    expect_refusal(who.call("POST", "/api/tokens", std::string(20'000, 'x')), 413,
                   "The body is too large");
}

} // namespace
} // namespace countersign::tests
