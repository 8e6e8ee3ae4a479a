// The pages about the API, as a browser gets them.
#include "tests/support/server_process.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace countersign::tests {
namespace {

constexpr std::string_view accept_gzip = "gzip, br";

class DocumentationPages : public testing::Test {
protected:
    static void SetUpTestSuite() { server = new server_process(COUNTERSIGN_PROGRAM); }
    static void TearDownTestSuite() { delete server; }
    static http_response get(std::string_view path, const http_headers& headers = {}) {
        return server->connect().request("GET", path, headers);
    }

    inline static server_process* server = nullptr;
};

TEST_F(DocumentationPages, EachRunsNothingButThisServersOwn) {
    for (const auto* path : {"/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js",
                             "/docs/swagger-ui.css", "/docs/licenses.txt", "/openapi.json"}) {
        const auto reply = get(path, {{"Accept-Encoding", std::string(accept_gzip)}});
        EXPECT_EQ(reply.status, 200U) << path;
        const auto policy = reply.header("Content-Security-Policy").value_or("none");
        EXPECT_TRUE(policy.starts_with("default-src 'none'; ")) << path << ": " << policy;
        for (const auto* forbidden : {"unsafe", "http", "*"})
            EXPECT_EQ(policy.find(forbidden), std::string::npos) << path << ": " << policy;
        EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << path;
        EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff") << path;
        EXPECT_EQ(reply.header("Referrer-Policy"), "no-referrer") << path;
    }
}

TEST_F(DocumentationPages, WhatDidNotChange_IsNotSentAgain) {
    const auto first = get("/openapi.json");
    const auto tag = first.header("ETag");
    ASSERT_TRUE(tag);
    const auto second = get("/openapi.json", {{"If-None-Match", std::string(*tag)}});
    EXPECT_EQ(second.status, 304U);
    EXPECT_EQ(second.body, "");
    EXPECT_EQ(get("/openapi.json", {{"If-None-Match", "\"another\""}}).body, first.body);
}

TEST_F(DocumentationPages, WhatIsKeptCompressed_GoesToWhoTakesItOnly) {
    const auto* path = "/docs/swagger-ui.css";
    EXPECT_EQ(get(path, {{"Accept-Encoding", "gzip"}}).header("Content-Encoding"), "gzip");
    EXPECT_EQ(get(path, {{"Accept-Encoding", "br, *"}}).header("Content-Encoding"), "gzip");
    EXPECT_EQ(get(path).status, 406U);
    EXPECT_EQ(get(path, {{"Accept-Encoding", "gzip;q=0"}}).status, 406U);
}

} // namespace
} // namespace countersign::tests
