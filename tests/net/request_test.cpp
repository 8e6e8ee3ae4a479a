#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/strictness.hpp"

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

using boost::beast::http::field;

TEST(Request, Target_SplitsAtTheFirstQuestionMark) {
    request value;
    value.set_target("/a%20b?c=d?e");
    EXPECT_EQ(value.path, "/a%20b");
    EXPECT_EQ(value.query, "c=d?e");
}

TEST(Request, QueryParameter_IsDecodedStrictly) {
    request value;
    value.set_target("/?a=1+2%2B3&b=%zz&c&d=&a=second&%65=x&f=%4");
    EXPECT_EQ(value.query_parameter("a"), "1 2+3");
    EXPECT_EQ(value.query_parameter("b"), std::nullopt);
    EXPECT_EQ(value.query_parameter("c"), "");
    EXPECT_EQ(value.query_parameter("d"), "");
    EXPECT_EQ(value.query_parameter("e"), "x");
    EXPECT_EQ(value.query_parameter("f"), std::nullopt);
    EXPECT_EQ(value.query_parameter("g"), std::nullopt);
}

TEST(Request, PathParameters_AreDecodedAndClean) {
    request value;
    const std::string_view good[] = {"plain", "a%2Fb%40c", "a+b"};
    ASSERT_TRUE(value.set_path_parameters(good));
    ASSERT_EQ(value.path_parameters().size(), 3U);
    EXPECT_EQ(value.path_parameters()[1], "a/b@c");
    EXPECT_EQ(value.path_parameters()[2], "a+b");
    for (const std::string_view bad : {"%", "%4", "%zz", "a%00", "%0a", "%7F"}) {
        EXPECT_FALSE(value.set_path_parameters({&bad, 1})) << bad;
        EXPECT_TRUE(value.path_parameters().empty());
    }
}

TEST(Request, Cookie_IsFoundByItsWholeName) {
    request value;
    value.fields = {{field::cookie, "Cookie", "xaccess=1; access=2;access=3;  empty=; =nameless"},
                    {field::cookie, "cookie", "second=4=5"}};
    EXPECT_EQ(value.cookie("access"), "2");
    EXPECT_EQ(value.cookie("second"), "4=5");
    EXPECT_EQ(value.cookie("empty"), "");
    EXPECT_EQ(value.cookie("Access"), std::nullopt);
    EXPECT_EQ(value.header("COOKIE").value_or("").size(), value.fields[0].value.size());
}

TEST(Host, OnlyNamesAndAddressesWithAPort) {
    for (const auto* good :
         {"a", "a.example:80", "192.0.2.1", "[::1]", "[2001:db8::1]:8443", "a_b-c"})
        EXPECT_TRUE(is_valid_host(good)) << good;
    for (const auto* bad : {"", ":80", "a:", "a:123456", "a:x", "a b", "a,b", "[::1", "[]", "[::g]",
                            "[::1]80", "::1", "a/", "u@a", "a\\b", "%61"})
        EXPECT_FALSE(is_valid_host(bad)) << bad;
}

TEST(Reply, Header_ThatCannotBeSent_IsRefused) {
    const reply_framing framing{.date = "now"};
    const std::vector<std::pair<std::string, std::string>> bad = {{"X", "a\r\nb"},
                                                                  {"X", "a\nb"},
                                                                  {"X", std::string("a\0b", 3)},
                                                                  {"X Y", "a"},
                                                                  {"", "a"},
                                                                  {"X:", "a"},
                                                                  {"content-length", "1"},
                                                                  {"Transfer-Encoding", "chunked"},
                                                                  {"Connection", "close"}};
    for (const auto& header : bad) {
        std::string out = "before";
        reply value;
        value.headers.push_back(header);
        EXPECT_FALSE(serialise(value, framing, out)) << header.first;
        EXPECT_EQ(out, "before");
    }
}

TEST(Reply, Bytes_AreAsExpected) {
    reply value;
    value.status = 404;
    value.body = "{}";
    value.headers = {{"Cache-Control", "max-age=60"}, {"Set-Cookie", "a=b"}, {"Set-Cookie", "c=d"}};
    std::string out;
    ASSERT_TRUE(serialise(value, {.date = "D", .close = true}, out));
    EXPECT_EQ(out, "HTTP/1.1 404 Not Found\r\nDate: D\r\nX-Content-Type-Options: nosniff\r\n"
                   "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
                   "Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n{}");
}

TEST(Reply, Date_IsAnImfFixdate) {
    EXPECT_EQ(http_date(std::chrono::sys_seconds(std::chrono::seconds(784'111'777))),
              "Sun, 06 Nov 1994 08:49:37 GMT");
}

} // namespace
} // namespace countersign::net
