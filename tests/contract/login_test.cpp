// Registration, login with and without a second factor, step-up, logout, refresh and status
// (contract sections 3.1, 3.3 and 3.4).
#include "tests/contract/world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <regex>

namespace countersign::tests {
namespace {

const shape login_shape{{"user", kind::object},
                        {"accessToken", kind::text_or_null},
                        {"refreshToken", kind::text_or_null},
                        {"twoFactorRequired", kind::boolean},
                        {"twoFactorMethods", kind::array_or_null},
                        {"preferredTwoFactorMethod", kind::text_or_null},
                        {"twoFactorAuthenticationToken", kind::text_or_null},
                        {"location", kind::null}};
const shape step_up_shape{{"stepUpToken", kind::text_or_null},
                          {"twoFactorRequired", kind::boolean},
                          {"twoFactorMethods", kind::array_or_null},
                          {"preferredTwoFactorMethod", kind::text_or_null},
                          {"twoFactorAuthenticationToken", kind::text_or_null}};
const shape refresh_shape{
    {"principal", kind::object}, {"accessToken", kind::text}, {"refreshToken", kind::text}};
const shape status_shape{{"authenticated", kind::boolean},
                         {"stepUp", kind::boolean},
                         {"emailVerified", kind::text_or_null},
                         {"twoFactorRequired", kind::boolean},
                         {"preferredTwoFactorMethod", kind::text_or_null},
                         {"twoFactorMethods", kind::array_or_null},
                         {"sessionId", kind::text_or_null}};
const shape success_shape{{"success", kind::boolean}};

std::string credentials(std::string_view email, std::string_view password) {
    return boost::json::serialize(boost::json::object{{"email", email}, {"password", password}});
}

std::string registration(std::string_view email, std::string_view password,
                         std::string_view name = "Test Person") {
    return boost::json::serialize(
        boost::json::object{{"email", email}, {"password", password}, {"name", name}});
}

std::string one_code(std::string_view method, std::string_view code) {
    return boost::json::serialize(boost::json::object{{method, code}});
}

void expect_cookie(const http_response& response, std::string_view name, std::string_view value,
                   int life) {
    EXPECT_EQ(cookie_field(response, name), std::string(name) + "=" + std::string(value) +
                                                "; Path=/; Max-Age=" + std::to_string(life) +
                                                "; HttpOnly; SameSite=Strict");
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

TEST(NativeLogin, WithoutASecondFactor_OpensASession) {
    auto who = with_no_factor();
    who.forget_tokens();

    const auto response = who.log_in();

    const auto body = expect_ok(response, login_shape);
    expect_shape(body.at("user").as_object(), principal_shape());
    EXPECT_EQ(body.at("twoFactorRequired"), false);
    expect_cookie(response, "access_token", text_in(body, "accessToken"), 900);
    expect_cookie(response, "refresh_token", text_in(body, "refreshToken"), 7'776'000);
    EXPECT_EQ(response.set_cookies().size(), 2u);
    EXPECT_EQ(text_in(body, "twoFactorAuthenticationToken"), "");
    who.expect_mail("New Login Detected", 1);
}

TEST(NativeLogin, WithASecondFactor_OpensNone_T21) {
    auto who = with_both();
    who.forget_tokens();

    const auto response = who.log_in();

    const auto body = expect_ok(response, login_shape);
    EXPECT_EQ(body.at("twoFactorRequired"), true);
    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), "totp");
    EXPECT_TRUE(body.at("accessToken").is_null());
    EXPECT_TRUE(body.at("refreshToken").is_null());
    EXPECT_EQ(response.set_cookies().size(), 1u);
    expect_cookie(response, "two_factor_authentication_token",
                  text_in(body, "twoFactorAuthenticationToken"), 900);
}

TEST(NativeLogin, MailsACodeOnlyWhereEmailIsPreferred) {
    auto who = with_both();
    const auto mailed = who.codes_read;
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    who.expect_mail("verification code", mailed);

    who.sign_in();
    who.step_up_now();
    ASSERT_EQ(who.call("POST", "/api/auth/2fa/preferred-method", R"({"method":"email"})").status,
              200u);
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();
    // Where e-mail is preferred, its code is accepted beside TOTP.
    EXPECT_EQ(who.complete_login(one_code("email", code)).status, 200u);
}

TEST(NativeLogin, MailedInTheCooldown_StillAnswersAndLeavesTheFirstCodeGood) {
    person who(world::with({{"policy.mail_cooldown", "60"}}));
    who.sign_up();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();

    ASSERT_EQ(who.log_in().status, 200u);

    EXPECT_EQ(who.complete_login(one_code("email", code)).status, 200u);
    who.expect_mail("verification code", 1);
}

TEST(NativeLogin, WrongPasswordAndUnknownAddress_AreAnsweredAlike) {
    auto who = with_no_factor();
    const auto attempt = [&](std::string_view email, std::string_view password) {
        auto response =
            http_request(who.port, "POST", "/api/auth/login", {}, credentials(email, password));
        expect_error_at(response, 401, "INVALID_CREDENTIALS", "/api/auth/login");
        auto body = json_of(response);
        body.erase("timestamp");
        return std::pair(response.set_cookies(), body);
    };
    const auto wrong = attempt(who.email, "Correct-Horse-8");
    EXPECT_EQ(attempt("nobody@example.org", who.password), wrong);
    EXPECT_EQ(attempt("not an address", who.password), wrong);
    EXPECT_EQ(attempt(who.email, ""), wrong);
}

TEST(NativeLogin, TheAddressesCase_DoesNotMatter) {
    auto who = with_no_factor();
    auto upper = who.email;
    for (auto& letter : upper)
        letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    EXPECT_EQ(
        http_request(who.port, "POST", "/api/auth/login", {}, credentials(upper, who.password))
            .status,
        200u);
}

TEST(NativeLogin, WhoIsLoggedIn_GetsNotModifiedFromTheGuestRoutes) {
    auto who = with_both();
    const auto login = credentials(who.email, who.password);
    expect_not_modified(who, "POST", "/api/auth/login", login);
    expect_not_modified(who, "POST", "/api/auth/register",
                        registration(native_client::fresh_email(), who.password));
    auto pending = who;
    pending.forget_tokens();
    ASSERT_EQ(pending.log_in().status, 200u);
    pending.access = who.access;
    expect_not_modified(pending, "POST", "/api/auth/2fa/login", one_code("totp", who.app.next()));
}

TEST(NativeLogin, ADeadAccessToken_DoesNotHinderALogin) {
    auto who = with_no_factor();
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    EXPECT_EQ(who.log_in().status, 200u);
    who.access = "garbage";
    EXPECT_EQ(who.log_in().status, 200u);
}

TEST(NativeSecondFactor, ATotp_LogsIn) {
    auto who = with_both();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);

