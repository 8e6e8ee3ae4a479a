// Codes of subjects: mailed, verified once, refused unseen while the account is blocked.
#include "net/families/service/routes.hpp"
#include "tests/contract/service.hpp"

#include <boost/beast/http/verb.hpp>

#include <regex>

namespace countersign::tests {
namespace {

constexpr std::string_view code_mail = "verification code";

std::string mailed_code_to(const world& home, const std::string& subject, std::size_t count = 1) {
    const auto mails = mails_to(home, address_of(subject), code_mail, count);
    return find_six_digits(text_part(mails.at(count - 1).data)).value();
}

TEST(ServiceVerification, CodeOfAnApp_IsRightOnce_T01) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto first = enrolled.app.next();
    const auto second = enrolled.app.next();
    expect_verified(backend.verify(subject, second), "totp", 10);
    expect_not_verified(backend.verify(subject, second), "wrong_code");
    expect_not_verified(backend.verify(subject, first), "wrong_code");
}

TEST(ServiceVerification, CodeThatIsNotExactlySixDigits_IsWrong_T02) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto code = enrolled.app.next();
    for (const auto& near : {code + " ", " " + code, "0" + code})
        expect_not_verified(backend.verify(subject, near), "wrong_code");
    expect_verified(backend.verify(subject, code), "totp", 10);
}

TEST(ServiceVerification, CodeAsANumber_Counts) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto number = std::to_string(std::stoi(enrolled.app.next()));
    expect_verified(backend.about(subject, "POST", "/verifications", R"({"code":)" + number + "}"),
                    "totp", 10);
}

TEST(ServiceVerification, BackupCodes_AreUsedUpAndToldOf_T05) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto enrolled = backend.enrol(subject, service_window);
    expect_verified(backend.verify(subject, enrolled.backup_codes.at(0)), "backup_code", 9);
    expect_not_verified(backend.verify(subject, enrolled.backup_codes.at(0)), "wrong_code");
    expect_verified(backend.verify(subject, enrolled.backup_codes.at(9)), "backup_code", 8);
    EXPECT_EQ(backend.view(subject).at("backupCodesRemaining"), 8);
    EXPECT_EQ(mails_to(home, address_of(subject), "Backup Code Was Used", 2).size(), 2u);
}

TEST(ServiceVerification, CodesOfAnotherSubject_AreWrong_T25) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    (void)backend.enrol(subject, service_window);
    auto other = backend.enrol(backend.subject_without_factors(), service_window);
    expect_not_verified(backend.verify(subject, other.app.next()), "wrong_code");
    expect_not_verified(backend.verify(subject, other.backup_codes.at(0)), "wrong_code");
}

TEST(ServiceVerification, MailedCode_IsRightOnce) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    const auto sent = expect_json(backend.about(subject, "POST", "/email-codes"), 202,
                                  {{"cooldown", kind::number}, {"expiresAt", kind::text}});
    EXPECT_TRUE(std::regex_match(text_in(sent, "expiresAt"),
                                 std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")));
    const auto code = mailed_code_to(home, subject);
    expect_verified(backend.verify(subject, code), "email", 0);
    expect_not_verified(backend.verify(subject, code), "wrong_code");
}

TEST(ServiceVerification, NewMailedCode_ReplacesTheOldOne) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    ASSERT_EQ(backend.about(subject, "POST", "/email-codes").status, 202u);
    const auto first = mailed_code_to(home, subject);
    ASSERT_EQ(backend.about(subject, "POST", "/email-codes").status, 202u);
    const auto second = mailed_code_to(home, subject, 2);
    if (first == second) return; // one time in a million
    expect_not_verified(backend.verify(subject, first), "wrong_code");
    expect_verified(backend.verify(subject, second), "email", 0);
}

TEST(ServiceVerification, CodeAskedForTooSoon_IsRefused_AndTheMailedOneStaysGood_T17) {
    auto& home = service_world({{"policy.mail_cooldown", "60"}});
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    const auto sent = json_of(backend.about(subject, "POST", "/email-codes"));
    EXPECT_EQ(sent.at("cooldown"), 60);
    expect_wait(backend.about(subject, "POST", "/email-codes"), 429, "mail_too_soon", 60);
    expect_verified(backend.verify(subject, mailed_code_to(home, subject)), "email", 0);
}

