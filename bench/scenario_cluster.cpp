// The scenario cluster: two servers on one Redis Cluster beside one server on one Redis.
#include "bench/scenario.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;
using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t connections = 64; // of all servers together
constexpr std::size_t masters = 3;
constexpr std::size_t slots = 16'384;

// Held until the object ends, so that no two are the same.
class held_port {
public:
    held_port() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
            ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no port is free");
        number_ = std::to_string(::ntohs(address.sin_port));
    }
    ~held_port() { ::close(descriptor_); }
    held_port(const held_port&) = delete;
    held_port& operator=(const held_port&) = delete;
    [[nodiscard]] const std::string& number() const noexcept { return number_; }

private:
    int descriptor_;
    std::string number_;
};

// Masters on loopback, each with an equal share of the slots.
class redis_masters {
public:
    redis_masters() {
        {
            const std::array<held_port, 2 * masters> ports;
            for (std::size_t node = 0; node < masters; ++node) {
                ports_.at(node) = ports.at(node).number();
                bus_ports_.at(node) = ports.at(masters + node).number();
            }
        }
        for (std::size_t node = 0; node < masters; ++node) {
            std::filesystem::create_directory(folder(node));
            nodes_.push_back(std::make_unique<child_process>(std::vector<std::string>{
                "redis-server", "--port", ports_.at(node), "--bind", "127.0.0.1", "--unixsocket",
                socket(node), "--dir", folder(node), "--save", "", "--appendonly", "yes",
                "--appendfsync", "everysec", "--cluster-enabled", "yes", "--cluster-port",
                bus_ports_.at(node)}));
        }
        join();
    }

    [[nodiscard]] std::string url() const {
        std::string text;
        for (const auto& port : ports_)
            text += (text.empty() ? "redis+cluster://127.0.0.1:" : ",127.0.0.1:") + port;
        return text;
    }
    [[nodiscard]] std::vector<pid_t> processes() const {
        std::vector<pid_t> all;
        for (const auto& node : nodes_)
            all.push_back(node->process());
        return all;
    }

private:
    [[nodiscard]] std::string folder(std::size_t node) const {
        return scratch_.path() / std::to_string(node);
    }
    [[nodiscard]] std::string socket(std::size_t node) const { return folder(node) + "/socket"; }

    std::string ask(std::size_t node, const std::vector<std::string>& words) const {
        for (const auto until = clock::now() + 10s;; std::this_thread::sleep_for(20ms)) {
            try {
                return redis_client(socket(node)).call(words);
            } catch (const std::runtime_error&) {
                if (clock::now() > until) throw;
            }
        }
    }

    void join() const {
        for (std::size_t node = 0; node < masters; ++node) {
            ask(node, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(slots * node / masters),
                       std::to_string(slots * (node + 1) / masters - 1)});
            if (node > 0)
                ask(node, {"CLUSTER", "MEET", "127.0.0.1", ports_.front(), bus_ports_.front()});
        }
        const auto until = clock::now() + 30s;
        for (std::size_t node = 0; node < masters;) {
            const auto info = ask(node, {"CLUSTER", "INFO"});
            if (info.find("cluster_state:ok") != std::string::npos &&
                info.find(fmt::format("cluster_size:{}", masters)) != std::string::npos) {
                ++node;
                continue;
            }
            if (clock::now() > until) throw std::runtime_error("the masters found no cluster");
            std::this_thread::sleep_for(20ms);
        }
    }

    scratch_directory scratch_;
    std::array<std::string, masters> ports_, bus_ports_;
    std::vector<std::unique_ptr<child_process>> nodes_;
};

// Servers that share their accounts, each with codes of its own part of them.
class side {
public:
    void add(product& server, std::size_t first, std::size_t accounts) {
        servers_.push_back(&server);
        supplies_.push_back(std::make_unique<code_supply>(first, accounts));
    }

