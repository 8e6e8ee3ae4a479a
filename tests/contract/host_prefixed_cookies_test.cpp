// api.host_prefixed_cookies: every cookie is set and read under its name with the prefix, and under
// no other.
#include "tests/contract/world.hpp"
#include "tests/support/clara_client.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

class HostPrefixedCookies : public testing::Test {
protected:
    HostPrefixedCookies()
        : who(world::with(with_clara({{"app.base_uri", "https://login.example.org"},
                                      {"api.host_prefixed_cookies", "true"},
                                      {"policy.email_factor_by_default", "false"}}))) {
        who.sign_up();
    }

    http_response log_in() {
        return http_request(who.port, "POST", "/api/auth/login", {},
                            boost::json::serialize(boost::json::object{
                                {"email", who.email}, {"password", who.password}}));
    }
    unsigned status(const char* method, const char* target, const std::string& cookie,
                    const http_headers& more = {}, std::string_view body = {}) const {
        auto headers = more;
        headers.emplace_back("Cookie", cookie);
        return http_request(who.port, method, target, headers, body).status;
    }

    person who;
};

TEST_F(HostPrefixedCookies, AreAllThatIsSet_AndPinned) {
    const auto set = log_in();
    std::size_t cookies = 0;
    for (const auto& [name, value] : set.headers) {
        if (name != "Set-Cookie") continue;
        ++cookies;
        EXPECT_TRUE(value.starts_with("__Host-")) << value;
        EXPECT_NE(value.find("; Path=/;"), std::string::npos) << value;
        EXPECT_TRUE(value.ends_with("; Secure")) << value;
        EXPECT_EQ(value.find("Domain"), std::string::npos) << value;
    }
    EXPECT_GE(cookies, 3U); // of both families that have cookies
}

TEST_F(HostPrefixedCookies, OfTheNativeApi_CountUnderThatNameOnly) {
    const auto cookies = log_in().set_cookies();
    const auto& access = cookies.at("__Host-access_token");
    EXPECT_EQ(status("GET", "/api/users/me", "__Host-access_token=" + access), 200U);
    EXPECT_EQ(status("GET", "/api/users/me", "access_token=" + access), 401U);
    EXPECT_EQ(status("GET", "/api/users/me", "__Host-access_token=x; access_token=" + access),
              401U);
    const auto& refresh = cookies.at("__Host-refresh_token");
    EXPECT_EQ(status("POST", "/api/auth/refresh", "refresh_token=" + refresh), 401U);
    EXPECT_EQ(status("POST", "/api/auth/refresh", "__Host-refresh_token=" + refresh), 200U);
}

TEST_F(HostPrefixedCookies, OfSlugbase_CountUnderThatNameOnly_TheCsrfTokensToo) {
    const auto session = log_in().set_cookies().at("__Host-slugbase.sid");
    EXPECT_EQ(status("GET", "/api/auth/me", "__Host-slugbase.sid=" + session), 200U);
    EXPECT_EQ(status("GET", "/api/auth/me", "slugbase.sid=" + session), 401U);

    const auto told = http_request(who.port, "GET", "/api/csrf-token",
                                   {{"Cookie", "__Host-slugbase.sid=" + session}});
    const auto csrf = told.set_cookies().at("__Host-_csrf");
    const http_headers shown{{"X-CSRF-Token", csrf}};
    const auto both = [&](const std::string& name) {
        return "__Host-slugbase.sid=" + session + "; " + name + "=" + csrf;
    };
    const std::string body = R"({"name":"a program"})";
    EXPECT_EQ(status("POST", "/api/tokens", both("_csrf"), shown, body), 403U);
    EXPECT_EQ(status("POST", "/api/tokens", both("__Host-_csrf"), {}, body), 403U);
    EXPECT_EQ(status("POST", "/api/tokens", both("__Host-_csrf"), shown, body), 201U);
}

} // namespace
} // namespace countersign::tests
