// A server whose outbox is full: what needs an alert waits for the operator, everything else works.
#include "app/run_with_redis.hpp"
#include "store/managed_redis.hpp"
#include "store/metadata.hpp"
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace countersign::app {
namespace {

class FullOutbox : public ::testing::Test {
protected:
    // Every partition's lane to its limit, 100 over 16 rounded up, or empty again.
    void fill(const std::string& lane) {
        for (int partition = 0; partition < store::default_partitions; ++partition)
            for (int i = 0; i < 7; ++i)
                ask({"XADD", key(partition, lane), "*", "e", "no event"});
    }
    void empty(const std::string& lane) {
        for (int partition = 0; partition < store::default_partitions; ++partition)
            ask({"DEL", key(partition, lane)});
    }
    static std::string key(int partition, const std::string& lane) {
        return "cs:{" + std::to_string(partition) + "}:outbox:" + lane;
    }
    void ask(std::vector<std::string> words) {
        const auto address =
            store::managed_redis_address(stage.server.data_dir() / "data" / "redis");
        ASSERT_TRUE(run_with_redis(address, "test", [&](store::connection& connection) {
            return connection.command(words);
        }));
    }
    static void expect_refused(const tests::http_response& reply) {
        EXPECT_EQ(reply.status, 500U);
        EXPECT_EQ(tests::error_code_of(reply), "DATABASE_FAILURE");
        EXPECT_TRUE(reply.header("Retry-After")) << reply.body;
    }

    tests::scene stage{
        COUNTERSIGN_PROGRAM,
        {{"mail.notifier", "false"}, {"mail.outbox_max", "100"}, {"mail.outbox_codes_max", "100"}}};
};

TEST_F(FullOutbox, RefusesWhatNeedsAnAlert_AndVerifies_AndIsReady) {
    auto who = stage.person_with_totp(), enroller = stage.person();
    tests::native_client newcomer{.port = stage.server.port()};
    ASSERT_EQ(newcomer.register_account("?send-email=false").status, 200U);
    fill("alert");

    expect_refused(newcomer.log_in()); // from a device that is not known
    expect_refused(enroller.enrol_totp());
    EXPECT_EQ(who.begin_step_up().status, 200U);
    EXPECT_EQ(who.complete_step_up(tests::totp_body(who.app.next())).status, 200U);
    EXPECT_EQ(who.call("GET", "/health/ready").status, 200U);
    EXPECT_TRUE(
        stage.server.has_logged("the outbox is full: changes that need a mail are refused"));

    empty("alert");
    EXPECT_EQ(newcomer.log_in().status, 200U);
}

TEST_F(FullOutbox, CountsEveryGuess) {
    auto who = stage.person_with_totp();
    fill("alert");
    ASSERT_EQ(who.begin_step_up().status, 200U);
    const auto wrong = tests::totp_body(who.app.wrong());
    for (int guess = 1; guess <= 5; ++guess) // the fifth has an alert of its own
        EXPECT_EQ(tests::error_code_of(who.complete_step_up(wrong)), "WRONG_TWO_FACTOR_CODE");
    EXPECT_EQ(who.complete_step_up(tests::totp_body(who.app.next())).status, 429U);
}

TEST_F(FullOutbox, OfCodes_RefusesCodesOnly) {
    auto who = stage.person();
    fill("code");
    expect_refused(who.call("POST", "/api/auth/2fa/email/send"));
    tests::native_client newcomer{.port = stage.server.port()};
    ASSERT_EQ(newcomer.register_account("?send-email=false").status, 200U);
    EXPECT_EQ(newcomer.log_in().status, 200U) << "an alert has room";
}

} // namespace
} // namespace countersign::app
