// The time of an answer must not tell whether somebody has an account with an address: 2 000 times
// of each kind, compared by their ranks, in a random order over one connection. What they differ by
// may show in six of a hundred comparisons at the most; one millisecond more shows in far more,
// which is tried with the same times.
#include "tests/support/rank_test.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <iostream>
#include <random>

namespace countersign::tests {
namespace {

constexpr std::size_t samples = 2'000;
constexpr std::size_t addresses = 100; // of each kind: the cost of one account does not decide
constexpr double telling = 0.06;
constexpr double planted_ms = 1.0;

class EnumerationTimes : public testing::Test {
protected:
    EnumerationTimes() {
        for (std::size_t index = 0; index < addresses; ++index) {
            native_client who{.port = stage_.server.port()};
            if (who.register_account("?send-email=false").status != 200)
                throw std::runtime_error("registration failed");
            known_.push_back(who.email);
            unknown_.push_back("x" + who.email);
        }
    }

    using request = std::function<http_response(http_connection&, const std::string& address)>;

    void expect_no_difference(const request& ask, unsigned status) {
        http_connection connection(stage_.server.port());
        std::mt19937 random(20'261'120);
        std::vector<double> of_known, of_unknown;
        while (of_known.size() < samples || of_unknown.size() < samples) {
            const bool known = random() % 2 == 0;
            auto& times = known ? of_known : of_unknown;
            if (times.size() == samples) continue;
            const auto& address = (known ? known_ : unknown_)[times.size() % addresses];
            const auto begun = std::chrono::steady_clock::now();
            const auto response = ask(connection, address);
            const std::chrono::duration<double, std::milli> length =
                std::chrono::steady_clock::now() - begun;
            ASSERT_EQ(response.status, status) << response.body;
            times.push_back(length.count());
        }
        const auto told = probability_of_greater(of_unknown, of_known);
        auto planted = of_known;
        for (auto& time : planted)
            time += planted_ms;
        const auto told_if_planted = probability_of_greater(of_unknown, planted);
        std::cout << "known is slower in " << told << " of comparisons, with " << planted_ms
                  << " ms more in " << told_if_planted << '\n';
        EXPECT_NEAR(told, 0.5, telling);
        EXPECT_GT(told_if_planted, 0.5 + telling) << "the test would not see one millisecond";
    }

    scene stage_{COUNTERSIGN_PROGRAM,
                 {{"redis.durability", "everysec"},
                  {"policy.mail_cooldown", "0"},
                  {"policy.attempts_pause_after", "1000"},
                  {"policy.attempts_lock_after", "1000"},
                  {"policy.mails_per_hour", "5"}}};
    std::vector<std::string> known_, unknown_;
};

TEST_F(EnumerationTimes, OfPasswordResets) {
    expect_no_difference(
        [](http_connection& connection, const std::string& address) {
            return connection.request("POST", "/api/auth/password/reset-request", {},
                                      R"({"email":")" + address + "\"}");
        },
        200);
}

TEST_F(EnumerationTimes, OfLogins) {
    expect_no_difference(
        [](http_connection& connection, const std::string& address) {
            return connection.request("POST", "/api/auth/login", {},
                                      R"({"email":")" + address +
                                          R"(","password":"Wrong-Horse-7"})");
        },
        401);
}

TEST(ProbabilityOfGreater, CountsComparisons) {
    EXPECT_EQ(probability_of_greater({1, 2, 3}, {4, 5}), 1.0);
    EXPECT_EQ(probability_of_greater({4, 5}, {1, 2, 3}), 0.0);
    EXPECT_EQ(probability_of_greater({1, 2}, {1, 2}), 0.5);
    EXPECT_EQ(probability_of_greater({1, 1, 3}, {2}), 2.0 / 3);
}

} // namespace
} // namespace countersign::tests
