#include "net/cross_site.hpp"

#include <gtest/gtest.h>

namespace countersign::net {
namespace {

using boost::beast::http::field;

constexpr std::string_view own = "https://app.example";

bool another(std::vector<header_field> fields) {
    request value;
    value.fields = std::move(fields);
    value.fields.push_back({field::host, "Host", "api.example:8443"});
    return is_from_another_site(value, own);
}

header_field fetch_site(std::string_view value) {
    return {field::unknown, "Sec-Fetch-Site", value};
}
header_field origin(std::string_view value) {
    return {field::origin, "Origin", value};
}

TEST(CrossSite, WithoutEitherField_ItIsNoOtherSite) {
    EXPECT_FALSE(another({}));
}

TEST(CrossSite, WhatTheBrowserSaysOfTheSite_Counts) {
    for (const auto* good : {"same-origin", "same-site", "none"})
        EXPECT_FALSE(another({fetch_site(good)})) << good;
    for (const auto* bad : {"cross-site", "", "Same-Origin", "unheard-of"})
        EXPECT_TRUE(another({fetch_site(bad)})) << bad;
    EXPECT_TRUE(another({fetch_site("cross-site"), origin(own)}));
    EXPECT_FALSE(another({fetch_site("same-site"), origin("https://other.app.example")}));
}

TEST(CrossSite, AnOriginAlone_IsOursOrAnotherSite) {
    for (const auto* good : {"https://app.example", "https://api.example:8443"})
        EXPECT_FALSE(another({origin(good)})) << good;
    for (const auto* bad : {"null", "", "https://evil.example", "https://app.example.evil.example",
                            "http://app.example", "https://api.example", "api.example:8443"})
        EXPECT_TRUE(another({origin(bad)})) << bad;
}

TEST(CrossSite, TheOriginOfAUri_HasNoPathAndNoCapitals) {
    EXPECT_EQ(origin_of("https://App.Example/path/x"), "https://app.example");
    EXPECT_EQ(origin_of("http://localhost:8080"), "http://localhost:8080");
    EXPECT_EQ(origin_of("http://localhost:8080/"), "http://localhost:8080");
}

} // namespace
} // namespace countersign::net
