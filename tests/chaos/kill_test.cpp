// SIGKILL at random moments while people change their accounts: no acknowledged change is lost,
// none is made by half, and each has its alert.
#include "tests/chaos/resident.hpp"
#include "tests/support/redis_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>

namespace countersign::tests {
namespace {

constexpr int rounds = 20;
constexpr int residents = 4;
constexpr int round_min_ms = 80, round_max_ms = 700;

server_settings long_lives() {
    return {{"tokens.access", "86400"}, {"tokens.step_up", "86400"}};
}

// COUNTERSIGN_TEST_SEED repeats a run's decisions, though not its timing.
unsigned make_seed() {
    const auto* given = std::getenv("COUNTERSIGN_TEST_SEED");
    const auto seed =
        given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
    std::cout << "COUNTERSIGN_TEST_SEED=" << seed << "\n";
    return seed;
}

void report(const std::vector<resident>& all) {
    std::size_t changes = 0, unanswered = 0, made_unanswered = 0;
    for (const auto& one : all)
        for (const auto& change : one.changes()) {
            ++changes;
            if (change.acknowledged) continue;
            ++unanswered;
            if (change.outcome == change_outcome::made) ++made_unanswered;
        }
    std::cout << changes << " changes, " << unanswered << " of them without an answer, "
              << made_unanswered << " of these made\n";
    EXPECT_GT(changes, static_cast<std::size_t>(rounds));
}

void shake(scene& stage, const std::function<void()>& disturb, const std::function<void()>& mend) {
    const auto seed = make_seed();
    std::mt19937 random(seed);
    std::vector<resident> all;
    for (int number = 0; number < residents; ++number)
        all.emplace_back(stage, number, seed);
    for (int round = 0; round < rounds; ++round) {
        {
            std::vector<std::jthread> lives;
            for (auto& one : all)
                lives.emplace_back([&one](const std::stop_token& stop) { one.live(stop); });
            std::this_thread::sleep_for(std::chrono::milliseconds(
                std::uniform_int_distribution(round_min_ms, round_max_ms)(random)));
            disturb();
            for (auto& life : lives)
                life.request_stop();
        }
        mend();
        for (auto& one : all)
            one.take_stock();
        if (testing::Test::HasFailure()) FAIL() << "in round " << round;
    }
    report(all);
    expect_exactly_the_alerts_due(stage, all);
}

void wait_until_ready(const scene& stage) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (http_request(stage.server.port(), "GET", "/health/ready").status != 200) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "Redis did not come back";
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

TEST(Kill, KillNineOfTheServer_LosesNoAcknowledgedChangeAndNoAlert) {
    scene stage(COUNTERSIGN_PROGRAM, long_lives());
    shake(stage, [&] { stage.server.kill(); }, [&] { stage.server.start(); });
}

TEST(Kill, KillNineOfRedis_LosesNoAcknowledgedChangeAndNoAlert) {
    scene stage(COUNTERSIGN_PROGRAM, long_lives());
    const auto disturb = [&] {
        ::kill(stage.server.redis_process(), SIGKILL);
        // Some of the requests that meet the gap.
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
    };
    shake(stage, disturb, [&] { wait_until_ready(stage); });
}

// The operator's own Redis is back at once, so that requests outlive the gap and have to find out
// what became of their writes.
TEST(Kill, KillNineOfTheOperatorsRedis_LosesNoAcknowledgedChangeAndNoAlert) {
    redis_server redis(append_only::always);
    auto settings = long_lives();
    settings["redis.url"] = "unix://" + redis.address().unix_socket;
    scene stage(COUNTERSIGN_PROGRAM, std::move(settings));
    const auto disturb = [&] {
        for (int time = 0; time < 3; ++time) {
            redis.restart();
            std::this_thread::sleep_for(std::chrono::milliseconds(60));
        }
    };
    shake(stage, disturb, [&] { wait_until_ready(stage); });
}

TEST(Kill, T07_CodesAcceptedBeforeKillNine_StayRefused) {
    scene stage(COUNTERSIGN_PROGRAM);
    auto with_app = stage.person_with_totp();
    auto with_mail = stage.person_with_email();
    const auto totp = with_app.app.next();
    auto login = stage.pending_logins(with_app, 1).front();
    auto second = stage.pending_logins(with_app, 1).front();
    auto recovery = stage.pending_logins(with_app, 1).front();
    auto mailed = stage.pending_logins(with_mail, 1).front();
    const auto mail_code = stage.code_mail(with_mail.email, 3);
    const auto backup_code = code_body(with_app.recovery_codes.front());
    ASSERT_EQ(recovery.call("POST", "/api/auth/2fa/totp/recover", backup_code).status, 200);
    ASSERT_EQ(mailed.complete_login(email_body(mail_code)).status, 200);
    const auto old_refresh = with_mail.refresh;
    ASSERT_EQ(http_request(with_mail.port, "POST", "/api/auth/refresh",
                           {{"Authorization", "Bearer " + old_refresh}})
                  .status,
              200);
    ASSERT_EQ(login.complete_login(totp_body(totp)).status, 200);

    const auto redis = stage.server.redis_process();
    ::kill(redis, SIGKILL);
    stage.server.kill();
    stage.server.start();

    EXPECT_EQ(error_code_of(second.complete_login(totp_body(totp))), "WRONG_TWO_FACTOR_CODE");
    EXPECT_EQ(error_code_of(second.call("POST", "/api/auth/2fa/totp/recover", backup_code)),
              "WRONG_TOTP_RECOVERY_CODE");
    auto again = stage.pending_logins(with_mail, 1).front();
    EXPECT_EQ(error_code_of(again.complete_login(email_body(mail_code))), "WRONG_TWO_FACTOR_CODE");
    EXPECT_EQ(http_request(with_mail.port, "POST", "/api/auth/refresh",
                           {{"Authorization", "Bearer " + old_refresh}})
                  .status,
              401);
}

TEST(Kill, T13_MissesCountedBeforeKillNine_AreNotForgotten) {
    scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    auto pending = stage.pending_logins(who, 1).front();
    for (int miss = 0; miss < 5; ++miss) {
        EXPECT_EQ(pending.complete_login(totp_body(who.app.wrong())).status, 401);
        stage.server.kill();
        stage.server.start();
    }
    EXPECT_EQ(pending.complete_login(totp_body(who.app.wrong())).status, 429);
}

} // namespace
} // namespace countersign::tests
