// Subjects of the service API: made, changed, shown, erased.
#include "tests/contract/service.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <regex>

namespace countersign::tests {
namespace {

constexpr std::string_view changed_mail = "Email Address Was Changed";
constexpr std::string_view added_mail = "Method Added";
constexpr std::string_view removed_mail = "Method Removed";

TEST(ServiceSubject, PutOfANewOne_CreatesItWithThePolicysFactor) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    const auto made = expect_json(backend.put(subject, {{"email", "  Ada@" + subject + ".Example "},
                                                        {"name", "Ada"},
                                                        {"locale", "DE-at"}}),
                                  201, subject_shape());
    EXPECT_EQ(text_in(made, "subject"), subject);
    EXPECT_TRUE(std::regex_match(text_in(made, "account"), std::regex("user_[0-9a-f]{32}")));
    EXPECT_EQ(text_in(made, "email"), "ada@" + subject + ".example");
    EXPECT_EQ(made.at("emailVerified"), false);
    EXPECT_EQ(text_in(made, "name"), "Ada");
    EXPECT_EQ(text_in(made, "locale"), "de-AT");
    EXPECT_EQ(made.at("secondFactor"), true);
    const auto created_at = text_in(made, "createdAt");
    const boost::json::array factors{
        {{"id", "email"}, {"method", "email"}, {"enrolledAt", created_at}}};
    EXPECT_EQ(made.at("factors"), factors);
    EXPECT_EQ(made.at("backupCodesRemaining"), 0);
    EXPECT_EQ(made.at("blocked"), false);
    EXPECT_EQ(backend.view(subject), made);
}

TEST(ServiceSubject, PutWithAnAddressOnly_TakesDefaults) {
    const auto backend = backend_of();
    const std::string subject = service_client::fresh_subject() + std::string(108, 'x');
    const auto made =
        expect_json(backend.put(subject, {{"email", address_of("d" + subject.substr(0, 20))},
                                          {"emailFactor", false}}),
                    201, subject_shape());
    EXPECT_EQ(text_in(made, "name"), subject.substr(0, 100));
    EXPECT_TRUE(made.at("locale").is_null());
    EXPECT_EQ(made.at("secondFactor"), false);
    EXPECT_EQ(made.at("factors"), boost::json::array());
}

TEST(ServiceSubject, PutOfAnExistingOne_ChangesWhatIsGiven) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto before = backend.view(subject);

    const auto renamed = expect_json(backend.put(subject, {{"name", "Grace"}, {"locale", "fr"}}),
                                     200, subject_shape());
    auto expected = before;
    expected["name"] = "Grace";
    expected["locale"] = "fr";
    EXPECT_EQ(renamed, expected);

    expected["locale"] = nullptr;
    EXPECT_EQ(json_of(backend.put(subject, {{"locale", ""}})), expected);
    EXPECT_EQ(json_of(backend.put(subject, {})), expected);
    EXPECT_EQ(json_of(backend.put(subject, {{"email", address_of(subject)}})), expected);
    EXPECT_EQ(mails_to(home, address_of(subject), changed_mail, 0).size(), 0u);
}

TEST(ServiceSubject, AnotherAddress_IsToldToBoth_AndFreesTheOldOne) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto fresh = "moved-" + address_of(subject);
    const auto moved = expect_json(backend.put(subject, {{"email", fresh}}), 200, subject_shape());
    EXPECT_EQ(text_in(moved, "email"), fresh);
    EXPECT_EQ(mails_to(home, address_of(subject), changed_mail, 1).size(), 1u);
    EXPECT_EQ(mails_to(home, fresh, changed_mail, 1).size(), 1u);

    const auto other = service_client::fresh_subject();
    expect_problem(backend.put(other, {{"email", fresh}}), 409, "email_taken");
    EXPECT_EQ(backend.put(other, {{"email", address_of(subject)}}).status, 201u);
    // And back again: the old address is another's now.
    expect_problem(backend.put(subject, {{"email", address_of(subject)}}), 409, "email_taken");
    EXPECT_EQ(text_in(backend.view(subject), "email"), fresh);
}