TEST(ServiceVerification, CodeWithoutTheEmailFactor_IsNotMailed) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    (void)backend.enrol(subject, service_window);
    expect_problem(backend.about(subject, "POST", "/email-codes"), 409, "email_factor_off");
    EXPECT_EQ(mails_to(home, address_of(subject), code_mail, 0).size(), 0u);
}

TEST(ServiceVerification, MailedCodeThatIsOld_HasExpired) {
    auto& home = service_world({{"policy.mailed_code_life", "1"}});
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    ASSERT_EQ(backend.about(subject, "POST", "/email-codes").status, 202u);
    const auto code = mailed_code_to(home, subject);
    wait_a_second();
    expect_not_verified(backend.verify(subject, code), "code_expired");
    EXPECT_EQ(backend.view(subject).at("blocked"), false);
}

TEST(ServiceVerification, WithoutASecondFactor_SaysSo) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (int count = 0; count < 6; ++count)
        expect_not_verified(backend.verify(subject, "123456"), "no_second_factor");
}

// T-12: from the table, so that a route that takes a code cannot forget it.
TEST(ServiceVerification, WhileBlocked_EveryRouteThatTakesACodeRefusesRightOnes_T12) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto pending = json_of(backend.about(subject, "POST", "/totp"));
    authenticator next_app(text_in(pending, "secret"), service_window);
    for (int miss = 0; miss < 5; ++miss)
        expect_not_verified(backend.verify(subject, enrolled.app.wrong()), "wrong_code");

    std::size_t rows = 0;
    for (const auto& row : net::service::routes()) {
        if (!row.proves_code) continue;
        ++rows;
        std::string path(row.key.pattern);
        SCOPED_TRACE(path);
        const bool confirms = path.find("{factor}") != std::string::npos;
        const auto code = confirms ? next_app.next() : enrolled.app.next();
        const auto put_in = [&](std::string_view name, const std::string& value) {
            if (const auto at = path.find(name); at != std::string::npos)
                path.replace(at, name.size(), value);
        };
        put_in("{subject}", subject);
        put_in("{factor}", text_in(pending, "factorId"));
        expect_wait(backend.call(boost::beast::http::to_string(row.key.method), path,
                                 R"({"code":")" + code + "\"}"),
                    429, "blocked", 30);
    }
    EXPECT_EQ(rows, 3u);
    expect_wait(backend.about(subject, "POST", "/totp"), 429, "blocked", 30);
    expect_wait(backend.verify(subject, enrolled.backup_codes.at(0)), 429, "blocked", 30);
    const auto view = backend.view(subject);
    EXPECT_EQ(view.at("blocked"), true);
    EXPECT_GE(view.at("retryAfter").as_int64(), 1);
    EXPECT_LE(view.at("retryAfter").as_int64(), 30);
}

TEST(ServiceVerification, MissesOfEveryFamily_AddUp_T14) {
    auto& home = service_world({{"policy.email_factor_by_default", "false"}});
    auto native = with_totp_only(home);
    const auto id = text_in(json_of(native.call("GET", "/api/users/me")), "id");
    const auto backend = backend_of(home);
    for (int miss = 0; miss < 3; ++miss)
        expect_not_verified(backend.verify(id, native.app.wrong()), "wrong_code");
    native.forget_tokens();
    ASSERT_EQ(native.log_in().status, 200u);
    for (int miss = 0; miss < 2; ++miss)
        expect_error(native.complete_login(R"({"totp":")" + native.app.wrong() + "\"}"), 401,
                     "WRONG_TWO_FACTOR_CODE");
    expect_wait(backend.verify(id, native.app.next()), 429, "blocked", 30);
}

TEST(ServiceVerification, Alerts_ShowThePersonAndNotTheBackend) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto enrolled = backend.enrol(subject, service_window);
    for (int miss = 0; miss < 5; ++miss) {
        const auto response =
            backend.call("POST", service_client::path_of(subject) + "/verifications",
                         R"({"code":")" + enrolled.app.wrong() +
                             R"(","ip":"2001:DB8::7","userAgent":"Lynx <b>\u0007"})",
                         {{"User-Agent", "backend/1.0"}});
        expect_not_verified(response, "wrong_code");
    }
    const auto alert = text_part(mails_to(home, address_of(subject), "Was Blocked", 1).at(0).data);
    EXPECT_NE(alert.find("2001:db8::7"), std::string::npos) << alert;
    EXPECT_NE(alert.find("Lynx"), std::string::npos) << alert;
    for (const auto* words : {"127.0.0.1", "backend/1.0"})
        EXPECT_EQ(alert.find(words), std::string::npos) << alert;
}

