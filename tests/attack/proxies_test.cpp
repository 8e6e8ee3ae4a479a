// A real nginx and a real haproxy before the server, configured as documented, with connections to
// the server that several clients share; and requests through them that two readers could
// understand in two ways. Whatever the proxy makes of them, the server understands it in the same
// way: no reply too many, nobody gets another's, and no request that the proxy did not pass on.
#include "tests/attack/proxy.hpp"
#include "tests/support/scene.hpp"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;

// A socket of the test's own, from any address of loopback.
class raw_client {
public:
    explicit raw_client(std::uint16_t port, const char* from = "127.0.0.1")
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        ::inet_pton(AF_INET, from, &address.sin_addr);
        const bool bound =
            ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (!bound ||
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            ::close(socket_);
            throw std::runtime_error("cannot connect to the proxy");
        }
    }
    ~raw_client() {
        if (socket_ >= 0) ::close(socket_);
    }
    raw_client(raw_client&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    raw_client& operator=(raw_client&&) = delete;

    [[nodiscard]] std::uint16_t port() const {
        sockaddr_in own{};
        socklen_t size = sizeof own;
        (void)::getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &size);
        return ntohs(own.sin_port);
    }
    // As far as the other side takes it.
    void send(std::string_view bytes) const {
        (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    // What comes until the other side closes or is silent for so long.
    [[nodiscard]] std::string receive(std::chrono::milliseconds silence) const {
        std::string all, piece(4096, '\0');
        for (pollfd ready{socket_, POLLIN, 0};
             ::poll(&ready, 1, static_cast<int>(silence.count())) > 0;) {
            const auto size = ::recv(socket_, piece.data(), piece.size(), 0);
            if (size <= 0) break;
            all.append(piece, 0, static_cast<std::size_t>(size));
        }
        return all;
    }

private:
    int socket_;
};

struct ambiguity {
    const char* name;
    std::string bytes;
};

// A route that nobody asks for but by smuggling.
constexpr std::string_view smuggled_path = "/api/auth/password/reset/cooldown";
const std::string smuggled =
    "GET " + std::string(smuggled_path) + " HTTP/1.1\r\nHost: localhost\r\nX-Rest: ";

std::string post(const std::string& fields, const std::string& body) {
    return "POST /api/auth/logout HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
}
std::string sized(std::size_t size) {
    return "Content-Length: " + std::to_string(size) + "\r\n";
}
std::string hex(std::size_t size) {
    std::ostringstream text;
    text << std::hex << size;
    return text.str();
}

const std::string chunked = "Transfer-Encoding: chunked\r\n";
const std::string last_chunk = "0\r\n\r\n";
// For a reader that counts bytes, a body; for one that reads chunks, its end and a request.
const std::string end_and_request = last_chunk + smuggled + "\r\n\r\n";
// For a reader of chunks, one chunk; for one that takes the first line for the body, a request.
const std::string request_as_chunk =
    hex(smuggled.size() + 4) + "\r\n" + smuggled + "\r\n\r\n\r\n" + last_chunk;

std::vector<ambiguity> ambiguities() {
    const auto whole = sized(end_and_request.size());
    std::vector<ambiguity> all{
        {"CL.TE", post(whole + chunked, end_and_request)},
        {"TE.CL", post(sized(4) + chunked, request_as_chunk)},
        {"TE before CL", post(chunked + sized(4), request_as_chunk)},
        {"two lengths", post(sized(0) + whole, end_and_request)},
        {"two lengths, the other way", post(whole + sized(0), end_and_request)},
        {"two equal lengths", post(sized(2) + sized(2), "{}" + smuggled + "\r\n\r\n")},
        {"list of lengths", post("Content-Length: 0, 57\r\n", end_and_request)},
        {"length with a sign", post("Content-Length: +0\r\n", end_and_request)},
        {"length in hex", post("Content-Length: 0x0\r\n", end_and_request)},
        {"length beyond 64 bits",
         post("Content-Length: 18446744073709551616\r\n", end_and_request)},
        {"GET with a body",
         "GET /api/auth/logout HTTP/1.1\r\nHost: localhost\r\n" + whole + "\r\n" + end_and_request},
        {"GET with chunks", "GET /api/auth/logout HTTP/1.1\r\nHost: localhost\r\n" + chunked +
                                "\r\n" + end_and_request},
        {"HTTP/1.0 with TE", "POST /api/auth/logout HTTP/1.0\r\nHost: localhost\r\n" + chunked +
                                 whole + "\r\n" + end_and_request},
        {"HTTP/1.0 with TE, kept", "POST /api/auth/logout HTTP/1.0\r\nHost: localhost\r\n"
                                   "Connection: keep-alive\r\n" +
                                       chunked + "\r\n" + request_as_chunk},
        {"bare line feeds", "POST /api/auth/logout HTTP/1.1\nHost: localhost\n" +
                                sized(end_and_request.size()) + "\n" + end_and_request},
        {"bare line feed hides TE", post(whole + "X: a\n" + chunked, end_and_request)},
        {"bare carriage return hides TE", post(whole + "X: a\r" + chunked, end_and_request)},
        {"NUL hides TE", post(whole + std::string("X: a\0", 5) + chunked, end_and_request)},
        {"folded TE", post(whole + "Transfer-Encoding:\r\n chunked\r\n", end_and_request)},
        {"folded with a tab", post(whole + "X: a\r\n\t" + chunked, end_and_request)},
        {"chunk extension with a line feed",
         post(chunked, "1;a\n" + hex(smuggled.size()) + "\r\n" + end_and_request)},
        {"chunk extension with a carriage return",
         post(chunked, "2;\rxx\r\n" + hex(smuggled.size()) + "\r\n" + end_and_request)},
        {"chunk extension in quotes",
         post(chunked, "2;a=\"\r\n{}\r\n0\r\n\r\n\"\r\n" + end_and_request)},
        {"chunk with a bare line feed", post(chunked, "2\n{}\n0\n\n" + smuggled + "\r\n\r\n")},
        {"chunk size beyond 64 bits", post(chunked, "10000000000000000\r\n" + end_and_request)},
        {"chunk size 0x0", post(chunked, "0x0\r\n\r\n" + smuggled + "\r\n\r\n")},
        {"chunk size with a sign", post(chunked, "-0\r\n\r\n" + smuggled + "\r\n\r\n")},
        {"chunk without its end", post(chunked, "2\r\n{}XX" + end_and_request)},
        {"trailer that sets a length",
         post(chunked, "0\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n")},
        {"absolute form of another host", "GET http://elsewhere.example" +
                                              std::string(smuggled_path) +
                                              "x HTTP/1.1\r\nHost: localhost\r\n\r\n"},
        {"absolute form with a body",
         "POST http://localhost/api/auth/logout HTTP/1.1\r\nHost: localhost\r\n" + whole + chunked +
             "\r\n" + end_and_request},
        {"line break in the path",
         "GET /api/auth/logout%0d%0a%0d%0a" + smuggled + " HTTP/1.1\r\nHost: localhost\r\n\r\n"},
        {"space in the request line",
         "GET /api/auth/logout HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n" + whole + "\r\n" +
             end_and_request},
        {"Connection names the length",
         post("Connection: Content-Length, close\r\n" + whole, end_and_request)},
        {"Connection names TE",
         post("Connection: Transfer-Encoding\r\n" + chunked, request_as_chunk)},
        {"Expect", post("Expect: 100-continue\r\n" + whole, end_and_request)},
        {"Expect with chunks and length",
         post("Expect: 100-continue\r\n" + whole + chunked, end_and_request)},
        {"Upgrade", post("Connection: Upgrade\r\nUpgrade: h2c\r\n" + whole, end_and_request)},
    };
    for (const std::string field :
         {"Transfer-Encoding : chunked", "Transfer-Encoding: xchunked",
          "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity, chunked",
          "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked;q=1",
          "Transfer-Encoding:\x0b"
          "chunked",
          "Transfer-Encoding: chunked\x0c", "Transfer-Encoding: Chunked",
          "Transfer_Encoding: chunked", "TRANSFER-ENCODING: chunked", " Transfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
          "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
          "X: y\r\nTransfer-Encoding\r\n:chunked"}) {
        all.push_back({"TE.TE, by length", post(whole + field + "\r\n", end_and_request)});
        all.push_back({"TE.TE, by chunks", post(sized(4) + field + "\r\n", request_as_chunk)});
    }
    return all;
}

std::size_t count(std::string_view text, std::string_view words) {
    std::size_t found = 0;
    for (auto at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1))
        ++found;
    return found;
}

