#include "store/connection.hpp"

#include "store/event_loop.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::reply_value;
using store::store_error;
using reply_result = store::store_result<reply_value>;

std::chrono::milliseconds elapsed_since(store::steady_time start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start);
}

awaitable<void> wait(std::chrono::milliseconds length) {
    steady_timer timer(co_await boost::asio::this_coro::executor, length);
    co_await timer.async_wait(boost::asio::deferred);
}

const store::script& return_what_is_given() {
    static const store::script it{"return ARGV[1]", "098e0f0d1448c0a81dafe820f66d460eb09263da"};
    return it;
}

class Connection : public store_fixture {
protected:
    // How long until a PING is answered again.
    std::chrono::milliseconds time_to_recover() {
        const auto start = std::chrono::steady_clock::now();
        while (elapsed_since(start) < 5s && !run(redis->command({"PING"})))
            run(wait(10ms));
        return elapsed_since(start);
    }
    store::steady_time in(std::chrono::milliseconds time) {
        return std::chrono::steady_clock::now() + time;
    }
};

TEST_F(Connection, EveryKindOfAnswer_KeepsItsKindAndItsShape) {
    EXPECT_EQ(ask_text({"PING"}), "PONG");
    EXPECT_TRUE(ask({"GET", "nothing"}).is_nil());
    EXPECT_EQ(ask_integer({"INCR", "number"}), 1);
    EXPECT_EQ(ask_text({"GET", "number"}), "1"); // T-13: a counter comes back as text
    const auto nested = ask({"EVAL", "return {1, {'a', {}, false}, 'b'}", "0"});
    ASSERT_TRUE(nested.list());
    ASSERT_EQ(nested.list()->size(), 3U);
    const auto& inner = (*nested.list())[1];
    ASSERT_TRUE(inner.list());
    ASSERT_EQ(inner.list()->size(), 3U);
    EXPECT_EQ(*(*inner.list())[0].text(), "a");
    EXPECT_TRUE((*inner.list())[1].list()->empty());
    EXPECT_TRUE((*inner.list())[2].is_nil());
    EXPECT_EQ(*(*nested.list())[2].text(), "b");
}

TEST_F(Connection, AMap_IsAListOfKeysAndValuesInTurn) {
    ask({"HSET", "hash", "field", "value"});
    const auto map = ask({"HGETALL", "hash"});
    ASSERT_TRUE(map.list());
    ASSERT_EQ(map.list()->size(), 2U);
    EXPECT_EQ(*(*map.list())[0].text(), "field");
    EXPECT_EQ(*(*map.list())[1].text(), "value");
}

TEST_F(Connection, AValueWithAnyBytes_ComesBackAsItWas) {
    const std::string bytes("\0\r\n$-1\r\n\xff", 9);
    ask({"SET", "bytes", bytes});
    EXPECT_EQ(ask_text({"GET", "bytes"}), bytes);
}

TEST_F(Connection, AnErrorReply_IsAValueAndTheConnectionLivesOn) {
    ask({"SET", "text", "a"});
    EXPECT_EQ(run(redis->command({"LPUSH", "text", "b"})).error(), store_error::corrupt);
    EXPECT_EQ(run(redis->command({"NO-SUCH-COMMAND"})).error(), store_error::unavailable);
    EXPECT_TRUE(redis->healthy());
    EXPECT_EQ(ask_text({"GET", "text"}), "a");
}

TEST_F(Connection, ItsOptions_SayDatabaseAndName) {
    auto other = options();
    other.address.database = 3;
    other.name = "notifier";
    test_connection third(context, other);
    ASSERT_TRUE(run(third->command({"SET", "here", "1"})));
    EXPECT_EQ(*run(third->command({"CLIENT", "GETNAME"}))->text(), "notifier");
    EXPECT_TRUE(ask({"GET", "here"}).is_nil());
    ask({"SELECT", "3"});
    EXPECT_EQ(ask_text({"GET", "here"}), "1");
}

TEST_F(Connection, UserAndPassword_AreUsedAndWrongOnesAreUnavailable) {
    ask({"ACL", "SETUSER", "app", "on", ">p@ss", "~*", "+@all"});
    auto right = options();
    right.address.user = "app";
    right.address.password = "p@ss";
    auto wrong = right;
    wrong.address.password = "guess";
    test_connection with_right(context, right);
    test_connection with_wrong(context, wrong);
    EXPECT_EQ(*run(with_right->command({"ACL", "WHOAMI"}))->text(), "app");
    EXPECT_EQ(run(with_wrong->command({"PING"})).error(), store_error::unavailable);
    EXPECT_FALSE(with_wrong->healthy());
}

