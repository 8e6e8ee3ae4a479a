// The account's own security history, and what a backend does to an account beside its factors:
// ends sessions, sets addresses for alerts, makes backup codes.
#include "tests/contract/service.hpp"
#include "tests/support/program_run.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <regex>

namespace countersign::tests {
namespace {

using boost::json::object;

constexpr std::string_view addresses_mail = "Addresses for Security Alerts Were Changed";
constexpr std::string_view sessions_mail = "All Sessions of Your Account Were Ended";
constexpr std::string_view codes_mail = "New Backup Codes for Your Account";

object page(const service_client& backend, std::string_view subject, std::string_view query = {}) {
    return expect_json(backend.about(subject, "GET", "/activity" + std::string(query)), 200,
                       {{"activity", kind::array}, {"next", kind::text_or_null}});
}
// The names of the events, the newest first.
std::vector<std::string> events_of(const service_client& backend, std::string_view subject) {
    std::vector<std::string> names;
    const auto newest_first = page(backend, subject);
    for (const auto& row : newest_first.at("activity").as_array())
        names.push_back(text_in(row.as_object(), "event"));
    return names;
}
object newest(const service_client& backend, std::string_view subject) {
    return page(backend, subject).at("activity").as_array().at(0).as_object();
}
http_response set_addresses(const service_client& backend, std::string_view subject,
                            const std::vector<std::string>& addresses) {
    boost::json::array list(addresses.begin(), addresses.end());
    return backend.about(subject, "PUT", "/notification-addresses",
                         boost::json::serialize(object{{"addresses", std::move(list)}}));
}

TEST(ServiceActivity, SaysWhatHappenedWhenFromWhereAndByWhom) {
    auto& home = service_world();
    const auto made = make_service_key(COUNTERSIGN_PROGRAM, home.server);
    const service_client backend{.port = home.server.port(), .key = made.key};
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    expect_204(backend.about(subject, "DELETE", "/factors",
                             R"({"ip":"203.0.113.7","userAgent":"Firefox"})"));
    EXPECT_EQ(events_of(backend, subject),
              (std::vector<std::string>{"second_factor_reset", "two_factor_added"}));
    const auto row = newest(backend, subject);
    expect_shape(row, {{"event", kind::text},
                       {"at", kind::text},
                       {"by", kind::text},
                       {"ip", kind::text},
                       {"browser", kind::text},
                       {"os", kind::text_or_null}});
    EXPECT_EQ(text_in(row, "by"), "service:" + made.id);
    EXPECT_EQ(text_in(row, "ip"), "203.0.113.7");
    EXPECT_EQ(text_in(row, "browser"), "Firefox");
    EXPECT_TRUE(std::regex_match(text_in(row, "at"), std::regex("20.*T.*Z")));
}

TEST(ServiceActivity, WhatThePersonDidNatively_IsByTheAccount) {
    auto who = with_no_factor();
    const auto backend = backend_of(world::without_email_factor());
    const auto id = text_in(json_of(who.call("GET", "/api/users/me")), "id");
    ASSERT_EQ(who.call("DELETE", "/api/users/me/sessions").status, 200u);
    const auto row = newest(backend, id);
    EXPECT_EQ(text_in(row, "event"), "sessions_ended");
    EXPECT_EQ(text_in(row, "by"), "account");
    EXPECT_EQ(text_in(row, "ip"), "127.0.0.1");
}

TEST(ServiceActivity, AnAlertThatIsSwitchedOff_IsRecordedAllTheSame) {
    auto& home = service_world({{"policy.alerts.two_factor_added", "false"}});
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    (void)backend.enrol(subject, service_window);
    EXPECT_EQ(events_of(backend, subject), std::vector<std::string>{"two_factor_added"});
    EXPECT_EQ(mails_to(home, address_of(subject), "Method Added", 0).size(), 0u);
}

TEST(ServiceActivity, HoldsNoCodeAndNoSecret) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    expect_verified(backend.verify(subject, enrolled.backup_codes.at(0)), "backup_code", 9);
    ASSERT_EQ(backend.put(subject, {{"emailFactor", true}}).status, 200u);
    ASSERT_EQ(backend.about(subject, "POST", "/email-codes").status, 202u);
    EXPECT_EQ(
        events_of(backend, subject),
        (std::vector<std::string>{"two_factor_added", "recovery_code_used", "two_factor_added"}));
    const auto text = backend.about(subject, "GET", "/activity").body;
    EXPECT_EQ(text.find(enrolled.backup_codes.at(0)), std::string::npos);
}

TEST(ServiceActivity, IsReadByPages) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (const bool on : {true, false, true})
        ASSERT_EQ(backend.put(subject, {{"emailFactor", on}}).status, 200u);
    const auto first = page(backend, subject, "?limit=2");
    EXPECT_EQ(first.at("activity").as_array().size(), 2u);
    const auto rest = page(backend, subject, "?limit=2&before=" + text_in(first, "next"));
    EXPECT_EQ(rest.at("activity").as_array().size(), 1u);
    EXPECT_TRUE(rest.at("next").is_null());
    EXPECT_TRUE(page(backend, subject, "?limit=3").at("next").is_null());
}

