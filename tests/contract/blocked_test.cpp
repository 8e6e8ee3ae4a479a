// T-12: while the account is blocked, right answers are refused like wrong ones, on every route of
// the table that takes a code or a password.
#include "tests/contract/route_rows.hpp"
#include "tests/contract/world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace countersign::tests {
namespace {

bool takes_pending_login(const route& row) {
    return row.needs == credential::two_factor || row.needs == credential::two_factor_guest;
}

class NativeBlocked : public testing::Test {
protected:
    // Sends a row with everything right, and expects to be told to wait.
    static void expect_blocked(person& one, const route& row, std::string_view body) {
        SCOPED_TRACE(name_of(row));
        const auto response =
            http_request(one.port, method_of(row), target_of(row), credentials_of(one), body);
        expect_error_at(response, 429, "USER_RATE_LIMIT_EXCEEDED", target_of(row));
        const auto wait = std::stoi(response.header("Retry-After").value_or("0"));
        EXPECT_GE(wait, 1);
        EXPECT_LE(wait, 30);
    }
};

std::set<std::string> proving_routes() {
    std::set<std::string> names;
    for (const auto& row : routes())
        if (row.proves_code) names.insert(name_of(row));
    return names;
}

const std::set<std::string> password_routes{"POST /api/auth/login", "POST /api/auth/step-up",
                                            "PUT /api/users/me/password"};

TEST_F(NativeBlocked, AfterFiveWrongPasswords_EveryRouteThatTakesOneRefuses_T12) {
    auto who = with_no_factor();
    auto guest = who;
    guest.forget_tokens();
    guest.password = "Wrong-Horse-7";
    for (int miss = 0; miss < 5; ++miss)
        expect_error(guest.log_in(), 401, "INVALID_CREDENTIALS");
    guest.password = who.password;

    const std::map<std::string, std::string> right{
        {"POST /api/auth/login",
         R"({"email":")" + who.email + R"(","password":")" + who.password + "\"}"},
        {"POST /api/auth/step-up", R"({"password":")" + who.password + "\"}"},
        {"PUT /api/users/me/password",
         R"({"oldPassword":")" + who.password + R"(","newPassword":"Other-Horse-8"})"}};
    for (const auto& row : routes())
        if (password_routes.contains(name_of(row)))
            expect_blocked(row.needs == credential::guest ? guest : who, row,
                           right.at(name_of(row)));
    who.expect_mail("Sign-In to Your Account Was Blocked", 1);
    EXPECT_EQ(who.call("GET", "/api/users/me").status, 200u) << "a session that stands, stands";
}

TEST_F(NativeBlocked, AfterFiveWrongCodes_EveryRouteThatTakesOneRefuses_T12) {
    auto who = with_both();
    const auto mail_code = [&] {
        EXPECT_EQ(who.call("POST", "/api/auth/2fa/email/send").status, 200u);
        return who.next_mailed_code();
    };
    auto half = who;
    half.forget_tokens();
    ASSERT_EQ(half.log_in().status, 200u);
    ASSERT_EQ(who.begin_step_up().status, 200u);
    for (int miss = 0; miss < 5; ++miss)
        expect_error(half.complete_login(R"({"totp":")" + who.app.wrong() + "\"}"), 401,
                     "WRONG_TWO_FACTOR_CODE");
    const auto totp = R"({"totp":")" + who.app.next() + "\"}";
    const std::map<std::string, std::string> right{
        {"POST /api/auth/2fa/login", totp},
        {"POST /api/auth/2fa/step-up", totp},
        {"POST /api/auth/2fa/totp/recover", R"({"code":")" + who.recovery_codes.at(0) + "\"}"},
        {"POST /api/auth/2fa/email/enable", R"({"code":")" + mail_code() + "\"}"}};

    for (const auto& row : routes()) {
        if (!row.proves_code || password_routes.contains(name_of(row))) continue;
        if (row.handler == net::singularity::confirm_totp) continue; // the next test
        expect_blocked(takes_pending_login(row) ? half : who, row, right.at(name_of(row)));
    }
    EXPECT_EQ(proving_routes().size(), right.size() + password_routes.size() + 1);
}

TEST_F(NativeBlocked, AfterFiveWrongCodes_AnEnrolmentIsRefusedToo_T12) {
    auto who = with_no_factor();
    const auto material = json_of(who.call("GET", "/api/auth/2fa/totp/setup"));
    authenticator app(text_in(material, "secret"), 5);
    const std::string path = "/api/auth/2fa/totp/setup";
    const auto body = [&](const std::string& code) {
        return R"({"token":")" + text_in(material, "token") + R"(","code":")" + code + "\"}";
    };
    for (int miss = 0; miss < 5; ++miss)
        expect_error(who.call("POST", path, body(app.wrong())), 401, "WRONG_TWO_FACTOR_CODE");

    for (const auto& row : routes())
        if (row.handler == net::singularity::confirm_totp)
            expect_blocked(who, row, body(app.next()));
    EXPECT_TRUE(who.read_methods().empty());
}

TEST_F(NativeBlocked, AfterThePause_TheRightCodeIsTaken) {
    auto who = with_totp_only(world::with(
        {{"policy.attempts_first_pause", "1"}, {"policy.email_factor_by_default", "false"}}));
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    for (int miss = 0; miss < 5; ++miss)
        ASSERT_EQ(who.complete_login(R"({"totp":")" + who.app.wrong() + "\"}").status, 401u);
    // A code refused by the pause was not looked at, and stays good.
    const auto code = R"({"totp":")" + who.app.next() + "\"}";
    ASSERT_EQ(who.complete_login(code).status, 429u);
    wait_a_second();
    EXPECT_EQ(who.complete_login(code).status, 200u);
}

} // namespace
} // namespace countersign::tests