TEST(ServiceVerification, Locale_ChoosesTheMailsLanguage) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    ASSERT_EQ(backend.about(subject, "POST", "/email-codes?locale=de").status, 202u);
    const auto arrived = [&] {
        for (const auto& mail : home.sink.mails())
            if (mail.to == address_of(subject)) return text_part(mail.data);
        return std::string();
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (arrived().empty() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_NE(arrived().find("Code"), std::string::npos);
    EXPECT_EQ(mails_about(home.sink, address_of(subject), code_mail).size(), 0u);
}

TEST(ServiceVerification, WhatIsWrong_IsNamed) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const std::vector<std::pair<std::string_view, std::string_view>> wrong{
        {"{}", "code"},
        {R"({"code":null})", "code"},
        {R"({"code":true})", "code"},
        {R"({"code":["123456"]})", "code"},
        {R"({"code":"123456","ip":"999.1.1.1"})", "ip"},
        {R"({"code":"123456","ip":4})", "ip"},
        {R"({"code":"123456","userAgent":false})", "userAgent"},
        {R"("123456")", ""},
        {"code=123456", ""},
        {"", ""}};
    for (const auto& [body, field] : wrong) {
        SCOPED_TRACE(body);
        expect_problem(backend.about(subject, "POST", "/verifications", body), 400,
                       "invalid_request", field);
    }
    expect_problem(
        backend.about(subject, "POST", "/verifications?locale=%21", R"({"code":"123456"})"), 400,
        "invalid_request", "locale");
    expect_problem(backend.about(subject, "POST", "/email-codes", R"({"ip":"localhost"})"), 400,
                   "invalid_request", "ip");
}

TEST(ServiceSession, WithoutASecondFactor_OpensAtTheFirstLevel) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const shape opened{{"twoFactorRequired", kind::boolean},
                       {"accessToken", kind::text},
                       {"refreshToken", kind::text},
                       {"expiresIn", kind::number},
                       {"sessionId", kind::text},
                       {"assuranceLevel", kind::text}};
    const auto session =
        expect_json(backend.open_session(subject, R"({"ip":"203.0.113.9","userAgent":"Firefox"})"),
                    201, opened);
    EXPECT_EQ(session.at("twoFactorRequired"), false);
    EXPECT_EQ(session.at("expiresIn"), 900);
    EXPECT_EQ(text_in(session, "assuranceLevel"), "aal1");

    const http_headers bearer{{"Authorization", "Bearer " + text_in(session, "accessToken")}};
    const auto me = http_request(backend.port, "GET", "/api/users/me", bearer);
    ASSERT_EQ(me.status, 200u) << me.body;
    EXPECT_EQ(text_in(json_of(me), "id"), text_in(backend.view(subject), "account"));
    EXPECT_EQ(texts_of(json_of(me).at("identityProviders")), std::vector<std::string>{});
    const auto listed = http_request(backend.port, "GET", "/api/users/me/sessions", bearer);
    EXPECT_NE(listed.body.find(R"("id":")" + text_in(session, "sessionId")), std::string::npos)
        << listed.body;
    EXPECT_NE(listed.body.find(R"("browser":"Firefox")"), std::string::npos) << listed.body;
    EXPECT_NE(listed.body.find(R"("ipAddress":"203.0.113.9")"), std::string::npos) << listed.body;
    const auto slugbase = http_request(backend.port, "GET", "/api/auth/me", bearer);
    EXPECT_EQ(slugbase.status, 200u) << slugbase.body;
    EXPECT_EQ(text_in(json_of(slugbase), "email"), address_of(subject));

    const auto refreshed =
        http_request(backend.port, "POST", "/api/auth/refresh",
                     {{"Authorization", "Bearer " + text_in(session, "refreshToken")}});
    EXPECT_EQ(refreshed.status, 200u) << refreshed.body;
}

