// /api/users/me: the profile, the address, the password, the sessions, and the end of an account
// (contract section 3.4).
#include "tests/contract/world.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <regex>

namespace countersign::tests {
namespace {

const std::string me = "/api/users/me";
const shape success_shape{{"success", kind::boolean}};
const shape session_shape{{"id", kind::text},         {"browser", kind::text_or_null},
                          {"os", kind::text_or_null}, {"ipAddress", kind::text_or_null},
                          {"location", kind::null},   {"lastActive", kind::text}};

std::string passwords(std::string_view old_password, std::string_view new_password) {
    return boost::json::serialize(
        boost::json::object{{"oldPassword", old_password}, {"newPassword", new_password}});
}

std::string new_email(std::string_view address) {
    return boost::json::serialize(boost::json::object{{"newEmail", address}});
}

boost::json::array sessions_of(person& who) {
    const auto response = who.call("GET", "/api/users/me/sessions");
    EXPECT_EQ(response.status, 200u) << response.body;
    return boost::json::parse(response.body).as_array();
}

std::string verify_target(const std::string& token) {
    return "/api/auth/email/verification?token=" + token;
}

TEST(NativeProfile, Read_ShowsThePrincipal) {
    auto who = with_both();
    const auto body = expect_principal(who.call("GET", me), who);
    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), "totp");
    EXPECT_EQ(texts_of(body.at("roles")), std::vector<std::string>{"USER"});
    EXPECT_TRUE(body.at("groups").as_array().empty());
}

TEST(NativeProfile, Rename_ChangesTheNameOnly) {
    auto who = with_no_factor();
    const auto before = json_of(who.call("GET", me));
    who.name = "Zoë “Z” Ångström";

    const auto body = expect_principal(who.call("PUT", me, R"({"name":"Zoë “Z” Ångström"})"), who);

    EXPECT_EQ(body.at("id"), before.at("id"));
    EXPECT_EQ(body.at("createdAt"), before.at("createdAt"));
    for (const auto* bad : {R"({"name":""})", R"({"name":"a\u0000b"})", R"({"name":7})", "{}", ""})
        expect_error_at(who.call("PUT", me, bad), 400, "INVALID_REQUEST", me);
    expect_principal(who.call("GET", me), who);
}

TEST(NativeProfile, Delete_EndsTheAccountAndFreesItsAddress) {
    auto who = with_both();

    const auto response = who.call("DELETE", me);

    expect_ok(response, success_shape);
    for (const auto* name : {"access_token", "refresh_token", "step_up_token"})
        EXPECT_EQ(response.set_cookies().at(name), "");
    expect_error(who.call("GET", me), 404, "USER_NOT_FOUND");
    who.forget_tokens();
    expect_error(who.log_in(), 401, "INVALID_CREDENTIALS");
    who.sign_up();
    who.sign_in();
    EXPECT_EQ(who.read_methods(), std::vector<std::string>{"email"}) << "a new account";
}

TEST(NativeProfile, ANewAddress_TakesItsLinkAndTellsBoth) {
    auto who = with_no_factor();
    const auto old_email = who.email;
    const auto fresh = native_client::fresh_email();

    expect_principal(who.call("PUT", me + "/email", new_email(fresh)), who); // still the old one
    auto reader = who;
    reader.email = fresh;
    reader.expect_mail("Confirm your e-mail address", 1);
    const auto link = mails_about(who.home->sink, fresh, "Confirm your e-mail").at(0);
    const auto token = find_token(text_part(link.data)).value();
    expect_error(http_request(who.port, "POST", verify_target("garbage")), 401,
                 "EMAIL_VERIFICATION_TOKEN_INVALID");

    who.email = fresh;
    const auto body = expect_principal(http_request(who.port, "POST", verify_target(token)), who);
    EXPECT_EQ(body.at("emailVerified"), true);

    who.expect_mail("Your Account Email Address Was Changed", 1);
    auto at_old = who;
    at_old.email = old_email;
    at_old.expect_mail("Your Account Email Address Was Changed", 1);
    at_old.forget_tokens();
    expect_error(at_old.log_in(), 401, "INVALID_CREDENTIALS");
    at_old.sign_up(); // the old address is free again
    at_old.sign_in();
    who.sign_in();
    // The link works once.
    expect_not_modified(who, "POST", verify_target(token));
}

TEST(NativeProfile, ATakenOrEqualOrBadAddress_IsRefused) {
    auto who = with_no_factor();
    auto other = with_no_factor();
    expect_error_at(who.call("PUT", me + "/email", new_email(other.email)), 409, "EMAIL_TAKEN",
                    me + "/email");
    expect_error(who.call("PUT", me + "/email", new_email(who.email)), 409, "EMAIL_TAKEN");
    expect_error(who.call("PUT", me + "/email", new_email("nobody")), 400, "INVALID_REQUEST");
    expect_error(who.call("PUT", me + "/email", "{}"), 400, "INVALID_REQUEST");
    who.step_up.clear();
    expect_error(who.call("PUT", me + "/email", new_email(native_client::fresh_email())), 401,
                 "STEP_UP_TOKEN_MISSING");
    expect_principal(who.call("GET", me), who);
}