TEST(ServiceActivity, WrongPages_AreNamed) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (const auto* limit : {"0", "101", "-1", "x", "", "1x"})
        expect_problem(backend.about(subject, "GET", "/activity?limit=" + std::string(limit)), 400,
                       "invalid_request", "limit");
    for (const auto* before : {"x", "1", "%2B", "1-2-3"})
        expect_problem(backend.about(subject, "GET", "/activity?before=" + std::string(before)),
                       400, "invalid_request", "before");
    expect_problem(backend.about(service_client::fresh_subject(), "GET", "/activity"), 404,
                   "subject_not_found");
}

TEST(ServiceActivity, IsErasedWithTheAccount) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    (void)backend.enrol(subject, service_window);
    expect_204(backend.about(subject, "DELETE"));
    ASSERT_EQ(backend.put(subject, {{"email", address_of(subject)}}).status, 201u);
    EXPECT_TRUE(events_of(backend, subject).empty());
}

TEST(ServiceActivity, TheCommand_PrintsIt) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    (void)backend.enrol(subject, service_window);
    const auto print = [&](const std::string& account) {
        return program_run(COUNTERSIGN_PROGRAM,
                           {"activity", account,
                            "--data_dir=" + (home.server.data_dir() / "data").string()})
            .wait();
    };
    const auto printed = print(subject);
    EXPECT_EQ(printed.status, 0) << printed.errors;
    EXPECT_TRUE(std::regex_search(
        printed.out, std::regex("WHEN +EVENT +BY +ADDRESS +CLIENT +DETAILS\n"
                                "20\\S+Z +two_factor_added +service:[0-9a-f]{16} +- +- +totp")))
        << printed.out;
    EXPECT_EQ(print(text_in(backend.view(subject), "account")).out, printed.out);
    const auto unknown = print("nobody-of-that-name");
    EXPECT_EQ(unknown.status, 1);
    EXPECT_NE(unknown.errors.find("there is no such account or subject"), std::string::npos);
}

TEST(ServiceAccount, TheCommand_PrintsWhatIsStored_AndNoSecret) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto app = backend.enrol(subject, service_window);
    const auto print = [&](const std::string& account) {
        return program_run(
                   COUNTERSIGN_PROGRAM,
                   {"account", account, "--data_dir=" + (home.server.data_dir() / "data").string()})
            .wait();
    };
    const auto printed = print(subject);
    ASSERT_EQ(printed.status, 0) << printed.errors;
    const auto document = boost::json::parse(printed.out).as_object();
    EXPECT_EQ(text_in(document, "subject"), subject);
    EXPECT_EQ(document.at("totp").as_array().size(), 1u);
    for (const auto& code : app.backup_codes)
        EXPECT_EQ(printed.out.find(code), std::string::npos) << "a backup code in the clear";
    EXPECT_EQ(print(text_in(backend.view(subject), "account")).out, printed.out);
    EXPECT_EQ(print("nobody-of-that-name").status, 1);
}

TEST(ServiceSessions, EndedByTheBackend_AreToldOf) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto access = text_in(json_of(backend.open_session(subject)), "accessToken");
    expect_204(backend.about(subject, "DELETE", "/sessions"));
    EXPECT_EQ(
        http_request(backend.port, "GET", "/api/users/me", {{"Authorization", "Bearer " + access}})
            .status,
        401u);
    EXPECT_EQ(mails_to(home, address_of(subject), sessions_mail, 1).size(), 1u);
    // Nothing is left to end: recorded, and mailed to nobody.
    expect_204(backend.about(subject, "DELETE", "/sessions"));
    const auto events = events_of(backend, subject);
    EXPECT_EQ(std::ranges::count(events, "sessions_ended"), 2);
    EXPECT_EQ(mails_to(home, address_of(subject), sessions_mail, 1).size(), 1u);
}