TEST(ServiceSession, WithASecondFactor_WaitsForIt_AndIsCompletedInTheNativeApi_T21) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto pending = expect_json(backend.open_session(subject), 200,
                                     {{"twoFactorRequired", kind::boolean},
                                      {"twoFactorMethods", kind::array},
                                      {"twoFactorAuthenticationToken", kind::text},
                                      {"codeMailed", kind::boolean},
                                      {"expiresIn", kind::number}});
    EXPECT_EQ(pending.at("twoFactorRequired"), true);
    EXPECT_EQ(texts_of(pending.at("twoFactorMethods")), std::vector<std::string>{"totp"});
    EXPECT_EQ(pending.at("codeMailed"), false);
    EXPECT_EQ(pending.at("expiresIn"), 900);

    native_client native{.port = backend.port,
                         .two_factor = text_in(pending, "twoFactorAuthenticationToken")};
    EXPECT_NE(native.call("GET", "/api/users/me").status, 200u);
    const auto done = native.complete_login(R"({"totp":")" + enrolled.app.next() + "\"}");
    ASSERT_EQ(done.status, 200u) << done.body;
    native.two_factor.clear();
    EXPECT_EQ(native.call("GET", "/api/users/me").status, 200u);
}

TEST(ServiceSession, WhereMailIsPreferred_TheCodeIsMailedAtOnce) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    const auto pending = json_of(backend.open_session(subject, R"({"locale":"en"})"));
    EXPECT_EQ(pending.at("codeMailed"), true);
    const auto code = mailed_code_to(home, subject);
    const auto opened = backend.open_session(subject, R"({"code":")" + code + "\"}");
    EXPECT_EQ(opened.status, 201u) << opened.body;
    EXPECT_EQ(text_in(json_of(opened), "assuranceLevel"), "aal2");
}

TEST(ServiceSession, WithItsCode_OpensAtTheSecondLevelInOneStep) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto code = enrolled.app.next();
    const auto opened = backend.open_session(subject, R"({"code":")" + code + "\"}");
    ASSERT_EQ(opened.status, 201u) << opened.body;
    EXPECT_EQ(text_in(json_of(opened), "assuranceLevel"), "aal2");
    EXPECT_EQ(http_request(backend.port, "GET", "/api/users/me",
                           {{"Authorization", "Bearer " + text_in(json_of(opened), "accessToken")}})
                  .status,
              200u);
    const auto again = backend.open_session(subject, R"({"code":")" + code + "\"}");
    expect_problem(again, 422, "wrong_code");
    const auto by_backup =
        backend.open_session(subject, R"({"code":")" + enrolled.backup_codes.at(3) + "\"}");
    EXPECT_EQ(by_backup.status, 201u);
    EXPECT_EQ(backend.view(subject).at("backupCodesRemaining"), 9);
}

TEST(ServiceSession, WithAnExpiredCode_IsRefused) {
    auto& home = service_world({{"policy.mailed_code_life", "1"}});
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    ASSERT_EQ(backend.open_session(subject).status, 200u);
    const auto code = mailed_code_to(home, subject);
    wait_a_second();
    expect_problem(backend.open_session(subject, R"({"code":")" + code + "\"}"), 422,
                   "code_expired");
}

TEST(ServiceSession, WhatIsWrong_IsNamed) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (const auto& [body, field] : std::vector<std::pair<std::string_view, std::string_view>>{
             {R"({"code":[]})", "code"},
             {R"({"ip":"x"})", "ip"},
             {R"({"locale":"x y"})", "locale"},
             {R"({"locale":3})", "locale"},
             {"5", ""}}) {
        SCOPED_TRACE(body);
        expect_problem(backend.open_session(subject, body), 400, "invalid_request", field);
    }
}

TEST(ServiceSession, NewDevice_IsToldOfWithWhatTheBackendSays) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto from = [&](std::string_view ip) {
        return backend.open_session(subject, R"({"ip":")" + std::string(ip) + "\"}").status;
    };
    ASSERT_EQ(from("203.0.113.1"), 201u);
    ASSERT_EQ(from("203.0.113.1"), 201u);
    const auto mails = mails_to(home, address_of(subject), "New Login", 1);
    EXPECT_NE(text_part(mails.at(0).data).find("203.0.113.1"), std::string::npos);
    ASSERT_EQ(from("203.0.113.2"), 201u);
    EXPECT_EQ(mails_to(home, address_of(subject), "New Login", 2).size(), 2u);
}

} // namespace
} // namespace countersign::tests