// What the server has answered since its start, by its own count.
std::size_t answered(std::uint16_t metrics, std::string_view words = {}) {
    std::istringstream page(http_request(metrics, "GET", "/metrics").body);
    double sum = 0;
    for (std::string line; std::getline(page, line);)
        if (line.starts_with("countersign_http_requests_total{") &&
            line.find(words) != std::string::npos)
            sum += std::stod(line.substr(line.rfind(' ')));
    return static_cast<std::size_t>(sum);
}

class Proxies : public testing::TestWithParam<proxy_kind> {
protected:
    const std::uint16_t metrics = unused_port();
    const scene stage{COUNTERSIGN_PROGRAM,
                      {{"trusted_proxies", "127.0.0.1"},
                       {"metrics.listen", "127.0.0.1:" + std::to_string(metrics)}}};
};

TEST_P(Proxies, WhateverIsAmbiguous_IsReadInOneWay_AndMixesNobodysReplies) {
    std::vector<native_client> victims;
    for (int i = 0; i < 3; ++i)
        victims.push_back(stage.person());
    const proxy front(GetParam(), stage.server.port());
    const auto direct = answered(metrics) - front.passed_on();

    const auto all = ambiguities();
    std::vector<raw_client> attackers;
    for (const auto& one : all) {
        attackers.emplace_back(front.port());
        attackers.back().send(one.bytes);
        // On connections of their own to the proxy, on shared ones to the server.
        for (const auto& who : victims) {
            const auto told = http_request(front.port(), "GET", "/api/users/me",
                                           {{"Authorization", "Bearer " + who.access}});
            ASSERT_EQ(told.status, 200U) << "after " << one.name << ": " << told.body;
            ASSERT_EQ(text_in(json_of(told), "email"), who.email) << "after " << one.name;
        }
    }
    std::vector<std::pair<std::uint16_t, std::string>> told; // by the client's port
    for (const auto& attacker : attackers)
        told.emplace_back(attacker.port(), attacker.receive(told.empty() ? 1000ms : 50ms));
    attackers.clear();
    std::this_thread::sleep_for(500ms); // the proxy writes down what has ended

    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& [port, replies] = told[i];
        EXPECT_LE(count(replies, "HTTP/1.1 2") + count(replies, "HTTP/1.1 4") +
                      count(replies, "HTTP/1.1 5"),
                  front.requests_from(port))
            << all[i].name << ": " << replies;
    }
    ASSERT_GE(front.passed_on("/api/users/me"), 3 * all.size()); // its log is what we take it for
    EXPECT_LE(answered(metrics) - direct, front.passed_on()) << front.log();
    EXPECT_LE(answered(metrics, smuggled_path), front.passed_on(smuggled_path)) << front.log();

    // A request that comes past the proxy is noticed by both counts.
    const auto known = front.passed_on();
    const auto seen = answered(metrics), seen_smuggled = answered(metrics, smuggled_path);
    (void)http_request(stage.server.port(), "GET", std::string(smuggled_path));
    EXPECT_EQ(answered(metrics) - seen, 1U);
    EXPECT_EQ(answered(metrics, smuggled_path) - seen_smuggled, 1U);
    EXPECT_EQ(front.passed_on(), known);
}

