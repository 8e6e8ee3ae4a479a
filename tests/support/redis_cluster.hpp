// A real private Redis Cluster for tests: masters on loopback, without replicas, ended with the
// object. Everything throws std::runtime_error if a node does not do as told.
#pragma once

#include "store/connection.hpp"
#include "tests/support/redis_server.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

class redis_cluster {
public:
    // Returns when every node serves and knows of all slots, of which each has an equal share. What
    // a node does not serve, the others do (cluster-require-full-coverage no).
    explicit redis_cluster(append_only durability = append_only::off, std::size_t masters = 3);
    redis_cluster(const redis_cluster&) = delete;
    redis_cluster& operator=(const redis_cluster&) = delete;

    [[nodiscard]] store::redis_address address() const; // every node is a seed
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::size_t size() const { return masters_.size(); }
    [[nodiscard]] const store::redis_endpoint& endpoint(std::size_t node) const {
        return endpoints_.at(node);
    }
    // To kill, freeze and restart it.
    [[nodiscard]] redis_server& node(std::size_t index) { return *masters_.at(index); }
    // Which node had the key's slot at first.
    [[nodiscard]] std::size_t first_owner_of(std::string_view key) const;

    // Asks one node over a connection of its own. Any thread.
    store::reply_value ask(std::size_t node, std::vector<std::string> words) const;
    void flush() const;

    // Another node, which has the master's data when this returns and takes over if that one dies.
    void add_replica_of(std::size_t node);

    // The steps in which a slot goes to another node. Between the first two, keys that are at
    // neither are asked for at the new one.
    void begin_to_move(int slot, std::size_t from, std::size_t to) const;
    void move_keys(int slot, std::size_t from, std::size_t to) const;
    void end_to_move(int slot, std::size_t from, std::size_t to) const;

private:
    static store::reply_value ask(const redis_server& node, std::vector<std::string> words);
    void join() const;
    [[nodiscard]] std::string id_of(std::size_t node) const;

    std::vector<store::redis_endpoint> endpoints_;
    std::vector<std::string> bus_ports_;
    append_only durability_;
    std::vector<std::unique_ptr<redis_server>> masters_, replicas_;
};

// Of the loopback, and free a moment ago.
[[nodiscard]] std::string free_port();

// The cluster that this process' tests share, where the environment asks for one
// (COUNTERSIGN_TEST_REDIS=cluster); else nullptr.
[[nodiscard]] redis_cluster* shared_cluster();

} // namespace countersign::tests
