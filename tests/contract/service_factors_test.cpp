// Authenticator apps of subjects: enrolled, confirmed, and every second factor taken away.
#include "tests/contract/service.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <regex>
#include <set>

namespace countersign::tests {
namespace {

std::string code_body(std::string_view code) {
    return boost::json::serialize(boost::json::object{{"code", code}});
}

// A beginning, as the backend sees it.
struct begun_totp {
    std::string factor;
    authenticator app;
};
begun_totp begin(const service_client& backend, std::string_view subject) {
    const auto body = json_of(backend.about(subject, "POST", "/totp"));
    return {text_in(body, "factorId"), authenticator(text_in(body, "secret"), service_window)};
}
http_response confirm(const service_client& backend, std::string_view subject,
                      const std::string& factor, std::string_view code) {
    return backend.about(subject, "POST", "/totp/" + factor + "/confirm", code_body(code));
}

TEST(ServiceTotp, BegunAndConfirmed_IsASecondFactor) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto material = expect_json(
        backend.about(subject, "POST", "/totp", R"({"label":"Phone","accountName":"Ada at Acme"})"),
        201,
        {{"factorId", kind::text},
         {"secret", kind::text},
         {"otpauthUri", kind::text},
         {"expiresAt", kind::text}});
    const auto factor = text_in(material, "factorId");
    const auto secret = text_in(material, "secret");
    EXPECT_TRUE(std::regex_match(factor, std::regex("totp_[0-9a-f]{32}")));
    EXPECT_EQ(text_in(material, "otpauthUri"),
              "otpauth://totp/Countersign:Ada%20at%20Acme?secret=" + secret +
                  "&issuer=Countersign");
    // T-38: until it is confirmed it is no factor.
    EXPECT_EQ(backend.view(subject).at("secondFactor"), false);
    authenticator app(secret, service_window);
    expect_not_verified(backend.verify(subject, app.next()), "no_second_factor");

    const auto confirmed = expect_json(confirm(backend, subject, factor, app.next()), 200,
                                       {{"backupCodes", kind::array}});
    const auto codes = texts_of(confirmed.at("backupCodes"));
    EXPECT_EQ(std::set<std::string>(codes.begin(), codes.end()).size(), 10u);
    EXPECT_TRUE(std::ranges::all_of(codes, [](const std::string& code) {
        return std::regex_match(code, std::regex("[0-9a-f]{16}"));
    }));
    const auto view = backend.view(subject);
    EXPECT_EQ(view.at("secondFactor"), true);
    EXPECT_EQ(view.at("backupCodesRemaining"), 10);
    const auto& device = view.at("factors").as_array().at(0).as_object();
    expect_shape(device, {{"id", kind::text},
                          {"method", kind::text},
                          {"label", kind::text},
                          {"enrolledAt", kind::text}});
    EXPECT_EQ(text_in(device, "id"), factor);
    EXPECT_EQ(text_in(device, "method"), "totp");
    EXPECT_EQ(text_in(device, "label"), "Phone");
    EXPECT_EQ(mails_to(home, address_of(subject), "Method Added", 1).size(), 1u);
}

TEST(ServiceTotp, WithoutWords_ShowsTheAddressAndTheApplication) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto uri = text_in(json_of(backend.about(subject, "POST", "/totp")), "otpauthUri");
    auto address = address_of(subject);
    address.replace(address.find('@'), 1, "%40");
    EXPECT_TRUE(uri.starts_with("otpauth://totp/Countersign:" + address + "?")) << uri;
}

TEST(ServiceTotp, ConfirmingCode_IsUsedUp_T01) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    expect_not_verified(backend.verify(subject, enrolled.app.last()), "wrong_code");
    expect_verified(backend.verify(subject, enrolled.app.next()), "totp", 10);
}

