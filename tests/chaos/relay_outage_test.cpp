// The mail relay is away while people go on: the API does not feel it, and afterwards the mails
// come in the order in which their changes were made.
#include "tests/support/load_sink.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/service_client.hpp"
#include "tests/support/smtp_sink.hpp"
#include "tests/support/steady_load.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace countersign::tests {
namespace {

constexpr double changes_per_s = 100;
constexpr std::size_t changes_before = 1'500;
// 34 s: the relay is tried at once, after 5, 15 and 35 s, so its return is soon found out.
constexpr std::size_t changes_during = 3'400;
constexpr std::chrono::seconds drain_patience{60};
// How many younger mails may arrive before one: those that other workers have in hand, the heads of
// the 16 partitions, and changes whose commits and replies crossed.
constexpr std::ptrdiff_t overtaken_max = 32;

constexpr double hiccup_ms = 20; // of a machine that does other things, too

// Subjects with one change each: their e-mail factor is switched on, and an alert is due.
class changing_subjects {
public:
    explicit changing_subjects(const server_process& server)
        : port_(server.port()), key_(make_service_key(COUNTERSIGN_PROGRAM, server, "manage").key) {
        std::vector<std::string> requests;
        for (std::size_t number = 0; number < changes_before + changes_during; ++number)
            requests.push_back(put(number, false));
        for (const auto& made : run(requests, 3'000))
            EXPECT_EQ(made.status, 201U);
    }

    std::vector<timed_request> change(std::size_t first, std::size_t count) {
        std::vector<std::string> requests;
        for (std::size_t number = first; number < first + count; ++number)
            requests.push_back(put(number, true));
        auto done = run(requests, changes_per_s);
        for (const auto& made : done)
            EXPECT_EQ(made.status, 200U);
        return done;
    }

    static std::string name_of(std::size_t number) { return "subject-" + std::to_string(number); }

private:
    std::vector<timed_request> run(const std::vector<std::string>& requests,
                                   double per_second) const {
        return run_steady_load({.port = port_, .per_second = per_second}, requests);
    }
    [[nodiscard]] std::string put(std::size_t number, bool email_factor) const {
        const auto body = R"({"email":")" + address_of(name_of(number)) + R"(","emailFactor":)" +
                          (email_factor ? "true}" : "false}");
        return "PUT " + service_client::path_of(name_of(number)) +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: "
               "Bearer " +
               key_ + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    std::uint16_t port_;
    std::string key_;
};

// On a port below those that the kernel gives to outgoing connections (32768 and up): none of them
// takes it while the relay is away.
std::optional<load_sink> open_relay() {
    constexpr unsigned first = 12'000, count = 8'000, tries_max = 20;
    for (unsigned attempt = 0; attempt < tries_max; ++attempt) {
        const auto port = first + (static_cast<unsigned>(::getpid()) * 17 + attempt * 613) % count;
        try {
            return std::optional<load_sink>(
                std::in_place, load_sink_options{.port = static_cast<std::uint16_t>(port)});
        } catch (const std::exception&) {
            // Somebody else's.
        }
    }
    return std::nullopt;
}

double p99_ms(const std::vector<timed_request>& done) {
    std::vector<double> latencies;
    for (const auto& one : done)
        latencies.push_back(one.latency_ms());
    return percentile(std::move(latencies), 0.99);
}

// The events that were tried while the relay was away: the ids in the log's lines about them.
std::set<std::string> events_put_off(const std::string& log) {
    std::set<std::string> ids;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        constexpr std::string_view before = "notifier: event ";
        const auto begin = line.find(before);
        if (begin == std::string::npos || line.find(" retried in ") == std::string::npos) continue;
        const auto id = begin + before.size();
        ids.insert(line.substr(id, line.find(' ', id) - id));
    }
    return ids;
}

// A Message-ID is <event id.tag@domain>.
std::string event_of(const taken_mail& mail) {
    const auto id = header(mail.data, "Message-ID");
    return id.substr(1, id.find('.') - 1);
}

// The place of each change in the order of the replies, by recipient.
std::map<std::string, std::ptrdiff_t> ranks(const std::vector<timed_request>& done,
                                            std::size_t first) {
    std::vector<std::size_t> order(done.size());
    for (std::size_t index = 0; index < order.size(); ++index)
        order[index] = index;
    std::ranges::sort(order, {}, [&](std::size_t index) { return done[index].replied; });
    std::map<std::string, std::ptrdiff_t> found;
    for (std::size_t rank = 0; rank < order.size(); ++rank)
        found[address_of(changing_subjects::name_of(first + order[rank]))] =
            static_cast<std::ptrdiff_t>(rank);
    return found;
}

TEST(RelayOutage, ApiStaysAsFast_AndTheBacklogArrivesInOrderOfAge) {
    auto relay = open_relay();
    ASSERT_TRUE(relay.has_value());
    const auto port = relay->port();
    const server_process server(COUNTERSIGN_PROGRAM, {{"mail.url", relay->url()},
                                                      {"log.level", "warn"},
                                                      {"policy.email_factor_by_default", "false"}});
    changing_subjects subjects(server);
    const auto before = subjects.change(0, changes_before);
    ASSERT_TRUE(relay->wait_for(changes_before, drain_patience));

    relay.reset();
    const auto during = subjects.change(changes_before, changes_during);
    relay.emplace(load_sink_options{.port = port});
    const auto back = std::chrono::steady_clock::now();
    ASSERT_TRUE(relay->wait_for(changes_during, drain_patience))
        << relay->count() << " mails of " << changes_during;
    const std::chrono::duration<double> drained = std::chrono::steady_clock::now() - back;

    const auto mails = relay->take_mails();
    EXPECT_EQ(mails.size(), changes_during);
    const auto put_off = events_put_off(server.log());
    auto rank_of = ranks(during, changes_before);
    std::ptrdiff_t youngest = 0, overtaken = 0;
    std::size_t late = 0;
    for (const auto& mail : mails) {
        ASSERT_TRUE(rank_of.contains(mail.to)) << mail.to << " came twice, or is nobody's";
        const auto rank = rank_of.extract(mail.to).mapped();
        if (put_off.contains(event_of(mail))) {
            ++late;
            continue;
        }
        overtaken = std::max(overtaken, youngest - rank);
        youngest = std::max(youngest, rank);
    }
    EXPECT_LE(overtaken, overtaken_max);
    EXPECT_LE(late, put_off.size());
    EXPECT_LE(put_off.size(), 20U) << "of " << changes_during << " mails";

    const auto p99_before = p99_ms(before), p99_during = p99_ms(during);
    EXPECT_LE(p99_during, 2 * p99_before + hiccup_ms);
    std::cout << "p99 " << p99_before << " ms before, " << p99_during << " ms during the outage ("
              << p99_during / p99_before << "); " << changes_during << " mails " << drained.count()
              << " s after its end, " << put_off.size() << " put off, the others overtaken by "
              << overtaken << " at the most\n";
}

} // namespace
} // namespace countersign::tests