    const auto response = who.complete_login(R"({"totp":")" + who.app.next() +
                                             R"(","session":{"browser":"Lynx","os":"Plan 9"}})");

    const auto body = expect_ok(response, login_shape);
    EXPECT_EQ(body.at("twoFactorRequired"), false);
    expect_shape(body.at("user").as_object(), principal_shape());
    expect_cookie(response, "access_token", text_in(body, "accessToken"), 900);
    expect_cookie(response, "refresh_token", text_in(body, "refreshToken"), 7'776'000);
    expect_cookie(response, "two_factor_authentication_token", "", 0);
    const auto sessions = who.call("GET", "/api/users/me/sessions").body;
    EXPECT_NE(sessions.find("Plan 9"), std::string::npos) << sessions;
}

TEST(NativeSecondFactor, ATotpAsANumber_LogsIn) {
    auto& home =
        world::with({{"policy.totp_window", "10"}, {"policy.email_factor_by_default", "false"}});
    auto who = with_email_only(home);
    ASSERT_EQ(who.enrol_totp(10).status, 200u);
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    // With its leading zeros lost where it has some.
    EXPECT_EQ(
        who.complete_login(R"({"totp":)" + std::to_string(std::stoi(who.app.next())) + "}").status,
        200u);
}

TEST(NativeSecondFactor, AMailedCode_LogsInOnce) {
    auto who = with_email_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();
    expect_ok(who.complete_login(one_code("email", code)), login_shape);

    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto response = who.complete_login(one_code("email", code));
    if (code != who.next_mailed_code()) expect_error(response, 401, "WRONG_TWO_FACTOR_CODE");
}

TEST(NativeSecondFactor, WithTotpOn_OnlyTheTotpCounts) {
    auto who = with_both();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    ASSERT_EQ(who.call("POST", "/api/auth/2fa/email/send").status, 200u);
    const auto mailed = who.next_mailed_code();

    expect_error(who.complete_login(one_code("email", mailed)), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(
        who.complete_login(R"({"email":")" + mailed + R"(","totp":")" + who.app.wrong() + "\"}"),
        401, "WRONG_TWO_FACTOR_CODE");
    EXPECT_EQ(who.complete_login(R"({"email":"000000","totp":")" + who.app.next() + "\"}").status,
              200u);
}

