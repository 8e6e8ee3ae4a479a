// Bodies and replies of any length, over real sockets: exact, in little memory, and nothing left of
// those that break off.
#include "net/body_stream.hpp"
#include "net/server.hpp"
#include "net/spool.hpp"
#include "net/strictness.hpp"
#include "store/event_loop.hpp"
#include "tests/net/transport.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/tls_client.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace countersign::net {
namespace {

using namespace std::chrono_literals;
using tests::http_connection;
using tests::transport;

constexpr std::uint64_t mebibyte = 1024 * 1024;
// Room for the pieces in hand and for the allocator, and far from what is streamed.
constexpr std::uint64_t memory_growth_max_bytes = 20 * mebibyte;

// A sequence of bytes of any length whose every part is known. Its period is prime, so that no
// piece that is missing or doubled goes unnoticed.
std::string_view sequence_at(std::uint64_t offset) {
    static const std::string period = [] {
        std::mt19937 numbers(1); // NOLINT(bugprone-random-generator-seed): always the same
        std::string bytes(65'521, '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(numbers());
        return bytes;
    }();
    return std::string_view(period).substr(offset % period.size());
}

class sequence_check {
public:
    void take(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto expected = sequence_at(offset_).substr(0, bytes.size());
            if (!bytes.starts_with(expected)) exact_ = false;
            offset_ += expected.size();
            bytes.remove_prefix(expected.size());
        }
    }
    [[nodiscard]] std::uint64_t size() const { return offset_; }
    [[nodiscard]] bool exact() const { return exact_; }

private:
    std::uint64_t offset_ = 0;
    bool exact_ = true;
};

// Calls `send` with the sequence's first `size` bytes in pieces.
void for_sequence(std::uint64_t size, const std::function<void(std::string_view)>& send) {
    for (std::uint64_t offset = 0; offset < size;) {
        const auto piece = sequence_at(offset).substr(0, size - offset);
        send(piece);
        offset += piece.size();
    }
}

std::string hex(std::size_t number) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
    return {digits.data(), end};
}

std::string chunk(std::string_view content) {
    return hex(content.size()) + "\r\n" + std::string(content) + "\r\n";
}

// What the dispatchers of one server saw.
struct stream_record {
    std::atomic<int> handlers{0}; // that are running
    std::atomic<int> replies{0};  // streams that exist
    std::atomic<int> whole{0};    // requests dispatched with their body in memory
    std::atomic<int> pieces{0};
    std::atomic<std::uint64_t> piece_max{0};
    std::atomic<bool> reading{false}; // /gate asks for its first piece
};

struct counted {
    explicit counted(std::atomic<int>& number) : number(number) { ++number; }
    ~counted() { --number; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    std::atomic<int>& number;
};

class sequence_reply final : public reply_stream {
public:
    enum class fault { none, throws, ends };
    sequence_reply(std::atomic<int>& alive, std::uint64_t size, fault half_way)
        : alive_(alive), size_(size), half_way_(half_way) {}