TEST(NativeProfile, AnAddressTakenMeanwhile_IsRefusedAtTheLink) {
    auto who = with_no_factor();
    const auto wanted = native_client::fresh_email();
    ASSERT_EQ(who.call("PUT", me + "/email", new_email(wanted)).status, 200u);
    const auto token = mailed_token(who.home->sink, wanted);
    person quicker(*who.home);
    quicker.email = wanted;
    quicker.sign_up();

    expect_error(http_request(who.port, "POST", verify_target(token)), 409, "EMAIL_TAKEN");

    expect_principal(who.call("GET", me), who);
    quicker.sign_in();
}

TEST(NativeProfile, ANewPassword_EndsTheOtherSessionsAndAlerts) {
    auto who = with_no_factor();
    auto elsewhere = who;
    elsewhere.sign_in();

    expect_principal(who.call("PUT", me + "/password", passwords(who.password, "Better-Horse-8")),
                     who);

    expect_principal(who.call("GET", me), who);
    expect_error(elsewhere.call("GET", me), 401, "ACCESS_TOKEN_EXPIRED");
    who.expect_mail("Your Password Was Changed", 1);
    elsewhere.forget_tokens();
    expect_error(elsewhere.log_in(), 401, "INVALID_CREDENTIALS");
    who.password = "Better-Horse-8";
    who.sign_in();
}

TEST(NativeProfile, NewPassword_RefusesEachWrongThing) {
    auto who = with_no_factor();
    const auto path = me + "/password";
    expect_error_at(who.call("PUT", path, passwords("Wrong-Horse-7", "Better-Horse-8")), 401,
                    "INVALID_CREDENTIALS", path);
    expect_error(who.call("PUT", path, passwords(who.password, "weak")), 400, "INVALID_REQUEST");
    expect_error(who.call("PUT", path, R"({"newPassword":"Better-Horse-8"})"), 400,
                 "INVALID_REQUEST");
    expect_error(who.call("PUT", path), 400, "INVALID_REQUEST");
    who.step_up.clear();
    expect_error(who.call("PUT", path, passwords(who.password, "Better-Horse-8")), 401,
                 "STEP_UP_TOKEN_MISSING");
    who.expect_mail("Your Password Was Changed", 0);
    who.sign_in();
}

TEST(NativeSessions, AreListedAndRevokedOneByOne_T34) {
    auto who = with_no_factor();
    auto elsewhere = who;
    elsewhere.forget_tokens();
    ASSERT_EQ(elsewhere
                  .call("POST", "/api/auth/login",
                        boost::json::serialize(boost::json::object{
                            {"email", who.email},
                            {"password", who.password},
                            {"session", boost::json::object{{"browser", "Lynx"}, {"os", "VMS"}}}}))
                  .status,
              200u);

    const auto list = sessions_of(who);

    ASSERT_EQ(list.size(), 2u);
    for (const auto& one : list)
        expect_shape(one.as_object(), session_shape);
    const auto& second = list.at(1).as_object();
    EXPECT_EQ(text_in(second, "browser"), "Lynx");
    EXPECT_EQ(text_in(second, "os"), "VMS");
    EXPECT_EQ(text_in(second, "ipAddress"), "127.0.0.1");

    const auto target = "/api/users/me/sessions/" + text_in(second, "id");
    expect_ok(who.call("DELETE", target), success_shape);
    expect_error(elsewhere.call("GET", me), 401, "ACCESS_TOKEN_EXPIRED"); // the very next request
    expect_error(http_request(who.port, "POST", "/api/auth/refresh",
                              {{"Authorization", "Bearer " + elsewhere.refresh}}),
                 401, "REFRESH_TOKEN_INVALID");
    EXPECT_EQ(sessions_of(who).size(), 1u);
    expect_error_at(who.call("DELETE", target), 404, "SESSION_NOT_FOUND", target);
    expect_error(who.call("DELETE", "/api/users/me/sessions/garbage"), 404, "SESSION_NOT_FOUND");
}

TEST(NativeSessions, AnotherUsersSession_IsNotFound) {
    auto who = with_no_factor();
    auto other = with_no_factor();
    const auto id = text_in(sessions_of(other).at(0).as_object(), "id");
    expect_error(who.call("DELETE", "/api/users/me/sessions/" + id), 404, "SESSION_NOT_FOUND");
    EXPECT_EQ(other.call("GET", me).status, 200u);
}

TEST(NativeSessions, AreRevokedAllAtOnce) {
    auto who = with_no_factor();
    auto elsewhere = who;
    elsewhere.sign_in();

    const auto response = who.call("DELETE", "/api/users/me/sessions");

    expect_ok(response, success_shape);
    for (const auto* name : {"access_token", "refresh_token", "step_up_token"})
        EXPECT_EQ(response.set_cookies().at(name), "");
    expect_error(who.call("GET", me), 401, "ACCESS_TOKEN_EXPIRED");
    expect_error(elsewhere.call("GET", me), 401, "ACCESS_TOKEN_EXPIRED");
}

} // namespace
} // namespace countersign::tests