    // All at the same time, with the connections shared out.
    void run(double seconds, bool counts) {
        const auto wanted = static_cast<std::size_t>(guessed_rate_ * 1.4 * seconds /
                                                     static_cast<double>(servers_.size())) +
                            connections;
        std::vector<std::unique_ptr<verifications>> sources;
        for (std::size_t at = 0; at < servers_.size(); ++at)
            sources.push_back(std::make_unique<verifications>(
                servers_[at]->key(), supplies_[at]->take(wanted, wanted * 7 / 10, seconds)));
        std::vector<load_result> results(servers_.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t at = 0; at < servers_.size(); ++at)
                threads.emplace_back([&, at] {
                    results[at] = run_load({.port = servers_[at]->port(),
                                            .connections = connections / servers_.size(),
                                            .duration = span_of(seconds),
                                            .watched = servers_[at]->processes()},
                                           *sources[at]);
                });
        }
        for (std::size_t at = 0; at < servers_.size(); ++at)
            supplies_[at]->give_back(sources[at]->codes().data() + sources[at]->used(),
                                     sources[at]->codes().size() - sources[at]->used());
        const auto sum = together(results);
        guessed_rate_ = std::max(sum.rate(), 1'000.0);
        if (!counts) return;
        figures_.add(sum);
        step(fmt::format("  {} server(s): {:.0f}/s, {:.1f} us of the server(s), {:.1f} us of "
                         "Redis each, {} failed",
                         servers_.size(), sum.rate(), sum.each_us(sum.watched_cpu_s[0]),
                         sum.each_us(sum.watched_cpu_s[1]), sum.bad()));
    }

    [[nodiscard]] const load_figures& figures() const noexcept { return figures_; }

private:
    // The servers' processor time in one number; Redis' as the first load saw it, because each
    // watched the same processes.
    static load_result together(const std::vector<load_result>& results) {
        load_result sum = results.front();
        const auto& seen = results.front().watched_cpu_s;
        sum.watched_cpu_s = {seen.front(), std::accumulate(seen.begin() + 1, seen.end(), 0.0)};
        for (std::size_t at = 1; at < results.size(); ++at) {
            const auto& one = results[at];
            sum.sent += one.sent;
            sum.replies += one.replies;
            sum.good += one.good;
            sum.broken += one.broken;
            sum.latency.add(one.latency);
            sum.seconds = std::max(sum.seconds, one.seconds);
            sum.generator_cpu_s += one.generator_cpu_s;
            sum.watched_cpu_s.front() += one.watched_cpu_s.front();
            if (sum.first_bad.empty()) sum.first_bad = one.first_bad;
        }
        return sum;
    }

    std::vector<product*> servers_;
    std::vector<std::unique_ptr<code_supply>> supplies_;
    load_figures figures_{product::process_names()};
    double guessed_rate_ = 20'000; // sizes the next supply of codes
};

} // namespace

json::object run_cluster(const options& how) {
    const auto accounts = std::min<std::size_t>(how.accounts, 100'000);
    step("cluster: one server on one Redis");
    product alone(how);
    alone.import(0, accounts);
    step(fmt::format("cluster: two servers on {} masters", masters));
    const redis_masters nodes;
    const tests::server_settings settings{{"redis.url", nodes.url()}};
    product first(how, settings, {.processes = nodes.processes(), .beside = nullptr});
    product second(how, settings, {.processes = nodes.processes(), .beside = &first});
    first.import(0, accounts);

    std::array<side, 2> sides;
    sides[0].add(alone, 0, accounts);
    sides[1].add(first, 0, accounts / 2);
    sides[1].add(second, accounts / 2, accounts - accounts / 2);
    for (auto& one : sides)
        one.run(0.5, false);
    for (int round = 0; round < how.rounds; ++round)
        for (auto& one : sides)
            one.run(how.seconds, true);

    json::array rows;
    for (std::size_t at = 0; at < sides.size(); ++at) {
        auto row = sides.at(at).figures().json();
        row["servers"] = at + 1;
        row["masters"] = at == 0 ? 1 : masters;
        rows.push_back(std::move(row));
    }
    return {{"connections", connections}, {"accounts", accounts}, {"rows", std::move(rows)}};
}

} // namespace countersign::bench
