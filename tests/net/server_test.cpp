// The server over real sockets: what a client may rely on, and what it may not do to others.
#include "tests/net/echo_server.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <system_error>
#include <thread>

namespace countersign::net {
namespace {

using namespace std::chrono_literals;
using tests::echo_server;
using tests::http_connection;
using tests::transport;

address_block block(std::string_view text) {
    const auto parsed = address_block::parse(text);
    if (!parsed) throw std::invalid_argument(parsed.error());
    return parsed.unsafe_value();
}

server_options quick() {
    server_options options;
    options.time = {.idle = 300ms,
                    .header = 300ms,
                    .body = 300ms,
                    .write = 300ms,
                    .linger = 200ms,
                    .check_interval = 20ms};
    return options;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class Server : public tests::OverBoth {};
class Drain : public tests::OverBoth {};
INSTANTIATE_TEST_SUITE_P(Over, Server, testing::Values(transport::plain, transport::tls),
                         testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Over, Drain, testing::Values(transport::plain, transport::tls),
                         testing::PrintToStringParamName());

TEST_P(Server, Reply_HasTheFieldsOfEveryReply) {
    echo_server server({}, GetParam());
    const auto reply = server.connect().request("GET", "/a?b=c");
    EXPECT_EQ(reply.status, 200U);
    EXPECT_EQ(reply.body, server.echo("GET /a?b=c"));
    EXPECT_EQ(reply.header("Content-Type"), "text/plain");
    EXPECT_EQ(reply.header("Cache-Control"), "no-store");
    EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(reply.header("Date").value_or("").size(), 29U);
    EXPECT_EQ(reply.header("Connection"), std::nullopt);
}

TEST_P(Server, TenThousandRequests_OnOneConnectionAreAllAnswered) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    for (int i = 0; i < 10'000; ++i) {
        const auto target = "/" + std::to_string(i);
        ASSERT_EQ(client.request("GET", target).body, server.echo("GET " + target));
    }
}

TEST_P(Server, PipelinedRequests_AreAnsweredInOrder) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    std::string bytes;
    for (int i = 0; i < 500; ++i)
        bytes +=
            "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    std::thread sender([&] { client.send(bytes); });
    for (int i = 0; i < 500; ++i)
        EXPECT_EQ(client.receive().body, server.echo("POST /" + std::to_string(i), "abc"));
    sender.join();
}

TEST_P(Server, RequestInSingleBytes_IsUnderstood) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    const std::string bytes = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Test: t\r\n\r\n";
    for (const char byte : bytes)
        client.send({&byte, 1});
    EXPECT_EQ(client.receive().body, server.echo("POST /a", "abcde"));
}

TEST_P(Server, Trailers_NeverReachAHandler) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n"
                "Trailer: Authorization, X-Test\r\n\r\n1\r\nx\r\n0\r\n"
                "Authorization: Bearer stolen\r\nX-Test: t\r\nX-Forwarded-For: 192.0.2.1\r\n"
                "Connection: close\r\n\r\n");
    EXPECT_EQ(client.receive().body, server.echo("POST /", "x"));
    EXPECT_EQ(client.request("GET", "/next").status, 200U);
}

TEST_P(Server, BodyOfTheLimit_IsAccepted) {
    echo_server server({}, GetParam());
    const std::string body(16 * 1024, 'b');
    auto client = server.connect();
    EXPECT_TRUE(client.request("POST", "/", {}, body).body.ends_with("|" + body));
    EXPECT_EQ(client.request("GET", "/next").status, 200U);
}

TEST_P(Server, BodyLimit_CanBeRaisedForAPath) {
    echo_server server({}, GetParam());
    const std::string body(1024 * 1024, 'b');
    auto client = server.connect();
    EXPECT_TRUE(client.request("POST", "/import", {}, body).body.ends_with("|" + body));
    EXPECT_EQ(client.request("POST", "/import", {}, body + "b").status, 413U);
}