    [[nodiscard]] std::uint64_t size() const override { return size_; }
    std::size_t read(std::span<char> into) override {
        if (offset_ >= size_ / 2 && half_way_ == fault::throws)
            throw std::runtime_error("as asked");
        if (offset_ >= size_ / 2 && half_way_ == fault::ends) return 0;
        const auto piece = sequence_at(offset_).substr(0, into.size());
        piece.copy(into.data(), piece.size());
        offset_ += piece.size();
        return piece.size();
    }

private:
    counted alive_;
    std::uint64_t size_;
    fault half_way_;
    std::uint64_t offset_ = 0;
};

std::uint64_t number_in(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// Streamed: /sink reads all and answers "<size>|<exact?>", /bounded the same up to 1000 bytes,
// /refuse answers 401 unread, /first answers after the first piece, /gate waits 200 ms before it
// reads, /throw throws after the first piece, /again asks again after the end or the failure,
// /work is slower than any client.
// Whole: /down/<size>, /throws/<size> and /ends/<size> reply with a stream; /spool/<size> with one
// from a file; /empty/<size> with one and 204; /both with a body and a stream; else the body.
class stream_dispatcher final : public dispatcher {
public:
    stream_dispatcher(boost::asio::io_context& context, std::shared_ptr<stream_record> record)
        : context_(context), record_(std::move(record)) {}

    body_plan accept_head(request& head) override {
        if (head.path == "/bounded")
            return {.how = body_plan::delivery::streamed, .size_max = 1000};
        for (const std::string_view path :
             {"/sink", "/refuse", "/first", "/gate", "/throw", "/again", "/work"})
            if (head.path == path) return {.how = body_plan::delivery::streamed};
        return {};
    }

    awaitable<reply> dispatch(const request& request) override {
        const counted running(record_->handlers);
        if (request.stream != nullptr) co_return co_await read(request);
        ++record_->whole;
        co_return download(request);
    }

    reply problem(transport_problem problem, std::string_view, std::string_view,
                  std::string_view detail) override {
        return {.status = status_of(problem),
                .body = std::string(detail),
                .content_type = "text/plain"};
    }

    awaitable<void> stop() override { co_return; }

private:
    awaitable<reply> read(const request& request) {
        if (request.path == "/refuse") co_return reply{.status = 401, .body = "who?"};
        if (request.path == "/gate") co_await pause(200ms);
        record_->reading = true;
        sequence_check seen;
        for (;;) {
            const auto piece = co_await request.stream->next();
            if (piece.has_error()) {
                if (request.path == "/again") {
                    const auto begin = std::chrono::steady_clock::now();
                    const auto again = co_await request.stream->next();
                    if (!again.has_error() || again.error() != piece.error() ||
                        std::chrono::steady_clock::now() - begin > 200ms)
                        co_return reply{.status = 299};
                }
                const auto [found, detail] = explain(piece.error());
                co_return problem(found, {}, {}, detail);
            }
            if (piece->empty()) break;
            ++record_->pieces;
            record_->piece_max = std::max<std::uint64_t>(record_->piece_max, piece->size());
            seen.take(*piece);
            // In the way of the whole thread, so that the client is always ahead of it.
            if (request.path == "/work") std::this_thread::sleep_for(1ms);
            if (request.path == "/throw") throw std::runtime_error("as asked");
            if (request.path == "/first") co_return reply{.body = "enough"};
        }
        if (request.path == "/again") {
            const auto again = co_await request.stream->next();
            if (again.has_error() || !again->empty()) co_return reply{.status = 299};
        }
        if (!request.body().empty()) co_return reply{.status = 299};
        co_return reply{.body = std::to_string(seen.size()) + (seen.exact() ? "|yes" : "|no")};
    }

    reply download(const request& request) {
        const auto size = number_in(request.path.substr(request.path.rfind('/') + 1));
        const auto stream = [&](sequence_reply::fault fault) {
            return std::make_unique<sequence_reply>(record_->replies, size, fault);
        };
        if (request.path.starts_with("/down/"))
            return {.stream = stream(sequence_reply::fault::none)};
        if (request.path.starts_with("/throws/"))
            return {.stream = stream(sequence_reply::fault::throws)};
        if (request.path.starts_with("/ends/"))
            return {.stream = stream(sequence_reply::fault::ends)};
        if (request.path.starts_with("/empty/"))
            return {.status = 204, .stream = stream(sequence_reply::fault::none)};
        if (request.path == "/both")
            return {.body = "body", .stream = stream(sequence_reply::fault::none)};
        if (request.path.starts_with("/spool/")) {
            spool file;
            for_sequence(size, [&](std::string_view piece) { file.append(piece); });
            return {.stream = file.finish()};
        }
        return {.body = std::string(request.body())};
    }

    awaitable<void> pause(std::chrono::milliseconds time) {
        steady_timer timer(context_, time);
        co_await timer.async_wait(boost::asio::deferred);
    }

    boost::asio::io_context& context_;
    std::shared_ptr<stream_record> record_;
};

struct stream_server {
    explicit stream_server(server_options options = {}, transport over = transport::plain)
        : over(over), server(tests::on(over, std::move(options)),
                             [seen = record](boost::asio::io_context& context, std::size_t) {
                                 return std::make_unique<stream_dispatcher>(context, seen);
                             }) {
        server.start();
    }

    [[nodiscard]] http_connection connect() const {
        if (over == transport::tls) return {server.port(), tests::tls_wish{}, 20s};
        return http_connection(server.port(), "127.0.0.1", 20s);
    }

    transport over;
    std::shared_ptr<stream_record> record = std::make_shared<stream_record>();
    net::server server;
};

server_options quick() {
    server_options options;
    options.time = {.idle = 2s,
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

// A line of /proc/self/status, which counts in KiB.
std::uint64_t status_bytes(std::string_view name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(name))
            return number_in(line.substr(line.find_first_of("0123456789"))) * 1024;
    throw std::runtime_error("no such line: " + std::string(name));
}

// How much larger than now the process becomes at its largest.
class memory_growth {
public:
    memory_growth() {
        std::ofstream("/proc/self/clear_refs") << "5"; // VmHWM starts anew
        before_ = status_bytes("VmRSS:");
    }
    [[nodiscard]] std::uint64_t bytes() const {
        const auto peak = status_bytes("VmHWM:");
        return peak > before_ ? peak - before_ : 0;
    }

private:
    std::uint64_t before_ = 0;
};

bool memory_is_ours() {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return false; // the sanitizer keeps what was freed, and shadows
#else
    return true;
#endif
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(10ms))
        if (condition()) return true;
    return false;
}

// A client that does with its socket as it likes: reads slowly, leaves in the middle, resets.
class raw_client {
public:
    explicit raw_client(const stream_server& server, int receive_buffer_bytes = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer_bytes > 0)
            ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                         sizeof receive_buffer_bytes);
        const timeval deadline{20, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(server.server.port());
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
            throw std::runtime_error("cannot connect");
        if (server.over == transport::tls)
            tls_ = std::make_unique<tests::tls_client>(socket_.get(), tests::tls_wish{}, 20s);
    }

    // False if the server has closed.
    bool send(std::string_view bytes) try {
        if (tls_) tls_->write(bytes);
        while (!tls_ && !bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }

    // What one read yields; empty if the connection has ended, in order or not.
    std::string_view receive() try {
        if (tls_) return {buffer_.data(), tls_->read(buffer_)};
        const auto size = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
        return {buffer_.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    } catch (const std::runtime_error&) {
        return {};
    }

    // Of the reply's header section, with the first bytes of its content in `content`.
    std::string receive_header(std::string& content) {
        std::string bytes;
        while (bytes.find("\r\n\r\n") == std::string::npos) {
            const auto more = receive();
            if (more.empty()) throw std::runtime_error("the server closed instead of answering");
            bytes += more;
        }
        const auto end = bytes.find("\r\n\r\n") + 4;
        content = bytes.substr(end);
        return bytes.substr(0, end);
    }

    // By TLS, that nothing is missing.
    [[nodiscard]] bool was_told_of_the_end() const { return tls_ && tls_->ended_properly(); }

    // Nothing arrives for so long.
    bool is_silent(std::chrono::milliseconds time) {
        pollfd waiting{socket_.get(), POLLIN, 0};
        return ::poll(&waiting, 1, static_cast<int>(time.count())) == 0;
    }

    void reset() {
        tls_.reset();
        const linger at_once{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_ = {};
        socket_ = store::descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }

private:
    store::descriptor socket_;
    std::unique_ptr<tests::tls_client> tls_;
    std::array<char, 64 * 1024> buffer_{};
};

std::string chunked_head(std::string_view path) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
}

std::string sized_head(std::string_view path, std::uint64_t size) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

class StreamedBody : public tests::OverBoth {};
class StreamedReply : public tests::OverBoth {};
INSTANTIATE_TEST_SUITE_P(Over, StreamedBody, testing::Values(transport::plain, transport::tls),
                         testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Over, StreamedReply, testing::Values(transport::plain, transport::tls),
                         testing::PrintToStringParamName());

// --- bodies ---

TEST_P(StreamedBody, TwoHundredMegabytesInChunks_AreReadInOrderInLittleMemory) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    (void)client.request("POST", "/sink", {}, "");
    const memory_growth memory;

    client.send(chunked_head("/sink"));
    for_sequence(200 * mebibyte, [&](std::string_view piece) {
        client.send(hex(piece.size()) + "\r\n");
        client.send(piece);
        client.send("\r\n");
    });
    client.send("0\r\n\r\n");

    EXPECT_EQ(client.receive().body, std::to_string(200 * mebibyte) + "|yes");
    EXPECT_LE(server.record->piece_max, 64 * 1024U);
    if (memory_is_ours()) {
        EXPECT_LT(memory.bytes(), memory_growth_max_bytes);
        RecordProperty("memory_growth_kib", std::to_string(memory.bytes() / 1024));
    }
}

TEST_P(StreamedBody, TwoHundredMegabytesOfKnownLength_AreReadInOrderInLittleMemory) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    (void)client.request("POST", "/sink", {}, "");
    const memory_growth memory;

    client.send(sized_head("/sink", 200 * mebibyte));
    for_sequence(200 * mebibyte, [&](std::string_view piece) { client.send(piece); });

    EXPECT_EQ(client.receive().body, std::to_string(200 * mebibyte) + "|yes");
    if (memory_is_ours()) {
        EXPECT_LT(memory.bytes(), memory_growth_max_bytes);
        RecordProperty("memory_growth_kib", std::to_string(memory.bytes() / 1024));
    }
}

TEST_P(StreamedBody, InSingleBytesAndTinyChunks_IsExact) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    std::string bytes = chunked_head("/sink");
    for_sequence(300, [&](std::string_view piece) {
        for (const char byte : piece)
            bytes += chunk({&byte, 1});
    });
    bytes += "0\r\nX-Trailer: dropped\r\n\r\n";
    for (const char byte : bytes)
        client.send({&byte, 1});
    EXPECT_EQ(client.receive().body, "300|yes");
    // All of it at once, and the next request with it.
    client.send(bytes + "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.receive().body, "300|yes");
    EXPECT_EQ(client.receive().status, 200U);
}

TEST_P(StreamedBody, ThatIsEmpty_EndsAtOnce) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    EXPECT_EQ(client.request("POST", "/sink").body, "0|yes");
    client.send(sized_head("/sink", 0));
    EXPECT_EQ(client.receive().body, "0|yes");
    client.send(chunked_head("/sink") + "0\r\n\r\n");
    EXPECT_EQ(client.receive().body, "0|yes");
    EXPECT_EQ(client.request("GET", "/").status, 200U);
}

