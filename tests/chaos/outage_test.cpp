// The store is gone: everything that would have to verify something fails closed, soon, and in the
// words of a failing database; and all is well again soon after the store's return.
#include "net/families/singularity/routes.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/scene.hpp"

#include <boost/beast/http/verb.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

namespace countersign::tests {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds answer_deadline{2'000};
constexpr milliseconds recovery_deadline{2'000};

// Somebody with everything in hand that a verifying route can ask for: two pending logins, a
// pending step-up, a step-up, an enrolment.
struct equipped {
    native_client in;      // logged in, stepped up, and with a second step-up pending
    native_client pending; // before the second factor
    std::string setup_token;
};

equipped equip(const scene& stage) {
    equipped who{.in = stage.person_with_email(), .pending = {}, .setup_token = {}};
    who.setup_token = text_in(json_of(who.in.call("GET", "/api/auth/2fa/totp/setup")), "token");
    who.pending = stage.pending_logins(who.in, 1).front();
    who.in.two_factor = stage.pending_step_ups(who.in, 1).front().two_factor;
    return who;
}

// A body for every verifying route: each takes what it knows.
std::string body_for(const equipped& who, const std::string& code) {
    return R"({"email":")" + who.in.email + R"(","password":")" + who.in.password +
           R"(","oldPassword":")" + who.in.password +
           R"(","newPassword":"Another-Horse-8","totp":")" + code + R"(","code":")" + code +
           R"(","token":")" + who.setup_token + "\"}";
}

struct timed_reply {
    std::string target;
    http_response reply;
    milliseconds took{};
};

std::vector<timed_reply> ask_all_verifying_routes(const equipped& who, const std::string& code) {
    std::vector<timed_reply> replies;
    const auto routes = net::singularity::routes();
    for (const auto& route : routes)
        if (route.proves_code) replies.push_back({std::string(route.key.pattern), {}, {}});
    std::vector<std::jthread> asking;
    std::size_t index = 0;
    for (const auto& route : routes) {
        if (!route.proves_code) continue;
        asking.emplace_back([&who, &code, &route, &out = replies[index++]] {
            using enum net::singularity::credential;
            const bool before_login = route.needs == guest || route.needs == two_factor ||
                                      route.needs == two_factor_guest;
            auto sender = before_login ? who.pending : who.in;
            const auto begin = clock::now();
            out.reply = sender.call(std::string(boost::beast::http::to_string(route.key.method)),
                                    out.target, body_for(who, code));
            out.took = std::chrono::duration_cast<milliseconds>(clock::now() - begin);
        });
    }
    asking.clear();
    return replies;
}

void expect_failing_closed(const std::vector<timed_reply>& replies) {
    EXPECT_GE(replies.size(), 8u);
    for (const auto& [target, reply, took] : replies) {
        EXPECT_EQ(reply.status, 500) << target << reply.body;
        EXPECT_EQ(error_code_of(reply), "DATABASE_FAILURE") << target;
        EXPECT_TRUE(reply.header("Retry-After").has_value()) << target;
        EXPECT_LE(took.count(), answer_deadline.count()) << target;
        EXPECT_TRUE(reply.set_cookies().empty()) << target;
    }
}

milliseconds time_until(const std::function<bool()>& condition, milliseconds patience) {
    const auto begin = clock::now();
    while (!condition() && clock::now() - begin < patience)
        std::this_thread::sleep_for(milliseconds(10));
    return std::chrono::duration_cast<milliseconds>(clock::now() - begin);
}

bool is_ready(const scene& stage) {
    return http_request(stage.server.port(), "GET", "/health/ready").status == 200;
}

// Takes the store away, tries everything, gives it back, and tries again.
void expect_closed_while_away(const scene& stage, const std::function<void()>& take_away,
                              const std::function<void()>& give_back) {
    const auto who = equip(stage);
    const auto code = stage.code_mail(who.in.email, 3); // of the pending login
    take_away();
    expect_failing_closed(ask_all_verifying_routes(who, code));
    EXPECT_LE(time_until([&] { return !is_ready(stage); }, answer_deadline), answer_deadline);
    EXPECT_EQ(http_request(stage.server.port(), "GET", "/health/live").status, 200);
    // Once the loss is known, nobody waits for it.
    expect_failing_closed(ask_all_verifying_routes(who, code));

    give_back();
    auto visitor = who.in;
    visitor.forget_tokens();
    EXPECT_LE(time_until([&] { return visitor.log_in().status == 200; }, 2 * recovery_deadline),
              recovery_deadline);
    EXPECT_LE(time_until([&] { return is_ready(stage); }, recovery_deadline), recovery_deadline);
}

TEST(Outage, FrozenManagedRedis_VerifyingRoutesFailClosedWithinTwoSeconds) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto redis = stage.server.redis_process();
    expect_closed_while_away(
        stage, [&] { ::kill(redis, SIGSTOP); }, [&] { ::kill(redis, SIGCONT); });
}

TEST(Outage, KilledRedisOfTheOperator_VerifyingRoutesFailClosedWithinTwoSeconds) {
    redis_server redis(append_only::always);
    const scene stage(COUNTERSIGN_PROGRAM,
                      {{"redis.url", "unix://" + redis.address().unix_socket}});
    expect_closed_while_away(stage, [&] { redis.kill(); }, [&] { redis.restart(); });
}

// Guesses made into the outage may or may not have been counted; either way nobody learns the
// outcome of more than five.
TEST(Outage, T13_GuessesDuringAnOutage_BringNoExtraOnes) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person_with_totp();
    auto pending = stage.pending_logins(who, 1).front();
    const auto wrong = totp_body(who.app.wrong());
    const auto guess = [&] { return error_code_of(pending.complete_login(wrong)); };
    int evaluated = 0;
    for (; evaluated < 2; ++evaluated)
        ASSERT_EQ(guess(), "WRONG_TWO_FACTOR_CODE");

