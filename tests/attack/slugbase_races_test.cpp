// Two of slugbase's requests at the same moment: exactly one wins (contract section 2.5; T-04,
// T-05, T-10).
#include "tests/attack/volley.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/slugbase_client.hpp"

#include <gtest/gtest.h>

#include <set>

namespace countersign::tests {
namespace {

constexpr std::string_view verify = "/api/auth/mfa/verify";

std::string request_of(const slugbase_client& who, std::string_view target, std::string_view body) {
    std::string bytes = "POST " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n";
    for (const auto& [name, value] : who.credentials())
        bytes.append(name).append(": ").append(value).append("\r\n");
    return bytes +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

class SlugbaseRaces : public testing::Test {
protected:
    slugbase_client person() const {
        auto native = scene_.person();
        slugbase_client who{.port = native.port, .email = native.email};
        who.window = scene_totp_window;
        who.sign_in();
        return who;
    }
    slugbase_client person_with_mfa() const {
        auto who = person();
        who.enrol(scene_totp_window);
        return who;
    }
    // One person several times, each with a pending login of its own.
    static std::vector<slugbase_client> pending(const slugbase_client& who, std::size_t count) {
        std::vector<slugbase_client> all;
        for (std::size_t index = 0; index < count; ++index) {
            all.push_back(who.elsewhere());
            EXPECT_EQ(all.back().log_in().status, 200u);
        }
        return all;
    }
    static std::vector<http_response> present(const std::vector<slugbase_client>& senders,
                                              const std::string& code) {
        std::vector<std::string> requests;
        for (const auto& sender : senders)
            requests.push_back(request_of(sender, verify, proof_body(code)));
        return volley(senders.front().port, requests);
    }

    scene scene_{COUNTERSIGN_PROGRAM, {{"api.families", "singularity,slugbase"}, {"threads", "4"}}};
};

TEST_F(SlugbaseRaces, ParallelConfirmations_OneWinsAndOneSetOfCodesCounts_T04) {
    auto who = person();
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    const auto request =
        request_of(who, "/api/auth/mfa/enroll/confirm", proof_body(who.app.next()));

    const auto replies = volley(who.port, std::vector<std::string>(6, request));

    EXPECT_EQ(count_status(replies, 200), 1u);
    EXPECT_EQ(count_status(replies, 409), 5u);
    for (const auto& reply : replies)
        if (reply.status == 200) {
            const auto body = json_of(reply);
            const auto& codes = body.at("backup_codes").as_array();
            ASSERT_EQ(codes.size(), 10u);
            auto half = pending(who, 1).front();
            EXPECT_EQ(half.verify(std::string(codes[0].as_string())).status, 200u);
        }
}

TEST_F(SlugbaseRaces, OneBackupCodeInParallelLogins_SignsInOnce_T05) {
    auto who = person_with_mfa();
    const auto replies = present(pending(who, 4), who.backup_codes.at(0));
    EXPECT_EQ(count_status(replies, 200), 1u);
    EXPECT_EQ(count_status(replies, 401), 3u);
}

TEST_F(SlugbaseRaces, OneCodeOfTheAppInParallelLogins_SignsInOnce_T04) {
    auto who = person_with_mfa();
    const auto replies = present(pending(who, 4), who.app.next());
    EXPECT_EQ(count_status(replies, 200), 1u);
    EXPECT_EQ(count_status(replies, 401), 3u);
}

TEST_F(SlugbaseRaces, OnePendingLoginWithTwoGoodCodes_SignsInOnce_T22) {
    auto who = person_with_mfa();
    const auto half = pending(who, 1).front();
    const auto replies =
        volley(who.port, {request_of(half, verify, proof_body(who.backup_codes.at(0))),
                          request_of(half, verify, proof_body(who.backup_codes.at(1)))});
    EXPECT_EQ(count_status(replies, 200), 1u);
    EXPECT_EQ(count_status(replies, 401), 1u);
}

TEST_F(SlugbaseRaces, OneCodeToDisableAndToSignIn_CountsOnce_T04) {
    auto who = person_with_mfa();
    const auto half = pending(who, 1).front();
    const auto code = who.app.next();
    const auto replies = volley(
        who.port, {request_of(half, verify, proof_body(code)),
                   request_of(who, "/api/auth/mfa/disable", proof_body(code, who.password))});
    EXPECT_EQ(count_status(replies, 200), 1u);
}

TEST_F(SlugbaseRaces, ParallelWrongCodes_AreEvaluatedFiveTimes_T10) {
    auto who = person();
    ASSERT_EQ(who.begin_enrolment().status, 200u);
    const auto request =
        request_of(who, "/api/auth/mfa/enroll/confirm", proof_body(who.app.wrong()));
    const auto replies = volley(who.port, std::vector<std::string>(20, request));
    EXPECT_EQ(count_status(replies, 400), 5u);
    EXPECT_EQ(count_status(replies, 429), 15u);
}

TEST_F(SlugbaseRaces, ParallelApiTokens_AreNeverMoreThanTen) {
    auto who = person();
    const auto request = request_of(who, "/api/tokens", R"({"name":"x"})");
    const auto replies = volley(who.port, std::vector<std::string>(16, request));
    EXPECT_EQ(count_status(replies, 201), 10u);
    EXPECT_EQ(count_status(replies, 400), 6u);
}

} // namespace
} // namespace countersign::tests
