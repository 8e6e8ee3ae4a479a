// Registration (contract section 3.4).
#include "tests/contract/world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

const shape success_shape{{"success", kind::boolean}};

std::string credentials(std::string_view email, std::string_view password) {
    return boost::json::serialize(boost::json::object{{"email", email}, {"password", password}});
}

std::string registration(std::string_view email, std::string_view password,
                         std::string_view name = "Test Person") {
    return boost::json::serialize(
        boost::json::object{{"email", email}, {"password", password}, {"name", name}});
}

TEST(NativeRegistration, ANewAddress_MayLogIn) {
    person who(world::with());

    const auto body = expect_ok(who.register_account(), success_shape);

    EXPECT_EQ(body.at("success"), true);
    who.expect_mail("Confirm your e-mail address", 1);
    who.sign_in();
    const auto user = expect_principal(who.call("GET", "/api/users/me"), who);
    EXPECT_EQ(user.at("emailVerified"), false);
    EXPECT_EQ(texts_of(user.at("twoFactorMethods")), std::vector<std::string>{"email"});
}

TEST(NativeRegistration, AnExistingAddress_IsAnsweredAlikeAndItsHolderHears) {
    auto who = with_no_factor();
    person stranger(*who.home);
    stranger.email = who.email;
    stranger.password = "Another-Horse-8";

    const auto first = http_request(who.port, "POST", "/api/auth/register", {},
                                    registration(native_client::fresh_email(), who.password));
    const auto second = stranger.register_account();

    EXPECT_EQ(second.status, first.status);
    EXPECT_EQ(second.body, first.body);
    who.expect_mail("Unauthorized Account Registration Attempt", 1);
    who.expect_mail("Confirm your e-mail address", 0);
    expect_error(stranger.log_in(), 401, "INVALID_CREDENTIALS");
    who.sign_in();
}

TEST(NativeRegistration, WithSendEmailFalse_MailsNothing) {
    person who(world::with());
    expect_ok(who.register_account("?send-email=false&locale=de"), success_shape);
    who.expect_mail("", 0);
}

TEST(NativeRegistration, RefusesWhatIsNotARegistration) {
    auto& home = world::without_email_factor();
    const auto email = native_client::fresh_email();
    const struct {
        const char* what;
        std::string query, body, says;
    } rows[] = {
        {"short", "", registration(email, "Sh0rt!a"), "at least 8 characters"},
        {"no upper case", "", registration(email, "correct-horse-7"), "uppercase"},
        {"no lower case", "", registration(email, "CORRECT-HORSE-7"), "lowercase"},
        {"no digit", "", registration(email, "Correct-Horse"), "digit"},
        {"no special", "", registration(email, "CorrectHorse7"), "special"},
        {"no address", "", registration("nobody", "Correct-Horse-7"), "'email'"},
        {"header injection", "", registration("a@b.c\r\nBcc: d@e.f", "Correct-Horse-7"), "'email'"},
        {"no name", "", registration(email, "Correct-Horse-7", ""), "'name'"},
        {"control characters", "", registration(email, "Correct-Horse-7", "a\nb"), "'name'"},
        {"absent password", "", R"({"email":"a@b.cd","name":"x"})", "'password' is required"},
        {"password a number", "", R"({"email":"a@b.cd","name":"x","password":1})", "'password'"},
        {"send-email", "?send-email=maybe", registration(email, "Correct-Horse-7"), "send-email"},
        {"locale", "?locale=%0d", registration(email, "Correct-Horse-7"), "locale"},
        {"no body", "", "", "body"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.what);
        const auto response = http_request(home.server.port(), "POST",
                                           "/api/auth/register" + row.query, {}, row.body);
        expect_error_at(response, 400, "INVALID_REQUEST", "/api/auth/register");
        EXPECT_NE(response.body.find(row.says), std::string::npos) << response.body;
    }
    expect_error(http_request(home.server.port(), "POST", "/api/auth/login", {},
                              credentials(email, "Correct-Horse-7")),
                 401, "INVALID_CREDENTIALS");
}

} // namespace
} // namespace countersign::tests