TEST(ServiceTotp, WrongConfirmingCode_LeavesTheEnrolmentPending) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto pending = begin(backend, subject);
    expect_problem(confirm(backend, subject, pending.factor, pending.app.wrong()), 422,
                   "wrong_code");
    EXPECT_EQ(confirm(backend, subject, pending.factor, pending.app.next()).status, 200u);
    expect_problem(confirm(backend, subject, pending.factor, pending.app.next()), 404,
                   "enrolment_not_found");
}

TEST(ServiceTotp, LaterBeginning_ReplacesTheEarlierOne_T35) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto first = begin(backend, subject);
    auto second = begin(backend, subject);
    expect_problem(confirm(backend, subject, first.factor, first.app.next()), 404,
                   "enrolment_not_found");
    expect_problem(confirm(backend, subject, second.factor, first.app.next()), 422, "wrong_code");
    EXPECT_EQ(confirm(backend, subject, second.factor, second.app.next()).status, 200u);
}

TEST(ServiceTotp, EnrolmentOfAnotherSubject_IsNotFound) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto pending = begin(backend, backend.subject_without_factors());
    expect_problem(confirm(backend, subject, pending.factor, pending.app.next()), 404,
                   "enrolment_not_found");
}

// T-35: who began an enrolment is who confirms it.
TEST(ServiceTotp, EnrolmentThatItsOwnerBegan_IsNotTheBackendsToConfirm_T35) {
    auto& home = service_world({{"policy.email_factor_by_default", "false"}});
    auto native = with_no_factor();
    person who(home);
    who.sign_up();
    who.sign_in();
    who.step_up_now();
    const auto begun = json_of(who.call("GET", "/api/auth/2fa/totp/setup"));
    authenticator app(text_in(begun, "secret"), service_window);
    const auto backend = backend_of(home);
    const auto id = text_in(json_of(who.call("GET", "/api/users/me")), "id");
    expect_problem(confirm(backend, id, "totp_0123456789abcdef0123456789abcdef", app.next()), 404,
                   "enrolment_not_found");
}

TEST(ServiceTotp, UnconfirmedInTime_IsGone) {
    const auto backend = backend_of(service_world({{"tokens.totp_setup", "1"}}));
    const auto subject = backend.subject_without_factors();
    auto pending = begin(backend, subject);
    wait_a_second();
    expect_problem(confirm(backend, subject, pending.factor, pending.app.next()), 410,
                   "enrolment_expired");
}

TEST(ServiceTotp, SecondApp_KeepsTheBackupCodes_AndBothVerify) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto first = backend.enrol(subject, service_window);
    auto second = backend.enrol(subject, service_window);
    EXPECT_EQ(second.backup_codes.size(), 0u);
    expect_verified(backend.verify(subject, first.app.next()), "totp", 10);
    expect_verified(backend.verify(subject, second.app.next()), "totp", 10);
    expect_verified(backend.verify(subject, first.backup_codes.front()), "backup_code", 9);
}

TEST(ServiceTotp, EleventhApp_IsRefused) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (int count = 0; count < 10; ++count)
        (void)backend.enrol(subject, service_window);
    expect_problem(backend.about(subject, "POST", "/totp"), 409, "too_many_factors");
}

TEST(ServiceTotp, WhatIsWrong_IsNamed) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (const auto& [body, field] : std::vector<std::pair<std::string_view, std::string_view>>{
             {R"({"label":""})", "label"},
             {R"({"label":5})", "label"},
             {R"({"accountName":"a\u0000b"})", "accountName"},
             {"[]", ""}}) {
        SCOPED_TRACE(body);
        expect_problem(backend.about(subject, "POST", "/totp", body), 400, "invalid_request",
                       field);
    }
    const auto pending = begin(backend, subject);
    for (const auto& [body, field] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"{}", "code"}, {R"({"code":{}})", "code"}, {R"({"code":1.5})", "code"}, {"", ""}}) {
        SCOPED_TRACE(body);
        expect_problem(backend.about(subject, "POST", "/totp/" + pending.factor + "/confirm", body),
                       400, "invalid_request", field);
    }
}

