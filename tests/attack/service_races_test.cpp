// Backends that ask the same thing at the same moment (T-04, T-05, T-10).
#include "tests/attack/volley.hpp"
#include "tests/support/passkey_user.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/service_client.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <set>

namespace countersign::tests {
namespace {

constexpr std::size_t salvo = 100;

service_client backend_of(const scene& stage) {
    return {.port = stage.server.port(),
            .key = make_service_key(COUNTERSIGN_PROGRAM, stage.server).key};
}

std::vector<std::string> salvo_of(const service_client& backend, std::string_view method,
                                  const std::string& target, std::string_view body) {
    const native_client sender{.port = backend.port, .access = backend.key};
    return std::vector(salvo, request_of(sender, method, target, body));
}

std::size_t count_containing(const std::vector<http_response>& replies, std::string_view words) {
    return static_cast<std::size_t>(std::ranges::count_if(
        replies, [&](const auto& reply) { return reply.body.find(words) != std::string::npos; }));
}

TEST(ServiceRaces, T04_HundredParallelVerificationsOfOneCode_ExactlyOneIsVerified) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, scene_totp_window);
    const auto replies = volley(
        backend.port, salvo_of(backend, "POST", service_client::path_of(subject) + "/verifications",
                               code_body(enrolled.app.next())));
    EXPECT_EQ(count_containing(replies, R"("verified":true)"), 1u);
    for (const auto& reply : replies)
        EXPECT_TRUE(reply.status == 200 || reply.status == 429) << reply.status << reply.body;
}

TEST(ServiceRaces, T04_FiftyParallelVerificationsOfOneAssertion_ExactlyOneIsVerified) {
    const scene stage(COUNTERSIGN_PROGRAM, with_passkeys());
    const auto backend = backend_of(stage);
    const passkey_user ada{backend, backend.subject_without_factors()};
    const passkey_device device; // does not count, so nothing but the challenge tells them apart
    (void)ada.enrol(device);
    const auto body = passkey_user::body_of(device.get_json(ada.challenge()));
    auto requests =
        salvo_of(backend, "POST", service_client::path_of(ada.subject) + "/verifications", body);
    requests.resize(salvo / 2);
    const auto replies = volley(backend.port, requests);
    EXPECT_EQ(count_containing(replies, R"("verified":true)"), 1u);
    EXPECT_EQ(count_containing(replies, "passkey_challenge_not_found"), salvo / 2 - 1);
}

TEST(ServiceRaces, T05_HundredParallelVerificationsOfOneBackupCode_ExactlyOneIsVerified) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = backend.subject_without_factors();
    const auto enrolled = backend.enrol(subject, scene_totp_window);
    const auto replies = volley(
        backend.port, salvo_of(backend, "POST", service_client::path_of(subject) + "/verifications",
                               code_body(enrolled.backup_codes.at(0))));
    EXPECT_EQ(count_containing(replies, R"("verified":true)"), 1u);
    EXPECT_EQ(backend.view(subject).at("backupCodesRemaining"), 9);
}

TEST(ServiceRaces, T04_HundredParallelSessionsWithOneCode_ExactlyOneOpens) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, scene_totp_window);
    const auto replies = volley(
        backend.port, salvo_of(backend, "POST", service_client::path_of(subject) + "/sessions",
                               code_body(enrolled.app.next())));
    EXPECT_EQ(count_status(replies, 201), 1u);
}

TEST(ServiceRaces, T10_HundredParallelWrongCodes_AreEvaluatedFiveTimes) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = backend.subject_without_factors();
    const auto enrolled = backend.enrol(subject, scene_totp_window);
    const auto replies = volley(
        backend.port, salvo_of(backend, "POST", service_client::path_of(subject) + "/verifications",
                               code_body(enrolled.app.wrong())));
    EXPECT_EQ(count_containing(replies, R"("verified":false)"), 5u);
    EXPECT_EQ(count_status(replies, 429), salvo - 5);
}

TEST(ServiceRaces, HundredParallelPutsOfOneNewSubject_OneCreatesIt) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = service_client::fresh_subject();
    const auto body = boost::json::serialize(
        boost::json::object{{"email", address_of(subject)}, {"name", "Ada"}});
    const auto replies =
        volley(backend.port, salvo_of(backend, "PUT", service_client::path_of(subject), body));
    EXPECT_EQ(count_status(replies, 201), 1u);
    EXPECT_EQ(count_status(replies, 200), salvo - 1);
    std::set<std::string> bodies;
    for (const auto& reply : replies)
        bodies.insert(reply.body);
    EXPECT_EQ(bodies.size(), 1u);
}

TEST(ServiceRaces, ManySubjectsPutWithOneAddress_OneGetsIt) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const native_client sender{.port = backend.port, .access = backend.key};
    std::vector<std::string> requests;
    for (std::size_t count = 0; count < salvo; ++count)
        requests.push_back(request_of(sender, "PUT",
                                      service_client::path_of(service_client::fresh_subject()),
                                      R"({"email":"wanted@example.org"})"));
    const auto replies = volley(backend.port, requests);
    EXPECT_EQ(count_status(replies, 201), 1u);
    EXPECT_EQ(count_status(replies, 409), salvo - 1);
}

// Whatever the order, the subject keeps the address that it says it has: nobody else gets it.
TEST(ServiceRaces, ParallelMovesBetweenAddresses_LeaveItTheHolderOfItsOwn) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    const auto subject = backend.subject_without_factors();
    const native_client sender{.port = backend.port, .access = backend.key};
    for (int round = 0; round < 5; ++round) {
        std::vector<std::string> requests;
        for (std::size_t count = 0; count < 40; ++count)
            requests.push_back(
                request_of(sender, "PUT", service_client::path_of(subject),
                           R"({"email":"home)" + std::to_string(count % 3) + R"(@example.org"})"));
        const auto replies = volley(backend.port, requests);
        EXPECT_EQ(count_status(replies, 200), replies.size());
        const auto address = text_in(backend.view(subject), "email");
        EXPECT_EQ(backend.put(service_client::fresh_subject(), {{"email", address}}).status, 409u)
            << address;
    }
}

TEST(ServiceRaces, OneImportFourTimesAtOnce_CreatesEachSubjectOnce) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto backend = backend_of(stage);
    constexpr int lines = 500;
    std::string text;
    for (int number = 0; number < lines; ++number) {
        const auto subject = service_client::fresh_subject();
        text += R"({"subject":")" + subject + R"(","email":")" + address_of(subject) + "\"}\n";
    }
    auto request = "POST /api/service/v1/imports HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                   backend.key + "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" +
                   text;
    std::int64_t created = 0, unchanged = 0;
    for (const auto& reply : volley(backend.port, std::vector(4, request))) {
        ASSERT_EQ(reply.status, 200u) << reply.body;
        const auto last = reply.body.rfind("{\"summary\"");
        const auto summary = boost::json::parse(reply.body.substr(last)).at("summary").as_object();
        created += summary.at("created").as_int64();
        unchanged += summary.at("unchanged").as_int64();
    }
    EXPECT_EQ(created, lines);
    EXPECT_EQ(unchanged, 3 * lines);
}

} // namespace
} // namespace countersign::tests
