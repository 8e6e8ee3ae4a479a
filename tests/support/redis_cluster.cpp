#include "tests/support/redis_cluster.hpp"

#include "store/cluster_slots.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace countersign::tests {

namespace {

using namespace std::chrono_literals;

constexpr auto join_deadline = 20s;

// Ports that are free now: all are held until each is known.
std::vector<std::string> free_ports(std::size_t count) {
    using boost::asio::ip::tcp;
    boost::asio::io_context context;
    std::vector<tcp::acceptor> held;
    std::vector<std::string> ports;
    for (std::size_t i = 0; i < count; ++i) {
        held.emplace_back(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        ports.push_back(std::to_string(held.back().local_endpoint().port()));
    }
    return ports;
}

std::pair<int, int> share_of(std::size_t node, std::size_t of) {
    const auto begin = [of](std::size_t index) {
        return static_cast<int>(store::cluster_slot_count * index / of);
    };
    return {begin(node), begin(node + 1) - 1};
}

std::unique_ptr<redis_server> make_node(append_only durability, const std::string& port,
                                        const std::string& bus_port) {
    return std::make_unique<redis_server>(
        durability,
        std::vector<std::string>{"--port", port, "--bind", "127.0.0.1", "--cluster-enabled", "yes",
                                 "--cluster-port", bus_port, "--cluster-node-timeout", "1500",
                                 "--cluster-require-full-coverage", "no"});
}

void wait_until(const std::function<bool()>& good, const std::string& problem) {
    const auto until = std::chrono::steady_clock::now() + join_deadline;
    while (!good()) {
        if (std::chrono::steady_clock::now() > until) throw std::runtime_error(problem);
        std::this_thread::sleep_for(20ms);
    }
}

bool holds(const store::reply_value& info, const std::string& line) {
    const auto* text = info.text();
    return text != nullptr && text->find(line + "\r\n") != std::string::npos;
}

} // namespace

redis_cluster::redis_cluster(append_only durability, std::size_t masters)
    : durability_(durability) {
    auto ports = free_ports(2 * masters);
    for (std::size_t index = 0; index < masters; ++index) {
        endpoints_.push_back({.host = "127.0.0.1", .port = ports[2 * index]});
        bus_ports_.push_back(ports[2 * index + 1]);
        masters_.push_back(make_node(durability, endpoints_.back().port, bus_ports_.back()));
    }
    join();
}

void redis_cluster::join() const {
    for (std::size_t index = 0; index < size(); ++index) {
        const auto [first, last] = share_of(index, size());
        ask(index, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)});
        ask(index, {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(index + 1)});
        if (index > 0)
            ask(index, {"CLUSTER", "MEET", endpoints_[0].host, endpoints_[0].port, bus_ports_[0]});
    }
    for (std::size_t index = 0; index < size(); ++index)
        wait_until(
            [&] {
                const auto info = ask(index, {"CLUSTER", "INFO"});
                return holds(info, "cluster_state:ok") && holds(info, "cluster_slots_ok:16384") &&
                       holds(info, "cluster_size:" + std::to_string(size()));
            },
            "the nodes of a Redis Cluster did not find each other");
}

void redis_cluster::add_replica_of(std::size_t node) {
    const auto ports = free_ports(2);
    const auto& made = *replicas_.emplace_back(make_node(durability_, ports[0], ports[1]));
    ask(made, {"CLUSTER", "MEET", endpoints_[node].host, endpoints_[node].port, bus_ports_[node]});
    const auto known = "cluster_known_nodes:" + std::to_string(size() + replicas_.size());
    wait_until([&] { return holds(ask(made, {"CLUSTER", "INFO"}), known); },
               "a replica did not find its Redis Cluster");
    ask(made, {"CLUSTER", "REPLICATE", id_of(node)});
    wait_until([&] { return holds(ask(made, {"INFO", "replication"}), "master_link_status:up"); },
               "a replica did not get its master's data");
    for (std::size_t index = 0; index < size(); ++index)
        wait_until([&] { return holds(ask(index, {"CLUSTER", "INFO"}), known); },
                   "the nodes of a Redis Cluster did not see a replica");
}

store::redis_address redis_cluster::address() const {
    store::redis_address address;
    address.seeds = endpoints_;
    return address;
}

std::string redis_cluster::url() const {
    std::string text;
    for (const auto& endpoint : endpoints_)
        text.append(text.empty() ? "redis+cluster://" : ",")
            .append(endpoint.host)
            .append(":")
            .append(endpoint.port);
    return text;
}

std::size_t redis_cluster::first_owner_of(std::string_view key) const {
    const auto slot = store::cluster_slot_of(key);
    std::size_t node = 0;
    while (share_of(node, size()).second < slot)
        ++node;
    return node;
}

store::reply_value redis_cluster::ask(const redis_server& node, std::vector<std::string> words) {
    boost::asio::io_context context(1);
    test_connection link(context, {.address = node.address(), .deadline = 5s});
    const auto said = words.front() + (words.size() > 1 ? " " + words[1] : "");
    const auto reply = run_coroutine(context, link->command(std::move(words)));
    if (!reply) throw std::runtime_error("a node of a Redis Cluster refused " + said);
    return *reply;
}

store::reply_value redis_cluster::ask(std::size_t node, std::vector<std::string> words) const {
    return ask(*masters_.at(node), std::move(words));
}

void redis_cluster::flush() const {
    for (std::size_t index = 0; index < size(); ++index)
        ask(index, {"FLUSHALL"});
}

std::string redis_cluster::id_of(std::size_t node) const {
    const auto reply = ask(node, {"CLUSTER", "MYID"});
    if (reply.text() == nullptr) throw std::runtime_error("a node of a Redis Cluster has no id");
    return *reply.text();
}

void redis_cluster::begin_to_move(int slot, std::size_t from, std::size_t to) const {
    const auto number = std::to_string(slot);
    ask(to, {"CLUSTER", "SETSLOT", number, "IMPORTING", id_of(from)});
    ask(from, {"CLUSTER", "SETSLOT", number, "MIGRATING", id_of(to)});
}

void redis_cluster::move_keys(int slot, std::size_t from, std::size_t to) const {
    while (true) {
        const auto reply = ask(from, {"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "100"});
        const auto* keys = reply.list();
        if (keys == nullptr || keys->empty()) return;
        std::vector<std::string> words{
            "MIGRATE", endpoints_[to].host, endpoints_[to].port, "", "0", "5000", "KEYS"};
        for (const auto& key : *keys)
            words.push_back(*key.text());
        ask(from, std::move(words));
    }
}

void redis_cluster::end_to_move(int slot, std::size_t from, std::size_t to) const {
    const auto id = id_of(to);
    for (const auto node : {to, from})
        ask(node, {"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id});
}

std::string free_port() {
    return free_ports(1).front();
}

redis_cluster* shared_cluster() {
    const auto* wanted = std::getenv("COUNTERSIGN_TEST_REDIS");
    if (wanted == nullptr || std::string_view(wanted) != "cluster") return nullptr;
    static redis_cluster shared;
    return &shared;
}

} // namespace countersign::tests
