// Who asks about an address must not learn whether somebody has an account with it (OWASP ASVS
// 6.3.8): the same answers, the same pauses, the same work of the mail queue.
#include "tests/support/clara_client.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ranges>
#include <string>

namespace countersign::tests {
namespace {

// What must be alike in two answers: the status, the body but for times, the names of the fields.
// Retry-After counts down: it is compared by itself.
std::string shape_of(const http_response& response) {
    auto text = std::to_string(response.status) + " " + response.body;
    if (const auto found = text.find("\"timestamp\""); found != std::string::npos)
        text.erase(found, text.find_first_of(",}", found) - found);
    for (const auto& name : response.headers | std::views::keys)
        text += "|" + name;
    return text;
}

int wait_of(const http_response& response) {
    return std::stoi(response.header("Retry-After").value_or("0"));
}

class Enumeration : public testing::Test {
protected:
    // The same requests about both addresses, in turn, answer by answer.
    void expect_alike(int requests, const std::function<http_response(const std::string&)>& ask) {
        for (int turn = 0; turn < requests; ++turn) {
            const auto of_known = ask(known_), of_unknown = ask(unknown_);
            EXPECT_EQ(shape_of(of_known), shape_of(of_unknown)) << "request " << turn;
            EXPECT_NEAR(wait_of(of_known), wait_of(of_unknown), 3) << "request " << turn;
        }
    }

    scene stage_{
        COUNTERSIGN_PROGRAM,
        {{"api.families", "singularity,clara"}, {"clara.public_key", "public-key-of-test"}}};
    std::string known_ = stage_.person_with_totp().email;
    std::string unknown_ = "x" + known_;
    std::uint16_t port_ = stage_.server.port();
};

TEST_F(Enumeration, Logins_AreRefusedAndPausedAlike) {
    expect_alike(8, [&](const std::string& address) {
        return http_request(port_, "POST", "/api/auth/login", {},
                            R"({"email":")" + address + R"(","password":"Wrong-Horse-7"})");
    });
}

TEST_F(Enumeration, LoginsAtClara_AreRefusedAndPausedAlike) {
    expect_alike(8, [&](const std::string& address) {
        return http_request(port_, "POST", "/api/v1/sessions",
                            {{"Authorization", basic_credentials(address, "Wrong-Horse-7")}});
    });
}

TEST_F(Enumeration, PasswordResets_AreAnsweredAlike) {
    // Beyond the mails that an hour has.
    expect_alike(8, [&](const std::string& address) {
        return http_request(port_, "POST", "/api/auth/password/reset-request", {},
                            R"({"email":")" + address + "\"}");
    });
    expect_alike(2, [&](const std::string& address) {
        return http_request(port_, "GET", "/api/auth/password/reset/cooldown?email=" + address);
    });
}

TEST_F(Enumeration, Registrations_AreAnsweredAlike) {
    // Each of them registers the unknown one at the first.
    expect_alike(1, [&](const std::string& address) {
        return http_request(port_, "POST", "/api/auth/register", {},
                            R"({"email":")" + address +
                                R"(","password":"Correct-Horse-7","name":"Somebody"})");
    });
}

TEST_F(Enumeration, AStrangerIsMailedNothing_AndLeavesNoAlertBehind) {
    for (int miss = 0; miss < 6; ++miss)
        (void)http_request(port_, "POST", "/api/auth/login", {},
                           R"({"email":")" + unknown_ + R"(","password":"Wrong-Horse-7"})");
    (void)http_request(port_, "POST", "/api/auth/password/reset-request", {},
                       R"({"email":")" + unknown_ + "\"}");
    (void)http_request(port_, "POST", "/api/auth/password/reset-request", {},
                       R"({"email":")" + known_ + "\"}");
    // The known one's mail was committed last.
    ASSERT_FALSE(mailed_token(stage_.sink, known_).empty());
    for (const auto& mail : stage_.sink.mails())
        EXPECT_NE(mail.to, unknown_);
    EXPECT_EQ(stage_.server.log().find("given up"), std::string::npos) << "a dead letter";
}

} // namespace
} // namespace countersign::tests