TEST(ServiceAddresses, GetAlertsBesideTheSubjectsOwn) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    const auto first = "first-" + address_of(subject), second = "second-" + address_of(subject);
    const auto shown =
        expect_json(set_addresses(backend, subject, {" " + first}), 200, subject_shape());
    EXPECT_EQ(texts_of(shown.at("notificationAddresses")), std::vector<std::string>{first});
    EXPECT_EQ(backend.view(subject), shown);
    (void)backend.enrol(subject, service_window);
    for (const auto& address : {address_of(subject), first})
        EXPECT_EQ(mails_to(home, address, "Method Added", 1).size(), 1u);

    ASSERT_EQ(set_addresses(backend, subject, {second, address_of(subject)}).status, 200u);
    EXPECT_EQ(texts_of(backend.view(subject).at("notificationAddresses")),
              std::vector<std::string>{second});
    EXPECT_EQ(mails_to(home, address_of(subject), addresses_mail, 2).size(), 2u);
    EXPECT_EQ(mails_to(home, first, addresses_mail, 2).size(), 2u);
    EXPECT_EQ(mails_to(home, second, addresses_mail, 1).size(), 1u);
    const auto row = newest(backend, subject);
    EXPECT_EQ(text_in(row, "oldEmail"), first);
    EXPECT_EQ(text_in(row, "newEmail"), second);

    ASSERT_EQ(set_addresses(backend, subject, {}).status, 200u);
    EXPECT_TRUE(backend.view(subject).at("notificationAddresses").as_array().empty());
}

TEST(ServiceAddresses, WhatIsNone_IsRefused) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    for (const auto* wrong :
         {R"({})", R"({"addresses":"a@example.org"})", R"({"addresses":[7]})",
          R"({"addresses":["nowhere"]})", R"({"addresses":["a@example.org","A@Example.org"]})",
          R"({"addresses":["a@x.org","b@x.org","c@x.org","d@x.org"]})"})
        expect_problem(backend.about(subject, "PUT", "/notification-addresses", wrong), 400,
                       "invalid_request", "addresses");
    EXPECT_TRUE(backend.view(subject).at("notificationAddresses").as_array().empty());
}

TEST(ServiceBackupCodes, ANewSet_ReplacesTheOldOneAndIsToldOf) {
    auto& home = service_world();
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto made = expect_json(backend.about(subject, "POST", "/backup-codes"), 201,
                                  {{"backupCodes", kind::array}});
    const auto codes = texts_of(made.at("backupCodes"));
    ASSERT_EQ(codes.size(), 10u);
    expect_not_verified(backend.verify(subject, enrolled.backup_codes.at(0)), "wrong_code");
    expect_verified(backend.verify(subject, codes.at(0)), "backup_code", 9);
    EXPECT_EQ(mails_to(home, address_of(subject), codes_mail, 1).size(), 1u);
}

TEST(ServiceBackupCodes, WithoutAnApp_AreNotMade) {
    const auto backend = backend_of();
    expect_problem(backend.about(backend.subject_with_email(), "POST", "/backup-codes"), 409,
                   "totp_off");
}

TEST(ServiceBackupCodes, WhereTheyAreLonger_TheyHaveThatLengthAndVerify) {
    const auto backend = backend_of(service_world({{"policy.service_backup_code_length", "28"}}));
    const auto subject = backend.subject_without_factors();
    const auto enrolled = backend.enrol(subject, service_window);
    const auto renewed =
        texts_of(json_of(backend.about(subject, "POST", "/backup-codes")).at("backupCodes"));
    for (const auto& codes : {enrolled.backup_codes, renewed})
        EXPECT_TRUE(std::ranges::all_of(codes, [](const std::string& code) {
            return std::regex_match(code, std::regex("[0-9a-f]{28}"));
        }));
    expect_verified(backend.verify(subject, renewed.at(3)), "backup_code", 9);
}

} // namespace
} // namespace countersign::tests