TEST(ServiceTotp, Enrolling_EndsTheSubjectsSessions_T33) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto access = text_in(json_of(backend.open_session(subject)), "accessToken");
    (void)backend.enrol(subject, service_window);
    EXPECT_EQ(
        http_request(backend.port, "GET", "/api/users/me", {{"Authorization", "Bearer " + access}})
            .status,
        401u);
}

TEST(ServiceFactors, Reset_TakesEverythingAway_AndIsToldAndLogged) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    auto enrolled = backend.enrol(subject, service_window);
    expect_204(backend.about(subject, "DELETE", "/factors"));
    const auto view = backend.view(subject);
    EXPECT_EQ(view.at("secondFactor"), false);
    EXPECT_EQ(view.at("backupCodesRemaining"), 0);
    expect_not_verified(backend.verify(subject, enrolled.app.next()), "no_second_factor");
    EXPECT_EQ(mails_to(home, address_of(subject), "Was Reset", 1).size(), 1u);
    const auto account = text_in(view, "account");
    EXPECT_TRUE(home.server.has_logged(" took every second factor of " + account + " away"));
    expect_204(backend.about(subject, "DELETE", "/factors"));
}

TEST(ServiceFactors, Reset_EndsThePauseAfterWrongCodes) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto enrolled = backend.enrol(subject, service_window);
    for (int miss = 0; miss < 5; ++miss)
        expect_not_verified(backend.verify(subject, enrolled.app.wrong()), "wrong_code");
    EXPECT_EQ(backend.view(subject).at("blocked"), true);
    expect_204(backend.about(subject, "DELETE", "/factors"));
    EXPECT_EQ(backend.view(subject).at("blocked"), false);
    auto again = backend.enrol(subject, service_window);
    expect_verified(backend.verify(subject, again.app.next()), "totp", 10);
}

TEST(ServiceFactors, OneTakenAway_LeavesTheOthers) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    auto first = backend.enrol(subject, service_window);
    auto second = backend.enrol(subject, service_window);
    expect_204(backend.about(subject, "DELETE", "/factors/" + first.factor));
    expect_not_verified(backend.verify(subject, first.app.next()), "wrong_code");
    expect_verified(backend.verify(subject, second.app.next()), "totp", 10);
    EXPECT_EQ(mails_to(home, address_of(subject), "Was Reset", 1).size(), 1u);

    expect_204(backend.about(subject, "DELETE", "/factors/email"));
    const auto view = backend.view(subject);
    EXPECT_EQ(view.at("factors").as_array().size(), 1u);
    EXPECT_EQ(view.at("backupCodesRemaining"), 10);
    // The last app takes the backup codes with it.
    expect_204(backend.about(subject, "DELETE", "/factors/" + second.factor));
    EXPECT_EQ(backend.view(subject).at("backupCodesRemaining"), 0);
}

TEST(ServiceFactors, UnknownOne_IsNotFound) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto other = backend.enrol(backend.subject_without_factors(), service_window);
    for (const auto& factor :
         {std::string("email"), other.factor, std::string("totp"), std::string("%20")})
        expect_problem(backend.about(subject, "DELETE", "/factors/" + factor), 404,
                       "factor_not_found");
}

TEST(ServiceFactors, LanguageOfTheMail_IsTheRequestsOrTheSubjects) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_with_email();
    ASSERT_EQ(backend.put(subject, {{"locale", "de"}}).status, 200u);
    (void)backend.enrol(subject, service_window);
    EXPECT_EQ(mails_to(home, address_of(subject), "hinzugef", 0).size(), 0u); // it is encoded
    expect_204(backend.about(subject, "DELETE", "/factors/email?locale=en"));
    EXPECT_EQ(mails_to(home, address_of(subject), "Was Reset", 1).size(), 1u);
    expect_problem(backend.about(subject, "DELETE", "/factors?locale=%21"), 400, "invalid_request",
                   "locale");
}

} // namespace
} // namespace countersign::tests