TEST_P(StreamedBody, AskedForAfterItsEnd_StaysAtIt) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    EXPECT_EQ(client.request("POST", "/again", {}, sequence_at(0).substr(0, 10)).body, "10|yes");
    client.send(chunked_head("/again") + "zz\r\n");
    EXPECT_EQ(client.receive().status, 400U);
}

TEST_P(StreamedBody, ReadToItsEnd_LeavesTheConnectionToThePipelinedRequests) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    const auto content = sequence_at(0).substr(0, 5000);
    std::string bytes;
    for (int i = 0; i < 20; ++i) {
        bytes += chunked_head("/sink") + chunk(content) + "0\r\n\r\n";
        bytes += sized_head("/sink", content.size()) + std::string(content);
        for (int j = 0; j < 200; ++j)
            bytes += sized_head("/echo/" + std::to_string(j), 3) + "abc";
    }
    std::thread sender([&] { client.send(bytes); });
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(client.receive().body, "5000|yes");
        EXPECT_EQ(client.receive().body, "5000|yes");
        for (int j = 0; j < 200; ++j)
            ASSERT_EQ(client.receive().body, "abc");
    }
    sender.join();
}

// Of plain TCP, because TLS sends tickets on its own.
TEST(StreamedBodySocket, WhoWaitsToBeInvited_IsAtTheFirstRead) {
    stream_server server;
    raw_client client(server);
    client.send("POST /gate HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                "Expect: 100-continue\r\n\r\n");
    EXPECT_TRUE(client.is_silent(100ms));
    EXPECT_FALSE(server.record->reading);
    EXPECT_EQ(client.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(server.record->reading);
    client.send(sequence_at(0).substr(0, 5));
    std::string content;
    EXPECT_TRUE(client.receive_header(content).starts_with("HTTP/1.1 200 "));
    EXPECT_EQ(content, "5|yes");
}

TEST_P(StreamedBody, WhoWaitsToBeInvited_IsNotIfItIsRefused) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                "Expect: 100-continue\r\n\r\n");
    const auto reply = client.receive();
    EXPECT_EQ(reply.status, 401U);
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(StreamedBody, AnsweredUnread_ClosesTheConnection_AndTheReplyArrives) {
    stream_server server({}, GetParam());
    const std::string body(500'000, 'x');
    for (const std::string path : {"/refuse", "/first"}) {
        auto client = server.connect();
        client.send(sized_head(path, body.size()) + body);
        const auto reply = client.receive();
        EXPECT_EQ(reply.status, path == "/refuse" ? 401U : 200U);
        EXPECT_EQ(reply.header("Connection"), "close");
    }
    // What stands in the unread body is no request.
    auto client = server.connect();
    client.send(sized_head("/refuse", 100) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.receive().status, 401U);
    EXPECT_TRUE(client.is_closed_by_server());
    EXPECT_EQ(server.record->whole, 0);
}

TEST_P(StreamedBody, MalformedInTheMiddle_IsTheHandlersToAnswer_AndCloses) {
    stream_server server({}, GetParam());
    const std::string content(100'000, 'x');
    for (const std::string bad : {"zz\r\n", "1\r\nxy\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFF\r\n", "1\nx",
                                  "0\r\nbad trailer\r\n\r\n"}) {
        auto client = server.connect();
        client.send(chunked_head("/sink") + chunk(content) + bad +
                    "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto reply = client.receive();
        EXPECT_EQ(reply.status, 400U) << bad;
        EXPECT_EQ(reply.header("Connection"), "close");
        EXPECT_TRUE(client.is_closed_by_server());
    }
    for (const std::string& endless :
         {"1;" + std::string(100'000, 'a'), "0\r\nX-Test: " + std::string(100'000, 'a')}) {
        auto client = server.connect();
        client.send(chunked_head("/sink") + endless);
        EXPECT_GE(client.receive().status, 400U);
    }
    EXPECT_EQ(server.record->whole, 0);
}

TEST_P(StreamedBody, BeyondTheBoundOfItsRoute_IsRefused) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    EXPECT_EQ(client.request("POST", "/bounded", {}, sequence_at(0).substr(0, 1000)).body,
              "1000|yes");
    client.send(chunked_head("/bounded") + chunk(sequence_at(0).substr(0, 600)) +
                chunk(sequence_at(600).substr(0, 401)));
    EXPECT_EQ(client.receive().status, 413U);
    EXPECT_TRUE(client.is_closed_by_server());
    auto announced = server.connect();
    announced.send(sized_head("/bounded", 1001));
    EXPECT_EQ(announced.receive().status, 413U);
}

TEST_P(StreamedBody, HandlerThatThrowsInTheMiddle_Is500AndCloses) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    client.send(chunked_head("/throw") + chunk("abc"));
    EXPECT_EQ(client.receive().status, 500U);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(StreamedBody, ClientThatStalls_IsCutAtTheDeadline) {
    stream_server server(quick(), GetParam());
    auto client = server.connect();
    const auto begin = std::chrono::steady_clock::now();
    client.send(sized_head("/again", 1'000'000) + "abc");
    EXPECT_EQ(client.receive().status, 408U);
    EXPECT_GE(seconds_since(begin), 0.25);
    EXPECT_LT(seconds_since(begin), 3);
    EXPECT_TRUE(client.is_closed_by_server());
}

TEST_P(StreamedBody, FramingThatTricklesWithoutContent_IsCutAtTheDeadline) {
    stream_server server(quick(), GetParam());
    auto client = server.connect();
    const auto begin = std::chrono::steady_clock::now();
    client.send(chunked_head("/sink") + "5;");
    auto reply = std::async(std::launch::async, [&] { return client.receive(); });
    while (reply.wait_for(50ms) == std::future_status::timeout && seconds_since(begin) < 5)
        client.send("x");
    EXPECT_EQ(reply.get().status, 408U);
    EXPECT_LT(seconds_since(begin), 3);
}

TEST_P(StreamedBody, SlowButSteady_MayTakeLongerThanTheDeadline) {
    stream_server server(quick(), GetParam());
    auto client = server.connect();
    client.send(chunked_head("/sink"));
    for_sequence(10, [&](std::string_view piece) {
        for (const char byte : piece) {
            client.send(chunk({&byte, 1}));
            std::this_thread::sleep_for(100ms);
        }
    });
    client.send("0\r\n\r\n");
    EXPECT_EQ(client.receive().body, "10|yes");
}

TEST_P(StreamedBody, HandlerThatIsSlow_IsNotTheClientsFault) {
    auto options = quick();
    options.time.body = 100ms;
    stream_server server(options, GetParam());
    auto client = server.connect();
    client.send(sized_head("/gate", 3) + std::string(sequence_at(0).substr(0, 3)));
    EXPECT_EQ(client.receive().body, "3|yes");
}

TEST_P(StreamedBody, OfAClientThatGoesAway_LeavesNothingBehind) {
    stream_server server({}, GetParam());
    const auto before = open_descriptors();
    for (int i = 0; i < 20; ++i) {
        raw_client client(server);
        client.send(chunked_head("/sink") + chunk(std::string(50'000, 'x')));
        ASSERT_TRUE(eventually([&] { return server.record->handlers == 1; }));
        if (i % 2 == 0) client.reset();
    }
    EXPECT_TRUE(eventually([&] { return server.record->handlers == 0; }));
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
    EXPECT_TRUE(server.server.stop(5s));
}

TEST_P(StreamedBody, BesideOthers_DelaysNobody) {
    stream_server server({}, GetParam());
    std::atomic<bool> enough{false};
    std::thread uploader([&] {
        raw_client client(server);
        client.send(sized_head("/sink", 4'000 * mebibyte));
        for (std::uint64_t offset = 0; !enough;) {
            const auto piece = sequence_at(offset);
            if (!client.send(piece)) return;
            offset = (offset + piece.size()) % 65'521;
        }
    });
    ASSERT_TRUE(eventually([&] { return server.record->pieces > 100; }));
    auto client = server.connect();
    for (int i = 0; i < 100; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(client.request("GET", "/").status, 200U);
        EXPECT_LT(seconds_since(begin), 1);
    }
    enough = true;
    uploader.join();
}

TEST_P(StreamedBody, WhenTheServerStops_EndsAsIfTheClientHadGone) {
    stream_server server({}, GetParam());
    raw_client stalled(server);
    stalled.send(sized_head("/sink", 1'000'000) + "abc");
    std::atomic<bool> closed{false};
    std::thread busy([&] {
        raw_client client(server);
        client.send(sized_head("/work", 9'000 * mebibyte));
        while (client.send(sequence_at(0))) {
        }
        closed = true;
    });
    ASSERT_TRUE(eventually([&] { return server.record->handlers == 2; }));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(server.server.stop(200ms));
    EXPECT_LT(seconds_since(begin), 5);
    EXPECT_EQ(server.record->handlers, 0);
    busy.join();
    EXPECT_TRUE(closed);
}

TEST_P(StreamedBody, OrdinaryBodies_AreStillReadWhole) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    const std::string body(16 * 1024, 'b');
    EXPECT_EQ(client.request("POST", "/echo", {}, body).body, body);
    EXPECT_EQ(client.request("POST", "/sink", {}, sequence_at(0).substr(0, 9)).body, "9|yes");
    EXPECT_EQ(client.request("POST", "/echo", {}, body).body, body);
    EXPECT_EQ(client.request("POST", "/echo", {}, body + "b").status, 413U);
}

// --- replies ---

// Reads the rest of a reply's content with a pause after every 64 KiB.
sequence_check read_content(raw_client& client, std::string_view first, std::uint64_t size,
                            std::chrono::microseconds pause) {
    sequence_check seen;
    seen.take(first);
    std::size_t since_pause = 0;
    while (seen.size() < size) {
        const auto more = client.receive();
        if (more.empty()) break;
        seen.take(more);
        since_pause += more.size();
        if (since_pause < 64 * 1024 || pause == 0us) continue;
        std::this_thread::sleep_for(pause);
        since_pause = 0;
    }
    return seen;
}

TEST_P(StreamedReply, FiftyMegabytes_ArriveExactInLittleMemory) {
    stream_server server({}, GetParam());
    raw_client client(server);
    client.send("GET /down/1 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string first;
    (void)client.receive_header(first);
    if (first.empty()) (void)client.receive();
    const memory_growth memory;

    constexpr auto size = 50 * mebibyte;
    client.send("GET /down/52428800 HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto header = client.receive_header(first);
    EXPECT_NE(header.find("Content-Length: 52428800\r\n"), std::string::npos);
    EXPECT_EQ(header.find("Connection:"), std::string::npos);
    const auto seen = read_content(client, first, size, 0us);
    EXPECT_EQ(seen.size(), size);
    EXPECT_TRUE(seen.exact());
    if (memory_is_ours()) {
        EXPECT_LT(memory.bytes(), memory_growth_max_bytes);
    }

    client.send("GET /down/10 HTTP/1.1\r\nHost: a\r\n\r\n"); // on the same connection
    EXPECT_TRUE(client.receive_header(first).starts_with("HTTP/1.1 200 "));
    EXPECT_EQ(server.record->handlers, 0);
}

TEST_P(StreamedReply, SlowReader_GetsItAll_ThoughItTakesLongerThanTheDeadline) {
    stream_server server(quick(), GetParam());
    raw_client client(server);
    const auto begin = std::chrono::steady_clock::now();
    constexpr auto size = 50 * mebibyte;
    client.send("GET /down/52428800 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string first;
    (void)client.receive_header(first);
    const auto seen = read_content(client, first, size, 4ms);
    EXPECT_EQ(seen.size(), size);
    EXPECT_TRUE(seen.exact());
    EXPECT_GT(seconds_since(begin), 1);
    EXPECT_TRUE(eventually([&] { return server.record->replies == 0; }));
}

// The kernel alone would ask for more only when a third of its buffer is free, and that takes this
// reader longer than the deadline.
TEST_P(StreamedReply, ReaderOfAPieceOrTwoPerDeadline_IsNotCut) {
    auto options = quick();
    options.time.write = 500ms;
    stream_server server(options, GetParam());
    raw_client client(server, 64 * 1024);
    constexpr auto size = 8 * mebibyte;
    client.send("GET /down/8388608 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string first;
    (void)client.receive_header(first);
    const auto seen = read_content(client, first, size, 20ms);
    EXPECT_EQ(seen.size(), size);
    EXPECT_TRUE(seen.exact());
}

TEST_P(StreamedReply, ReaderThatStops_IsCutAtTheDeadline) {
    stream_server server(quick(), GetParam());
    raw_client client(server);
    client.send("GET /down/104857600 HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return server.record->replies == 1; }));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] { return server.record->replies == 0; }));
    EXPECT_LT(seconds_since(begin), 3);
}

TEST_P(StreamedReply, ToHead_IsItsLengthOnly) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    const auto reply = client.request("HEAD", "/down/123456");
    EXPECT_EQ(reply.status, 200U);
    EXPECT_EQ(reply.header("Content-Length"), "123456");
    EXPECT_EQ(client.request("GET", "/down/3").body, sequence_at(0).substr(0, 3));
    EXPECT_TRUE(eventually([&] { return server.record->replies == 0; }));
}

TEST_P(StreamedReply, OfNothing_AndOfABodilessStatus_EndWithTheHeader) {
    stream_server server({}, GetParam());
    auto client = server.connect();
    EXPECT_EQ(client.request("GET", "/down/0").header("Content-Length"), "0");
    EXPECT_EQ(client.request("GET", "/empty/9").header("Content-Length"), std::nullopt);
    EXPECT_EQ(client.request("GET", "/down/2").body, sequence_at(0).substr(0, 2));
}

TEST_P(StreamedReply, ThatBreaksOff_IsSeenAsShort) {
    stream_server server({}, GetParam());
    for (const std::string kind : {"/throws/", "/ends/"}) {
        raw_client client(server);
        client.send("GET " + kind + "1000000 HTTP/1.1\r\nHost: a\r\n\r\n");
        std::string first;
        const auto header = client.receive_header(first);
        EXPECT_NE(header.find("Content-Length: 1000000\r\n"), std::string::npos);
        const auto seen = read_content(client, first, 1'000'000, 0us);
        EXPECT_GE(seen.size(), 500'000U);
        EXPECT_LT(seen.size(), 1'000'000U);
        EXPECT_TRUE(seen.exact());
        EXPECT_FALSE(client.was_told_of_the_end());
        EXPECT_TRUE(eventually([&] { return server.record->replies == 0; }));
    }
}

TEST_P(StreamedReply, BesideABody_Is500) {
    stream_server server({}, GetParam());
    EXPECT_EQ(server.connect().request("GET", "/both").status, 500U);
    EXPECT_EQ(server.record->replies, 0);
}

TEST_P(StreamedReply, ToAClientThatGoesAway_LeavesNothingBehind) {
    stream_server server({}, GetParam());
    const auto before = open_descriptors();
    for (int i = 0; i < 20; ++i) {
        raw_client client(server);
        client.send(i % 4 < 2 ? "GET /down/52428800 HTTP/1.1\r\nHost: a\r\n\r\n"
                              : "GET /spool/10000000 HTTP/1.1\r\nHost: a\r\n\r\n");
        std::string first;
        (void)client.receive_header(first);
        if (i % 2 == 0) client.reset();
    }
    EXPECT_TRUE(eventually([&] { return server.record->replies == 0; }));
    EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
    EXPECT_TRUE(server.server.stop(5s));
}

TEST_P(StreamedReply, WhenTheServerStops_IsCut) {
    stream_server server({}, GetParam());
    std::thread reader([&] {
        raw_client client(server);
        client.send("GET /down/9000000000 HTTP/1.1\r\nHost: a\r\n\r\n");
        while (!client.receive().empty()) {
        }
    });
    ASSERT_TRUE(eventually([&] { return server.record->replies == 1; }));
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(server.server.stop(200ms));
    EXPECT_LT(seconds_since(begin), 5);
    EXPECT_EQ(server.record->replies, 0);
    reader.join();
}

// --- the spool ---

TEST(Spool, WhatWasAppended_IsReadBack_AndTheFileHasNoName) {
    auto pattern = (std::filesystem::temp_directory_path() / "countersign-spool-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    const auto before = open_descriptors();
    {
        spool file(pattern);
        for_sequence(3 * mebibyte, [&](std::string_view piece) {
            file.append(piece.substr(0, 1));
            file.append(piece.substr(1));
        });
        EXPECT_EQ(file.size(), 3 * mebibyte);
        EXPECT_TRUE(std::filesystem::is_empty(pattern));
        const auto content = file.finish();
        EXPECT_EQ(content->size(), 3 * mebibyte);
        sequence_check seen;
        std::array<char, 1000> buffer{};
        for (auto size = content->read(buffer); size > 0; size = content->read(buffer))
            seen.take({buffer.data(), size});
        EXPECT_EQ(seen.size(), 3 * mebibyte);
        EXPECT_TRUE(seen.exact());
        EXPECT_EQ(open_descriptors(), before + 1);
    }
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_TRUE(std::filesystem::remove(pattern));
}

TEST(Spool, OfNothing_IsEmptyContent) {
    const auto content = spool().finish();
    std::array<char, 10> buffer{};
    EXPECT_EQ(content->size(), 0U);
    EXPECT_EQ(content->read(buffer), 0U);
}

TEST(Spool, SentAsAReply_ArrivesExact) {
    stream_server server;
    const auto reply = server.connect().request("GET", "/spool/1000000");
    sequence_check seen;
    seen.take(reply.body);
    EXPECT_EQ(seen.size(), 1'000'000U);
    EXPECT_TRUE(seen.exact());
}

TEST(Spool, ThatCannotBeMade_SaysSoWithoutAPath) {
    try {
        const spool file("/nonexistent/secret");
        FAIL() << "made all the same";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), ENOENT);
        EXPECT_EQ(std::string(error.what()).find('/'), std::string::npos) << error.what();
    }
}

// In a process of its own, whose files may not grow.
void write_beyond_the_limit() {
    ::signal(SIGXFSZ, SIG_IGN);
    spool file;
    const rlimit limit{100'000, 100'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) std::_Exit(10);
    try {
        for (int i = 0; i < 10; ++i)
            file.append(sequence_at(0));
    } catch (const std::system_error& error) {
        const bool without_path = std::string(error.what()).find('/') == std::string::npos;
        std::_Exit(error.code().value() == EFBIG && without_path ? 0 : 11);
    }
    std::_Exit(12);
}

TEST(SpoolDeathTest, ThatCannotBeWritten_SaysSo) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(write_beyond_the_limit(), testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace countersign::net
