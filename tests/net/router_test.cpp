#include "net/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace countersign::net {
namespace {

using boost::beast::http::verb;

const route_key keys[] = {
    {verb::get, "/api/users/me"},
    {verb::patch, "/api/users/me"},
    {verb::get, "/api/users/{user}"},
    {verb::get, "/api/users/{user}/sessions"},
    {verb::delete_, "/api/users/{user}/sessions/{session}"},
    {verb::delete_, "/api/users/{user}/sessions/current"},
    {verb::get, "/"},
};

std::string describe(verb method, std::string_view path) {
    const router table(keys);
    const auto result = table.find(method, path);
    if (const auto* other = std::get_if<router::method_not_allowed>(&result)) return other->allow;
    if (const auto* found = std::get_if<router::match>(&result)) {
        auto text = std::to_string(found->route);
        for (const auto segment : found->segments())
            text += " " + std::string(segment);
        return text;
    }
    return "none";
}

TEST(Router, Find_MatchesLiteralsBeforePatterns) {
    EXPECT_EQ(describe(verb::get, "/api/users/me"), "0");
    EXPECT_EQ(describe(verb::get, "/api/users/42"), "2 42");
    EXPECT_EQ(describe(verb::get, "/api/users/42/sessions"), "3 42");
    EXPECT_EQ(describe(verb::delete_, "/api/users/42/sessions/7"), "4 42 7");
    EXPECT_EQ(describe(verb::delete_, "/api/users/42/sessions/current"), "5 42");
    EXPECT_EQ(describe(verb::get, "/"), "6");
}

TEST(Router, Find_KnowsThePathButNotTheMethod) {
    EXPECT_EQ(describe(verb::head, "/api/users/me"), "GET, PATCH");
    EXPECT_EQ(describe(verb::options, "/api/users/42"), "GET");
}

TEST(Router, Find_TakesPathsLiterally) {
    for (const auto* path :
         {"", "api", "/api/users/me/", "/api/users/", "/api/users//sessions", "/API/users/me",
          "/api/users/42/sessions/7/8", "//", "/api//users/me", "/api/users/42/sessions/"})
        EXPECT_EQ(describe(verb::get, path), "none") << path;
    EXPECT_EQ(describe(verb::get, "/api/users/%2e%2e"), "2 %2e%2e");
}

TEST(Router, Construction_RefusesWhatCannotBeRouted) {
    const std::vector<std::vector<route_key>> tables = {
        {{verb::get, "a"}},
        {{verb::get, "/a/{b"}},
        {{verb::get, "/a/x{b}"}},
        {{verb::get, "/{a}//b"}},
        {{verb::get, "/a"}, {verb::get, "/a"}},
        {{verb::get, "/a/{b}"}, {verb::get, "/a/{c}"}},
        {{verb::get, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}},
    };
    for (const auto& table : tables)
        EXPECT_THROW(router{table}, std::invalid_argument);
}

} // namespace
} // namespace countersign::net