TEST(NativeSecondFactor, RefusesEachWrongThing) {
    auto who = with_totp_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const std::string path = "/api/auth/2fa/login";
    const auto pending = who.two_factor;

    expect_error_at(who.complete_login("{}"), 400, "NO_2FA_CODE_PROVIDED", path);
    expect_error(who.complete_login(""), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(who.complete_login(R"({"totp":null,"email":null})"), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(who.complete_login(R"({"totp":[]})"), 400, "INVALID_REQUEST");
    expect_error(who.complete_login(R"({"totp":123456.5})"), 400, "INVALID_REQUEST");
    expect_error(who.complete_login(R"({"totp":-12345})"), 401, "WRONG_TWO_FACTOR_CODE");
    expect_error(who.complete_login(one_code("totp", who.app.wrong())), 401,
                 "WRONG_TWO_FACTOR_CODE");
    // T-02: no code is trimmed into being right.
    const auto good = who.app.next();
    expect_error(who.complete_login(one_code("totp", good + " ")), 401, "WRONG_TWO_FACTOR_CODE");
    who.two_factor = "garbage";
    expect_error(who.complete_login(one_code("totp", good)), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
    who.two_factor.clear();
    expect_error(who.complete_login(one_code("totp", good)), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_MISSING");
    who.two_factor = pending;
    EXPECT_EQ(who.complete_login(one_code("totp", good)).status, 200u);
    who.access.clear();
    expect_error(who.complete_login(one_code("totp", who.app.next())), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID"); // T-06: used up
}

TEST(NativeSecondFactor, AfterItsLife_ThePendingLoginIsExpired) {
    person who(world::with({{"tokens.two_factor", "1"}}));
    who.sign_up();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = who.next_mailed_code();
    wait_a_second();
    expect_error(who.complete_login(one_code("email", code)), 401,
                 "TWO_FACTOR_AUTHENTICATION_TOKEN_EXPIRED");
}

TEST(NativeSecondFactor, WithTheTokenInACookie_LogsIn) {
    auto who = with_totp_only();
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto response =
        http_request(who.port, "POST", "/api/auth/2fa/login",
                     {{"Cookie", "a=b; two_factor_authentication_token=" + who.two_factor}},
                     one_code("totp", who.app.next()));
    expect_ok(response, login_shape);
}

TEST(NativeStepUp, WithoutASecondFactor_NeedsThePasswordOnly) {
    auto who = with_no_factor();
    who.step_up.clear();

    const auto response = who.begin_step_up();

    const auto body = expect_ok(response, step_up_shape);
    EXPECT_EQ(body.at("twoFactorRequired"), false);
    EXPECT_EQ(response.set_cookies().size(), 1u);
    expect_cookie(response, "step_up_token", text_in(body, "stepUpToken"), 900);
}

TEST(NativeStepUp, WithASecondFactor_NeedsBoth) {
    auto who = with_both();
    who.step_up.clear();

    const auto begun = who.begin_step_up();

    const auto pending = expect_ok(begun, step_up_shape);
    EXPECT_EQ(pending.at("twoFactorRequired"), true);
    EXPECT_TRUE(pending.at("stepUpToken").is_null());
    EXPECT_EQ(texts_of(pending.at("twoFactorMethods")),
              (std::vector<std::string>{"totp", "email"}));
    expect_cookie(begun, "two_factor_authentication_token", who.two_factor, 900);
    expect_error(who.complete_step_up("{}"), 400, "NO_2FA_CODE_PROVIDED");
    expect_error(who.complete_step_up(one_code("totp", who.app.wrong())), 401,
                 "WRONG_TWO_FACTOR_CODE");
    const auto done = who.complete_step_up(one_code("totp", who.app.next()));
    const auto body = expect_ok(done, step_up_shape);
    expect_cookie(done, "step_up_token", text_in(body, "stepUpToken"), 900);
    EXPECT_EQ(who.call("DELETE", "/api/auth/2fa/email").status, 200u);
}

TEST(NativeStepUp, RefusesEachWrongThing) {
    auto who = with_no_factor();
    const std::string path = "/api/auth/step-up";
    expect_error_at(who.call("POST", path, R"({"password":"Wrong-Horse-7"})"), 401,
                    "INVALID_CREDENTIALS", path);
    expect_error(who.call("POST", path, "{}"), 400, "MISSING_PASSWORD_PARAMETER");
    expect_error(who.call("POST", path), 400, "MISSING_PASSWORD_PARAMETER");
    expect_error(who.call("POST", path, R"({"password":7})"), 400, "INVALID_REQUEST");
    auto same = who;
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    expect_error(same.begin_step_up(), 401, "SESSION_EXPIRED");
    auto gone = with_no_factor();
    ASSERT_EQ(gone.call("DELETE", "/api/users/me").status, 200u);
    expect_error(gone.begin_step_up(), 404, "PRINCIPAL_NOT_FOUND");
}

TEST(NativeStepUp, APendingOneOfAnotherUserOrPurpose_IsRefused) {
    auto who = with_both();
    auto other = with_both();
    const std::string invalid = "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID";
    ASSERT_EQ(other.begin_step_up().status, 200u);
    who.two_factor = other.two_factor;
    expect_error(who.complete_step_up(one_code("totp", who.app.next())), 401, invalid);

    // A pending login does not step a session up, nor the other way round.
    auto login = who;
    login.forget_tokens();
    ASSERT_EQ(login.log_in().status, 200u);
    who.two_factor = login.two_factor;
    expect_error(who.complete_step_up(one_code("totp", who.app.next())), 401, invalid);
    ASSERT_EQ(who.begin_step_up().status, 200u);
    login.two_factor = who.two_factor;
    expect_error(login.complete_login(one_code("totp", who.app.next())), 401, invalid);

    // Nor does another session's.
    auto second = who;
    second.sign_in();
    second.two_factor = who.two_factor;
    expect_error(second.complete_step_up(one_code("totp", second.app.next())), 401, invalid);
}

TEST(NativeLogout, ClearsSixCookiesAndEndsTheSession_T34) {
    auto who = with_no_factor();

    const auto response = who.call("POST", "/api/auth/logout");

    expect_ok(response, success_shape);
    for (const auto* name :
         {"access_token", "refresh_token", "step_up_token", "two_factor_authentication_token",
          "session_token", "oauth2_provider_connection_token"})
        expect_cookie(response, name, "", 0);
    EXPECT_EQ(response.set_cookies().size(), 6u);
    expect_error(who.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
    expect_ok(who.call("POST", "/api/auth/logout"), success_shape); // again
    who.forget_tokens();
    expect_ok(who.call("POST", "/api/auth/logout"), success_shape); // as nobody
    who.access = "garbage";
    expect_ok(who.call("POST", "/api/auth/logout"), success_shape);
}

TEST(NativeRefresh, RotatesTheTokens) {
    auto who = with_no_factor();
    const auto old_refresh = who.refresh;
    who.access.clear();

    const auto response = http_request(who.port, "POST", "/api/auth/refresh",
                                       {{"Authorization", "Bearer " + who.refresh}});

    const auto body = expect_ok(response, refresh_shape);
    expect_shape(body.at("principal").as_object(), principal_shape());
    EXPECT_NE(text_in(body, "refreshToken"), old_refresh);
    expect_cookie(response, "access_token", text_in(body, "accessToken"), 900);
    expect_cookie(response, "refresh_token", text_in(body, "refreshToken"), 7'776'000);
    who.access = text_in(body, "accessToken");
    EXPECT_EQ(who.call("GET", "/api/users/me").status, 200u);
    // The next one in a cookie.
    expect_ok(http_request(who.port, "POST", "/api/auth/refresh",
                           {{"Cookie", "refresh_token=" + text_in(body, "refreshToken")}}, "{}"),
              refresh_shape);
}

TEST(NativeRefresh, ATokenUsedTwice_EndsTheSession) {
    auto who = with_no_factor();
    const auto bearer = [&](const std::string& token) {
        return http_request(who.port, "POST", "/api/auth/refresh",
                            {{"Authorization", "Bearer " + token}});
    };
    const auto next = text_in(json_of(bearer(who.refresh)), "refreshToken");

    expect_error_at(bearer(who.refresh), 401, "REFRESH_TOKEN_INVALID", "/api/auth/refresh");

    expect_error(bearer(next), 401, "REFRESH_TOKEN_INVALID");
    expect_error(who.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
}

TEST(NativeRefresh, RefusesEachWrongToken) {
    auto who = with_no_factor();
    const auto bearer = [&](const std::string& token) {
        return http_request(who.port, "POST", "/api/auth/refresh",
                            {{"Authorization", "Bearer " + token}});
    };
    expect_error(http_request(who.port, "POST", "/api/auth/refresh"), 401, "REFRESH_TOKEN_MISSING");
    expect_error(bearer("garbage"), 401, "REFRESH_TOKEN_INVALID");
    expect_error(bearer(who.access), 401, "REFRESH_TOKEN_INVALID");
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    expect_error(bearer(who.refresh), 401, "REFRESH_TOKEN_INVALID");
    auto gone = with_no_factor();
    ASSERT_EQ(gone.call("DELETE", "/api/users/me").status, 200u);
    expect_error(bearer(gone.refresh), 404, "USER_NOT_FOUND");

    person late(world::with({{"tokens.access", "1"},
                             {"tokens.refresh", "1"},
                             {"policy.email_factor_by_default", "false"}}));
    late.sign_up();
    late.sign_in();
    wait_a_second();
    expect_error(http_request(late.port, "POST", "/api/auth/refresh",
                              {{"Authorization", "Bearer " + late.refresh}}),
                 401, "REFRESH_TOKEN_EXPIRED");
}

TEST(NativeStatus, SaysEachState) {
    auto who = with_both();
    auto shown = status_shape;
    const auto state_of = [&](const person& one) {
        return expect_ok(http_request(one.port, "GET", "/api/auth/status", credentials_of(one)),
                         shown);
    };
    auto nobody = who;
    nobody.forget_tokens();
    shown[2].second = kind::null;
    auto state = state_of(nobody);
    EXPECT_EQ(state.at("authenticated"), false);
    EXPECT_TRUE(state.at("sessionId").is_null());

    shown[2].second = kind::boolean;
    ASSERT_EQ(nobody.log_in().status, 200u);
    state = state_of(nobody);
    EXPECT_EQ(state.at("authenticated"), false);
    EXPECT_EQ(state.at("twoFactorRequired"), true);
    EXPECT_EQ(text_in(state, "preferredTwoFactorMethod"), "totp");

    state = state_of(who);
    EXPECT_EQ(state.at("authenticated"), true);
    EXPECT_EQ(state.at("stepUp"), true);
    EXPECT_EQ(state.at("twoFactorRequired"), false);
    EXPECT_EQ(texts_of(state.at("twoFactorMethods")), (std::vector<std::string>{"totp", "email"}));
    EXPECT_TRUE(std::regex_match(text_in(state, "sessionId"), std::regex("[0-9a-f-]{36}")));
    who.step_up.clear();
    EXPECT_EQ(state_of(who).at("stepUp"), false);

    auto same = who;
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);
    expect_error(same.call("GET", "/api/auth/status"), 401, "ACCESS_TOKEN_EXPIRED");
    same.access = "garbage";
    expect_error(same.call("GET", "/api/auth/status"), 401, "ACCESS_TOKEN_INVALID");
}

TEST(NativeCredentials, TheHeaderWinsOverTheCookie) {
    auto who = with_no_factor();
    const auto ask = [&](const std::string& header, const std::string& cookie) {
        return http_request(who.port, "GET", "/api/users/me",
                            {{"Authorization", header}, {"Cookie", "access_token=" + cookie}});
    };
    EXPECT_EQ(ask("Bearer " + who.access, "garbage").status, 200u);
    EXPECT_EQ(ask("bearer " + who.access, "").status, 200u);
    expect_error(ask("Bearer garbage", who.access), 401, "ACCESS_TOKEN_INVALID");
    // Another scheme is no credential of ours.
    EXPECT_EQ(ask("Basic dXNlcjpwYXNz", who.access).status, 200u);

    const auto delete_email = [&](const std::string& header, const std::string& cookie) {
        return http_request(who.port, "DELETE", "/api/auth/2fa/email",
                            {{"Authorization", "Bearer " + who.access},
                             {"X-Step-Up-Token", header},
                             {"Cookie", "step_up_token=" + cookie}});
    };
    EXPECT_EQ(delete_email(who.step_up, "garbage").status, 304u);
    expect_error(delete_email("garbage", who.step_up), 401, "STEP_UP_TOKEN_INVALID");
}

} // namespace
} // namespace countersign::tests
