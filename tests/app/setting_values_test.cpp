#include "app/setting_values.hpp"

#include <gtest/gtest.h>

namespace countersign::app {
namespace {

using std::chrono::seconds;

TEST(SettingValues, Integer_IsDigitsInBounds) {
    EXPECT_EQ(*parse_integer("0", {0, 10}), 0);
    EXPECT_EQ(*parse_integer("10", {0, 10}), 10);
    for (const auto* wrong :
         {"", "11", "-1", "+1", "1.5", "1 ", " 1", "0x1", "99999999999999999999"})
        EXPECT_FALSE(parse_integer(wrong, {0, 10})) << wrong;
}

TEST(SettingValues, IntegerError_NamesTheBounds) {
    EXPECT_EQ(parse_integer("65", {1, 64}).error().sentence,
              "must be a whole number from 1 to 64, not \"65\"");
}

TEST(SettingValues, Duration_TakesSecondsAndSuffixes) {
    constexpr bounds year{0, 31'536'000};
    EXPECT_EQ(*parse_duration("90", year), seconds(90));
    EXPECT_EQ(*parse_duration("90s", year), seconds(90));
    EXPECT_EQ(*parse_duration("15m", year), seconds(900));
    EXPECT_EQ(*parse_duration("2h", year), seconds(7200));
    EXPECT_EQ(*parse_duration("90d", year), seconds(7'776'000));
}

TEST(SettingValues, Duration_RefusesWhatIsOutOfBoundsOrNoDuration) {
    for (const auto* wrong :
         {"", "s", "m", "-1", "-1m", "61", "2m", "1.5m", "1 m", "1w", "1M", "9223372036854775807d"})
        EXPECT_FALSE(parse_duration(wrong, {0, 60})) << wrong;
}

TEST(SettingValues, Domain_IsAsBrowsersBindPasskeysToIt) {
    for (const auto* good :
         {"example.org", "login.example.org", "localhost", "xn--bcher-kva.example"})
        EXPECT_EQ(*parse_domain(good), good);
    for (const auto* wrong :
         {"", "Example.org", "https://example.org", "example.org:443", "example.org/",
          ".example.org", "example..org", "example.org.", "127.0.0.1", "[::1]",
          "b\xc3\xbc"
          "cher.example"})
        EXPECT_FALSE(parse_domain(wrong)) << wrong;
}

TEST(SettingValues, Origin_IsAsABrowserSaysIt) {
    for (const auto* good :
         {"https://example.org", "https://login.example.org:8443", "http://localhost",
          "http://localhost:3000", "android:apk-key-hash:abcDEF_-0"})
        EXPECT_EQ(*parse_origin(good), good);
    for (const auto* wrong :
         {"", "x", "example.org", "http://example.org", "https://", "https://example.org/",
          "https://example.org:", "https://example.org:0", "https://example.org:99999",
          "https://Example.org", "https://a@example.org", "http://localhost.example.org",
          "android:apk-key-hash:"})
        EXPECT_FALSE(parse_origin(wrong)) << wrong;
}

TEST(SettingValues, Origin_IsOfItsDomainOrBelowIt) {
    for (const auto* good : {"https://example.org", "https://example.org:8443",
                             "https://login.example.org", "android:apk-key-hash:x"})
        EXPECT_TRUE(is_origin_of(good, "example.org")) << good;
    for (const auto* wrong : {"https://badexample.org", "https://example.org.attacker.test",
                              "https://org", "http://localhost"})
        EXPECT_FALSE(is_origin_of(wrong, "example.org")) << wrong;
}

TEST(SettingValues, Listen_IsAnAddressWithAPort) {
    for (const auto* good : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[::]:65535"})
        EXPECT_EQ(to_text(*parse_listen(good)), good);
    EXPECT_EQ(parse_listen("[::1]:8080")->address, "::1");
    for (const auto* wrong : {"", "8080", ":8080", "localhost:8080", "::1:8080", "[::1]",
                              "[127.0.0.1]:80", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:"})
        EXPECT_FALSE(parse_listen(wrong)) << wrong;
}

TEST(SettingValues, Network_IsKeptWithoutBitsBeyondItsPrefix) {
    EXPECT_EQ(*parse_network("10.1.2.3/8"), "10.0.0.0/8");
    EXPECT_EQ(*parse_network("10.1.2.3"), "10.1.2.3/32");
    EXPECT_EQ(*parse_network("fd00::1/8"), "fd00::/8");
    EXPECT_EQ(*parse_network("::1"), "::1/128");
    for (const auto* wrong : {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::1/129", "all", "/8"})
        EXPECT_FALSE(parse_network(wrong)) << wrong;
}

TEST(SettingValues, BaseUri_IsKeptWithoutTheSlashAtTheEnd) {
    EXPECT_EQ(*parse_base_uri("https://example.org/"), "https://example.org");
    EXPECT_EQ(*parse_base_uri("http://localhost:8080/app"), "http://localhost:8080/app");
    for (const auto* wrong : {"", "example.org", "ftp://example.org", "https://", "https:///x",
                              "https://user@example.org", "https://example.org?x=1",
                              "https://example.org/#x", "https://exa mple.org"})
        EXPECT_FALSE(parse_base_uri(wrong)) << wrong;
}

TEST(SettingValues, MailUrl_HasOneOfTwoSchemes) {
    EXPECT_TRUE(check_mail_url("smtp://localhost"));
    EXPECT_TRUE(check_mail_url("smtps://user:word@mail.example.org:465"));
    for (const auto* wrong : {"localhost", "http://localhost", "smtp://", "smtp://a b"})
        EXPECT_FALSE(check_mail_url(wrong)) << wrong;
}

TEST(SettingValues, List_IsSplitAtCommasAndTrimmed) {
    using parts = std::vector<std::string_view>;
    EXPECT_EQ(split_list("a, b ,c"), (parts{"a", "b", "c"}));
    EXPECT_EQ(split_list("a"), parts{"a"});
    EXPECT_EQ(split_list(" "), parts{});
    EXPECT_EQ(split_list("a,,b"), (parts{"a", "", "b"}));
}

TEST(SettingValues, PasswordOfAUrl_IsSeenAndHidden) {
    for (const auto* secret :
         {"smtp://me:word@host:25", "redis://:word@host", "smtp://me:w/o#r@d@host"}) {
        EXPECT_TRUE(has_password(secret)) << secret;
        EXPECT_TRUE(redacted(secret).find("://***@host") != std::string::npos) << redacted(secret);
    }
    for (const auto* open : {"smtp://host:25", "smtp://me@host", "unix:///path", ""})
        EXPECT_FALSE(has_password(open)) << open;
    EXPECT_EQ(redacted("smtp://host:25"), "smtp://host:25");
}

} // namespace
} // namespace countersign::app
