// Hundreds of clients that are slow in every way that there is, for as long as they are let: each
// is cut at its deadline, and until then nobody else waits longer for it. The ordinary deadlines of
// the program: 5 s for a handshake, 10 s for a header section, a body and a reply.
#include "tests/app/temporary_directory.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/steady_load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <iostream>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t of_each_kind = 120;
// The longest deadline, what closing takes under TLS, and the server's own looking at its clock.
constexpr auto cut_within = 10s + 2s + 1s;
// Below this a busy machine's own doings decide.
constexpr double noise_ms = 3;

class SlowClients : public testing::TestWithParam<bool> {
protected:
    SlowClients() : stage(COUNTERSIGN_PROGRAM, settings(GetParam())) {
        auto client = stage.server.connect();
        const auto email = native_client::fresh_email();
        const std::string known = R"("email":")" + email + R"(","password":"Correct-Horse-7")";
        (void)client.request("POST", "/api/auth/register", {}, "{" + known + R"(,"name":"A"})");
        access = text_in(json_of(client.request("POST", "/api/auth/login", {}, "{" + known + "}")),
                         "accessToken");
    }

    server_settings settings(bool tls) const {
        server_settings all;
        if (!tls) return all;
        const auto files = certificate_authority(folder.path()).issue();
        all["tls.certificate"] = files.certificate;
        all["tls.key"] = files.key;
        return all;
    }

    // The latency that 99 of 100 requests of somebody who behaves have at most, over so long.
    double p99_over(std::chrono::milliseconds length) {
        auto client = stage.server.connect();
        std::vector<double> times;
        for (const auto until = clock::now() + length; clock::now() < until;
             std::this_thread::sleep_for(1ms)) {
            const auto begin = clock::now();
            const auto told =
                client.request("GET", "/api/users/me", {{"Authorization", "Bearer " + access}});
            EXPECT_EQ(told.status, 200U);
            times.push_back(
                std::chrono::duration<double, std::milli>(clock::now() - begin).count());
        }
        EXPECT_GT(times.size(), 40U);
        return percentile(times, 0.99);
    }

    const temporary_directory folder;
    const scene stage;
    std::string access;
};

// Whether the other side has closed by then; what it has sent before is thrown away.
bool is_closed_by(const http_connection& slow, clock::time_point until) {
    std::array<char, 65536> bytes{};
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now());
        pollfd ready{slow.descriptor(), POLLIN, 0};
        if (::poll(&ready, 1, static_cast<int>(std::max(left, 1ms).count())) <= 0) return false;
        const auto size = ::recv(slow.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return true;
    }
}

TEST_P(SlowClients, AreCutAtTheirDeadlines_AndDelayNobodyElse) {
    (void)p99_over(500ms); // warm
    const auto alone = p99_over(4s);

    struct crowd {
        const char* what;
        std::vector<http_connection> clients;
    };
    const auto port = stage.server.port();
    std::vector<crowd> crowds(4);
    const auto begun = clock::now();
    for (std::size_t i = 0; i < of_each_kind; ++i) {
        // Under TLS no handshake; without, no request.
        crowds[0].clients.emplace_back(port);
        if (!GetParam()) crowds[0].clients.back().send("G");
        crowds[1].clients.push_back(stage.server.connect());
        crowds[1].clients.back().send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
        crowds[2].clients.push_back(stage.server.connect());
        crowds[2].clients.back().send("POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\n"
                                      "Content-Type: application/json\r\n"
                                      "Content-Length: 10000\r\n\r\n{");
        crowds[3].clients.push_back(stage.server.connect());
        std::string many;
        for (int j = 0; j < 60; ++j) // more than all buffers between hold
            many += "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n"
                    "Accept-Encoding: gzip\r\n\r\n";
        crowds[3].clients.back().send(many);
    }
    crowds[0].what = "silent";
    crowds[1].what = "slow with the header section";
    crowds[2].what = "slow with the body";
    crowds[3].what = "not reading";

    std::jthread trickle([&crowds](const std::stop_token& stopped) {
        for (; !stopped.stop_requested(); std::this_thread::sleep_for(250ms))
            for (std::size_t kind : {1, 2})
                for (auto& each : crowds[kind].clients)
                    try {
                        each.send("x");
                    } catch (const std::runtime_error&) {
                        continue; // it is cut
                    }
    });
    const auto beside = p99_over(9s);
    std::this_thread::sleep_until(begun + 10s);
    trickle.request_stop();
    trickle.join();

    for (const auto& [what, clients] : crowds) {
        std::size_t cut = 0;
        for (const auto& each : clients)
            cut += is_closed_by(each, begun + cut_within + 5s);
        EXPECT_EQ(cut, clients.size()) << what;
    }
    const auto after = p99_over(2s);
    std::cout << "p99 " << alone << " ms alone, " << beside << " ms beside " << 4 * of_each_kind
              << " slow clients, " << after << " ms afterwards\n";
    EXPECT_LE(beside, 2 * std::max({alone, after, noise_ms}));
}

INSTANTIATE_TEST_SUITE_P(Over, SlowClients, testing::Bool(),
                         [](const auto& over) { return over.param ? "Tls" : "Plain"; });

} // namespace
} // namespace countersign::tests