TEST_P(Proxies, TheClientsAddress_IsItsOwn_WhateverItClaims) {
    auto who = stage.person();
    const proxy front(GetParam(), stage.server.port());
    const raw_client client(front.port(), "127.0.0.77");
    const auto body = R"({"email":")" + who.email + R"(","password":")" + who.password + "\"}";
    client.send("POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 203.0.113.10, 203.0.113.11\r\n"
                "Forwarded: for=203.0.113.12\r\nX-Real-IP: 203.0.113.13\r\n"
                "X-Forwarded-Proto: https\r\n"
                "Content-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    const auto told = client.receive(5s);
    ASSERT_NE(told.find(" 200 "), std::string::npos) << told;
    EXPECT_EQ(told.find("; Secure"), std::string::npos) << told; // it is plain, not as it claims

    const auto listed = who.call("GET", "/api/users/me/sessions").body;
    EXPECT_EQ(count(listed, "127.0.0.77"), 1U) << listed;
    EXPECT_EQ(count(listed, "203.0.113."), 0U) << listed;
}

INSTANTIATE_TEST_SUITE_P(Of, Proxies, testing::Values(proxy_kind::nginx, proxy_kind::haproxy),
                         [](const auto& of) {
                             return of.param == proxy_kind::nginx ? "Nginx" : "Haproxy";
                         });

} // namespace
} // namespace countersign::tests