TEST_P(Server, ExpectContinue_IsAnsweredOnlyForAnAcceptableRequest) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.receive().status, 100U);
    client.send("{}");
    EXPECT_EQ(client.receive().body, server.echo("POST /", "{}"));
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.receive().status, 413U);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(Server, LargeBodyRefused_StillReadsTheReply) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
    client.send(std::string(500'000, 'x'));
    EXPECT_EQ(client.receive().status, 413U);
}

TEST_P(Server, Http10_IsClosedUnlessItAsksToBeKept) {
    echo_server server({}, GetParam());
    auto once = server.connect();
    once.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    EXPECT_EQ(once.receive().header("Connection"), "close");
    EXPECT_TRUE(once.is_closed_by_server());
    auto kept = server.connect();
    kept.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(kept.receive().header("Connection"), "keep-alive");
    EXPECT_EQ(kept.request("GET", "/").status, 200U);
}

TEST_P(Server, ConnectionClose_IsHonoured) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    EXPECT_EQ(client.request("GET", "/", {{"Connection", "close"}}).header("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(Server, RequestsPerConnection_AreBounded) {
    server_options options;
    options.bounds.requests_per_connection_max = 2;
    echo_server server(options, GetParam());
    auto client = server.connect();
    EXPECT_EQ(client.request("GET", "/").header("Connection"), std::nullopt);
    EXPECT_EQ(client.request("GET", "/").header("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(Server, BodilessReply_HasNoLengthAndNoType) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    const auto reply = client.request("GET", "/empty");
    EXPECT_EQ(reply.status, 204U);
    EXPECT_EQ(reply.header("Content-Length"), std::nullopt);
    EXPECT_EQ(reply.header("Content-Type"), std::nullopt);
    EXPECT_EQ(client.request("HEAD", "/").header("Content-Length"),
              std::to_string(server.echo("HEAD /").size()));
    EXPECT_EQ(client.request("GET", "/").status, 200U);
}

TEST_P(Server, ExceptionInAHandler_Is500WithoutItsText) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    const auto reply = client.request("GET", "/throw");
    EXPECT_EQ(reply.status, 500U);
    EXPECT_EQ(reply.body, "");
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(Server, LineBreakInAReplyHeader_Is500) {
    echo_server server({}, GetParam());
    const auto reply = server.connect().request("GET", "/bad-reply");
    EXPECT_EQ(reply.status, 500U);
    EXPECT_TRUE(reply.set_cookies().empty());
}

TEST_P(Server, SlowHeader_IsCutAtItsDeadline_HoweverItTrickles) {
    echo_server server(quick(), GetParam());
    auto client = server.connect();
    const auto begin = std::chrono::steady_clock::now();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Test: ");
    auto reply = std::async(std::launch::async, [&] { return client.receive(); });
    while (reply.wait_for(50ms) == std::future_status::timeout && seconds_since(begin) < 5)
        client.send("x");
    EXPECT_EQ(reply.get().status, 408U);
    EXPECT_GE(seconds_since(begin), 0.25);
    EXPECT_LT(seconds_since(begin), 3);
}

TEST_P(Server, SlowBody_IsCutAtItsDeadline) {
    echo_server server(quick(), GetParam());
    auto client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(client.receive().status, 408U);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(Server, IdleConnection_IsClosedSilently) {
    echo_server server(quick(), GetParam());
    auto fresh = server.connect();
    auto used = server.connect();
    used.request("GET", "/");
    EXPECT_TRUE(fresh.is_closed_by_server());
    EXPECT_TRUE(used.is_closed_by_server());
}

TEST_P(Server, ClientThatDoesNotRead_IsCutAndOthersAreServed) {
    echo_server server(quick(), GetParam());
    std::vector<http_connection> deaf;
    for (int i = 0; i < 4; ++i) {
        deaf.push_back(server.connect());
        for (int j = 0; j < 16; ++j)
            deaf.back().send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    EXPECT_EQ(server.connect().request("GET", "/").status, 200U);
    std::this_thread::sleep_for(600ms);
    EXPECT_LT(server.record->dispatched, 4 * 16);
}

TEST_P(Server, SlowHandler_DelaysNobodyElse) {
    echo_server server({}, GetParam());
    auto slow = server.connect();
    slow.send("GET /slow/400 HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(server.connect().request("GET", "/").status, 200U);
    EXPECT_LT(seconds_since(begin), 0.35);
    EXPECT_EQ(slow.receive().status, 200U);
}

TEST_P(Server, ConnectionsAtTheCap_WaitForASlot) {
    server_options options;
    options.bounds.connections_per_thread_max = 2;
    echo_server server(options, GetParam());
    auto first = server.connect();
    first.request("GET", "/");
    auto second = std::make_unique<http_connection>(server.connect());
    second->request("GET", "/");
    // Its handshake, if there is one, waits too.
    auto reply =
        std::async(std::launch::async, [&] { return server.connect().request("GET", "/third"); });
    EXPECT_EQ(reply.wait_for(100ms), std::future_status::timeout);
    second.reset();
    EXPECT_EQ(reply.get().status, 200U);
}

TEST_P(Server, Threads_EachServeAndStop) {
    server_options options;
    options.threads = 3;
    echo_server server(options, GetParam());
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(server.connect().request("GET", "/").status, 200U);
    EXPECT_TRUE(server.server.stop(5s));
    EXPECT_EQ(server.record->stopped, 3);
}

TEST(ServerStart, PortInUse_IsSaidAtTheStart) {
    echo_server first;
    server_options options;
    options.port = first.server.port();
    EXPECT_THROW(echo_server second(options), std::system_error);
    options = {};
    options.address = "nonsense";
    EXPECT_THROW(echo_server third(options), std::system_error);
}

TEST(ServerStart, FactoryThatThrows_StopsTheStart) {
    server_options options;
    options.threads = 2;
    server server(options, [](auto&, std::size_t index) -> std::unique_ptr<dispatcher> {
        if (index == 1) throw std::runtime_error("no");
        class idle final : public dispatcher {
            awaitable<reply> dispatch(const request&) override { co_return reply{}; }
            reply problem(transport_problem, std::string_view, std::string_view,
                          std::string_view) override {
                return {};
            }
            awaitable<void> stop() override { co_return; }
        };
        return std::make_unique<idle>();
    });
    EXPECT_THROW(server.start(), std::runtime_error);
    EXPECT_FALSE(server.accepting());
}

TEST_P(Drain, RequestInHand_IsFinishedAndIdleOnesAreClosed) {
    echo_server server({}, GetParam());
    auto idle = server.connect();
    idle.request("GET", "/");
    auto busy = server.connect();
    busy.send("GET /slow/300 HTTP/1.1\r\nHost: a\r\n\r\n");
    while (server.record->dispatched < 2)
        std::this_thread::sleep_for(1ms);

    auto stopped = std::async(std::launch::async, [&] { return server.server.stop(5s); });

    EXPECT_TRUE(idle.is_closed_by_server());
    const auto reply = busy.receive();
    EXPECT_EQ(reply.status, 200U);
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_FALSE(server.server.accepting());
    EXPECT_TRUE(busy.is_closed_by_server());
    EXPECT_TRUE(stopped.get());
    EXPECT_THROW((void)server.connect(), std::runtime_error);
}

TEST_P(Drain, RequestBeyondTheDeadline_IsCancelled) {
    echo_server server({}, GetParam());
    auto client = server.connect();
    client.send("GET /slow/60000 HTTP/1.1\r\nHost: a\r\n\r\n");
    while (server.record->dispatched < 1)
        std::this_thread::sleep_for(1ms);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(server.server.stop(100ms));
    EXPECT_LT(seconds_since(begin), 3);
    EXPECT_EQ(server.record->stopped, 1);
}

// In a process of its own, because it runs that process out of descriptors.
void survive_without_descriptors() {
    // Below what the server keeps back, so that its own cap does not get in the way.
    rlimit limit{64, 64};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) std::_Exit(10);
    server_options options = quick();
    options.bounds.connections_per_thread_max = 1000;
    options.time.idle = 30s;
    echo_server server(options);
    std::vector<http_connection> clients;
    std::vector<int> taken;
    clients.push_back(server.connect());
    clients.back().request("GET", "/");
    auto late = server.connect();
    late.request("GET", "/");
    for (int file = ::open("/dev/null", O_RDONLY); file >= 0; file = ::open("/dev/null", O_RDONLY))
        taken.push_back(file);
    ::close(taken.back()); // for the client's end; the server finds none
    taken.pop_back();
    auto waiting = server.connect();
    waiting.send("GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n");
    if (late.request("GET", "/").status != 200) std::_Exit(11);
    std::this_thread::sleep_for(300ms);
    if (late.request("GET", "/").status != 200) std::_Exit(12);
    for (const int file : taken)
        ::close(file);
    if (waiting.receive().status != 200) std::_Exit(13);
    std::_Exit(0);
}

TEST(AcceptLoopDeathTest, RunningOutOfDescriptors_IsSurvived) {
#if __has_feature(undefined_behavior_sanitizer) || __has_feature(thread_sanitizer)
    GTEST_SKIP() << "the sanitizer's own checks need descriptors (it opens a pipe)";
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(survive_without_descriptors(), testing::ExitedWithCode(0), "");
}

TEST(ForwardedFor, CountsOnlyFromATrustedPeer) {
    server_options options;
    const tests::http_headers headers{{"X-Forwarded-For", "198.51.100.7"},
                                      {"X-Forwarded-Proto", "https"}};
    echo_server direct(options);
    EXPECT_EQ(direct.connect().request("GET", "/", headers).body, "GET /|127.0.0.1|http|||");
    options.proxies = {block("127.0.0.0/8")};
    echo_server behind(options);
    auto client = behind.connect();
    EXPECT_EQ(client.request("GET", "/", headers).body, "GET /|198.51.100.7|https|||");
    EXPECT_EQ(client.request("GET", "/").body, "GET /|127.0.0.1|http|||");
}

} // namespace
} // namespace countersign::net
