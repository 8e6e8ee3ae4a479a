#include "net/client_address.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace countersign::net {
namespace {

using boost::asio::ip::make_address;
using boost::beast::http::field;

address_block block(std::string_view text) {
    const auto parsed = address_block::parse(text);
    if (!parsed) throw std::invalid_argument(parsed.error());
    return parsed.unsafe_value();
}

trusted_proxies trusted() {
    return {block("10.0.0.0/8"), block("2001:db8::/32")};
}

struct forwarded_case {
    const char* description;
    std::vector<std::string> lines;
    const char* ip;
};

TEST(ClientAddress, ForwardedFor_IsReadFromTheRight) {
    const forwarded_case cases[] = {
        {"no field", {}, "10.0.0.1"},
        {"one entry", {"192.0.2.1"}, "192.0.2.1"},
        {"what the client wrote itself is not believed", {"1.1.1.1, 192.0.2.1"}, "192.0.2.1"},
        {"trusted hops are passed", {"1.1.1.1, 192.0.2.1, 10.2.3.4, 10.9.9.9"}, "192.0.2.1"},
        {"over several lines", {"1.1.1.1", "192.0.2.1", "10.2.3.4"}, "192.0.2.1"},
        {"all are trusted: the leftmost", {"10.2.3.4, 10.5.6.7"}, "10.2.3.4"},
        {"malformed: the last good one", {"192.0.2.1, nonsense, 10.2.3.4"}, "10.2.3.4"},
        {"malformed at once: the peer", {"192.0.2.1, unknown"}, "10.0.0.1"},
        {"empty entry is malformed", {"192.0.2.1,,10.2.3.4"}, "10.2.3.4"},
        {"with ports", {"192.0.2.1:4711, 10.2.3.4:80"}, "192.0.2.1"},
        {"IPv6", {"2a00:1::1, 2001:db8::5"}, "2a00:1::1"},
        {"IPv6 with a port", {"[2a00:1::1]:443, [2001:db8::5]"}, "2a00:1::1"},
        {"IPv4 in IPv6 clothes", {"::ffff:192.0.2.1, ::ffff:10.1.1.1"}, "192.0.2.1"},
    };
    for (const auto& row : cases) {
        std::vector<header_field> fields{{field::host, "Host", "a"}};
        for (const auto& line : row.lines)
            fields.push_back({field::unknown, "x-forwarded-for", line});
        EXPECT_EQ(forwarded_client(make_address("10.0.0.1"), trusted(), fields).ip, row.ip)
            << row.description;
    }
}

TEST(ClientAddress, ForwardedProto_IsTheRightmost) {
    const auto secure = [](std::string_view value) {
        const std::vector<header_field> fields{{field::unknown, "X-Forwarded-Proto", value}};
        return forwarded_client(make_address("10.0.0.1"), trusted(), fields).secure;
    };
    EXPECT_TRUE(secure("https"));
    EXPECT_TRUE(secure("http, HTTPS"));
    EXPECT_FALSE(secure("https, http"));
    EXPECT_FALSE(secure(""));
}

TEST(AddressBlock, Parse_SaysWhatIsWrong) {
    for (const auto* good :
         {"10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "::/0", "2001:db8::/33", "::1"})
        EXPECT_TRUE(address_block::parse(good)) << good;
    for (const auto* bad : {"", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8",
                            "proxy.example", "::/129", "10.0.0.0/8 ", "2001:db8::1/32"}) {
        const auto parsed = address_block::parse(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_TRUE(parsed.error().ends_with('.'));
    }
}

TEST(AddressBlock, Contains_ComparesThePrefix) {
    const auto private_block = block("172.16.0.0/12");
    EXPECT_TRUE(private_block.contains(make_address("172.31.255.255")));
    EXPECT_TRUE(private_block.contains(make_address("::ffff:172.16.0.1")));
    EXPECT_FALSE(private_block.contains(make_address("172.32.0.0")));
    EXPECT_FALSE(private_block.contains(make_address("::1")));
    EXPECT_TRUE(block("::/0").contains(make_address("::1")));
    EXPECT_FALSE(block("::/0").contains(make_address("1.2.3.4")));
}

TEST(LimitKey, IsTheAddressOrItsSlash64) {
    EXPECT_EQ(limit_key("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(limit_key("::ffff:192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(limit_key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    EXPECT_EQ(limit_key("2001:db8:1:2:ffff::"), limit_key("2001:db8:1:2::1"));
    EXPECT_EQ(limit_key("unknown"), "unknown");
}

} // namespace
} // namespace countersign::net