TEST_F(Connection, AScriptThatTheServerForgot_IsSentAgain) {
    const auto first = run(redis->script(return_what_is_given(), {}, {"a"}));
    ASSERT_TRUE(first);
    EXPECT_EQ(*first->text(), "a");
    ask({"SCRIPT", "FLUSH"});
    const auto second = run(redis->script(return_what_is_given(), {}, {"b"}));
    ASSERT_TRUE(second);
    EXPECT_EQ(*second->text(), "b");
    const auto known = ask({"SCRIPT", "EXISTS", return_what_is_given().sha1});
    EXPECT_EQ(*known.list()->front().integer(), 1);
}

TEST_F(Connection, ACallThatTimesOut_LeavesTheOthersTheirOwnAnswers) {
    ask({"SET", "key", "value"});
    std::vector<awaitable<reply_result>> calls;
    calls.push_back(redis->command({"DEBUG", "SLEEP", "0.4"}, in(100ms)));
    calls.push_back(redis->command({"ECHO", "too late"}, in(100ms)));
    calls.push_back(redis->command({"GET", "key"}));
    const auto results = run_coroutines(context, std::move(calls));
    EXPECT_EQ(results[0].error(), store_error::unavailable);
    EXPECT_EQ(results[1].error(), store_error::unavailable);
    ASSERT_TRUE(results[2]);
    EXPECT_EQ(*results[2]->text(), "value");
    EXPECT_EQ(ask_text({"ECHO", "mine"}), "mine");
}

TEST_F(Connection, MoreCallsThanItsBound_AreRefusedAsOverloaded) {
    auto narrow = options();
    narrow.in_flight_max = 2;
    test_connection small(context, narrow);
    ASSERT_TRUE(run(small->command({"PING"})));
    std::vector<awaitable<reply_result>> calls;
    calls.reserve(3);
    for (int i = 0; i < 3; ++i)
        calls.push_back(small->command({"PING"}));
    const auto results = run_coroutines(context, std::move(calls));
    EXPECT_TRUE(results[0]);
    EXPECT_TRUE(results[1]);
    EXPECT_EQ(results[2].error(), store_error::overloaded);
    EXPECT_TRUE(run(small->command({"PING"})));
}

TEST_F(Connection, AFrozenServer_IsUnavailableWithinTwoSecondsAndBackWithinTwo) {
    ask({"PING"});
    server.pause();
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(run(redis->command({"PING"})).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 2s);
    EXPECT_FALSE(redis->healthy());
    run(wait(1s));
    const auto later = std::chrono::steady_clock::now();
    EXPECT_EQ(run(redis->command({"PING"})).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(later), 50ms) << "a server known to be down is not waited for";
    server.resume();
    EXPECT_LT(time_to_recover(), 2s);
    EXPECT_TRUE(redis->healthy());
}

TEST_F(Connection, AKilledServer_IsUnavailableAtOnceAndBackWithinTwoSeconds) {
    ask({"PING"});
    server.kill();
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(run(redis->command({"PING"})).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 500ms);
    server.restart();
    EXPECT_LT(time_to_recover(), 2s);
}

TEST_F(Connection, AShortRestart_IsWaitedForByCallsThatWereNotWrittenYet) {
    ask({"PING"});
    server.restart();
    run(wait(1ms)); // sees the loss
    EXPECT_TRUE(run(redis->command({"PING"})));
}

TEST_F(Connection, AWrittenCall_IsNeverSentTwice) {
    ask({"SET", "counter", "0"});
    server.pause();
    EXPECT_EQ(run(redis->command({"INCR", "counter"})).error(), store_error::unavailable);
    run(wait(500ms)); // over the reconnection
    server.resume();
    time_to_recover();
    run(wait(300ms));
    const auto counter = ask_text({"GET", "counter"});
    EXPECT_TRUE(counter == "0" || counter == "1") << counter;
}

TEST_F(Connection, Stop_FailsCallsUnderWayAndLaterOnes) {
    test_connection other(context, options());
    ASSERT_TRUE(run(other->command({"PING"})));
    server.pause();
    steady_timer soon(context, 100ms);
    soon.async_wait([&](boost::system::error_code) { other->stop(); });
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(run(other->command({"PING"})).error(), store_error::unavailable);
    EXPECT_LT(elapsed_since(start), 500ms);
    EXPECT_EQ(run(other->command({"PING"})).error(), store_error::unavailable);
    server.resume();
}

} // namespace
} // namespace countersign::tests