TEST(ServiceSubject, MovingThereAndBack_KeepsItsAddress) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(backend.put(subject, {{"email", "x-" + address_of(subject)}}).status, 200u);
        EXPECT_EQ(backend.put(subject, {{"email", address_of(subject)}}).status, 200u);
    }
    expect_problem(backend.put(service_client::fresh_subject(), {{"email", address_of(subject)}}),
                   409, "email_taken");
}

TEST(ServiceSubject, AddressOfAnAccountOfAnotherFamily_IsTaken) {
    auto& home = service_world();
    person native(home);
    native.sign_up();
    const auto backend = backend_of(home);
    expect_problem(backend.put(service_client::fresh_subject(), {{"email", native.email}}), 409,
                   "email_taken");
    const auto subject = backend.subject_without_factors();
    expect_problem(backend.put(subject, {{"email", native.email}}), 409, "email_taken");
}

TEST(ServiceSubject, EmailFactor_IsSwitchedAndToldOf) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    EXPECT_EQ(json_of(backend.put(subject, {{"emailFactor", true}})).at("secondFactor"), true);
    EXPECT_EQ(mails_to(home, address_of(subject), added_mail, 1).size(), 1u);
    EXPECT_EQ(json_of(backend.put(subject, {{"emailFactor", true}})).at("secondFactor"), true);
    EXPECT_EQ(json_of(backend.put(subject, {{"emailFactor", false}})).at("secondFactor"), false);
    EXPECT_EQ(mails_to(home, address_of(subject), removed_mail, 1).size(), 1u);
    EXPECT_EQ(mails_to(home, address_of(subject), added_mail, 1).size(), 1u);
}

TEST(ServiceSubject, LastFactor_StaysWherePolicyWantsOne) {
    const auto backend = backend_of(service_world({{"policy.require_second_factor", "true"}}));
    const auto subject = backend.subject_with_email();
    expect_problem(backend.put(subject, {{"emailFactor", false}, {"name", "X"}}), 409,
                   "last_factor");
    EXPECT_EQ(text_in(backend.view(subject), "name"), subject);
}

TEST(ServiceSubject, WhatIsWrong_IsNamed) {
    const auto backend = backend_of();
    const auto subject = service_client::fresh_subject();
    expect_problem(backend.put(subject, {{"name", "Ada"}}), 400, "invalid_request", "email");
    const std::vector<std::pair<std::string_view, std::string_view>> wrong{
        {R"({"email":"nowhere"})", "email"},
        {R"({"email":7})", "email"},
        {R"({"email":"grüße@example.org"})", "email"},
        {R"({"email":"a@example.org","name":""})", "name"},
        {R"({"email":"a@example.org","name":["Ada"]})", "name"},
        {R"({"email":"a@example.org","locale":"not a tag"})", "locale"},
        {R"({"email":"a@example.org","locale":1})", "locale"},
        {R"({"email":"a@example.org","emailFactor":"true"})", "emailFactor"},
        {R"({"email":"a@example.org","ip":"localhost"})", "ip"},
        {R"({"email":"a@example.org","userAgent":{}})", "userAgent"},
        {R"(["a@example.org"])", ""},
        {R"({"email":)", ""},
        {"", ""}};
    for (const auto& [body, field] : wrong) {
        SCOPED_TRACE(body);
        expect_problem(backend.about(subject, "PUT", {}, body), 400, "invalid_request", field);
    }
    expect_problem(backend.about(subject, "PUT", "?locale=%21", R"({"email":"a@example.org"})"),
                   400, "invalid_request", "locale");
    expect_problem(backend.call("PUT", service_client::path_of(subject), "email=a@example.org",
                                {{"Content-Type", "application/x-www-form-urlencoded"}}),
                   400, "invalid_request");
    expect_problem(backend.read(subject), 404, "subject_not_found");
}