    const auto redis = stage.server.redis_process();
    ::kill(redis, SIGSTOP);
    {
        std::vector<std::jthread> guessing;
        for (int index = 0; index < 20; ++index)
            guessing.emplace_back([&, own = pending]() mutable {
                EXPECT_EQ(error_code_of(own.complete_login(wrong)), "DATABASE_FAILURE");
            });
    }
    ::kill(redis, SIGCONT);
    ASSERT_LT(time_until([&] { return is_ready(stage); }, milliseconds(5'000)),
              milliseconds(5'000));

    auto last = guess();
    for (; last == "WRONG_TWO_FACTOR_CODE"; last = guess())
        ++evaluated;
    EXPECT_EQ(last, "USER_RATE_LIMIT_EXCEEDED");
    EXPECT_LE(evaluated, 5);
}

// A right code given into the outage is answered with a failure; whatever became of it, it opens
// one session at the most.
TEST(Outage, T04_CodeGivenIntoAnOutage_WorksAtMostOnceAfterwards) {
    const scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person_with_totp();
    auto pending = stage.pending_logins(who, 2);
    const auto code = totp_body(who.app.next());
    const auto redis = stage.server.redis_process();
    ::kill(redis, SIGSTOP);
    const auto first = pending[0].complete_login(code);
    ::kill(redis, SIGCONT);
    EXPECT_EQ(error_code_of(first), "DATABASE_FAILURE");
    ASSERT_LT(time_until([&] { return is_ready(stage); }, milliseconds(5'000)),
              milliseconds(5'000));
    int opened = 0;
    for (auto& one : pending) {
        const auto reply = one.complete_login(code);
        EXPECT_TRUE(reply.status == 200 || reply.status == 401) << reply.body;
        opened += reply.status == 200 ? 1 : 0;
    }
    EXPECT_LE(opened, 1);
    EXPECT_EQ(stage.pending_logins(who, 1).front().complete_login(totp_body(who.app.next())).status,
              200);
}

} // namespace
} // namespace countersign::tests