TEST(ServiceSubject, FormOfTheName_IsChecked) {
    const auto backend = backend_of();
    for (const auto* good :
         {"with space+inside", "o'hara@acme.example", "100%", "~!$&()*,;=:[]{}"}) {
        SCOPED_TRACE(good);
        const auto email = native_client::fresh_email();
        const auto made = backend.put(good, {{"email", email}});
        EXPECT_EQ(made.status, 201u) << made.body;
        EXPECT_EQ(text_in(backend.view(good), "subject"), good);
        EXPECT_EQ(text_in(backend.view(good), "email"), email);
    }
    const auto long_name = service_client::fresh_subject() + std::string(128, 'x');
    EXPECT_EQ(
        backend.put(long_name.substr(0, 128), {{"email", native_client::fresh_email()}}).status,
        201u);
    for (const auto& bad :
         {std::string(" "), std::string("a/b"), std::string(" a"), std::string("a "),
          std::string("Zoë"), long_name.substr(0, 129), std::string("..")}) {
        SCOPED_TRACE(bad);
        expect_problem(backend.put(bad, {{"email", "x@example.org"}}), 400, "invalid_request",
                       "subject");
    }
    expect_problem(backend.put("a\nb", {{"email", "x@example.org"}}), 404, "not_found");
}

TEST(ServiceSubject, AccountOfAnotherFamily_IsReachedByItsId_AndNeverMade) {
    auto& home = service_world();
    auto native = with_totp_only(service_world({{"policy.email_factor_by_default", "false"}}));
    const auto backend = backend_of(*native.home);
    const auto id = text_in(json_of(native.call("GET", "/api/users/me")), "id");

    const auto shown = expect_json(backend.read(id), 200, subject_shape());
    EXPECT_EQ(text_in(shown, "subject"), id);
    EXPECT_EQ(text_in(shown, "account"), id);
    EXPECT_EQ(text_in(shown, "email"), native.email);
    expect_verified(backend.verify(id, native.app.next()), "totp", 6);
    EXPECT_EQ(json_of(backend.put(id, {{"name", "By the backend"}})).at("name"), "By the backend");

    const std::string nobody = "user_0123456789abcdef0123456789abcdef";
    expect_problem(backend_of(home).put(nobody, {{"email", "x@example.org"}}), 404,
                   "subject_not_found");
    expect_problem(backend_of(home).read(nobody), 404, "subject_not_found");
}

TEST(ServiceSubject, ByTheIdOfItsAccount_IsTheSameSubject) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto view = backend.view(subject);
    EXPECT_EQ(backend.view(text_in(view, "account")), view);
}

TEST(ServiceSubject, Erased_IsGone_WithItsSessions_AndItsAddressIsFree) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto access = text_in(json_of(backend.open_session(subject)), "accessToken");
    const http_headers bearer{{"Authorization", "Bearer " + access}};
    ASSERT_EQ(http_request(backend.port, "GET", "/api/users/me", bearer).status, 200u);

    expect_204(backend.about(subject, "DELETE"));
    expect_problem(backend.about(subject, "DELETE"), 404, "subject_not_found");
    expect_problem(backend.read(subject), 404, "subject_not_found");
    EXPECT_NE(http_request(backend.port, "GET", "/api/users/me", bearer).status, 200u);
    EXPECT_EQ(backend.put(service_client::fresh_subject(), {{"email", address_of(subject)}}).status,
              201u);
}

TEST(ServiceSubject, ErasedAndMadeAnew_HasNothingOfTheOldOne) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    expect_204(backend.about(subject, "DELETE"));
    EXPECT_EQ(backend.put(subject, {{"email", address_of(subject)}, {"emailFactor", false}}).status,
              201u);
    EXPECT_EQ(backend.view(subject).at("factors"), boost::json::array());
    expect_not_verified(backend.verify(subject, enrolled.app.next()), "no_second_factor");
}

TEST(ServiceSubject, UnknownOne_IsNotFoundOnEveryRoute) {
    const auto backend = backend_of();
    const auto nobody = service_client::fresh_subject();
    const std::vector<std::array<std::string_view, 3>> requests{
        {"GET", "", ""},
        {"DELETE", "", ""},
        {"POST", "/totp", ""},
        {"POST", "/totp/totp_0123456789abcdef0123456789abcdef/confirm", R"({"code":"123456"})"},
        {"POST", "/email-codes", ""},
        {"POST", "/verifications", R"({"code":"123456"})"},
        {"DELETE", "/factors", ""},
        {"DELETE", "/factors/email", ""},
        {"POST", "/sessions", ""}};
    for (const auto& [method, rest, body] : requests) {
        SCOPED_TRACE(std::string(method) + std::string(rest));
        expect_problem(backend.about(nobody, method, rest, body), 404, "subject_not_found");
    }
}

} // namespace
} // namespace countersign::tests
