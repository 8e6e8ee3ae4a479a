// One thread's connection to Redis: reconnecting, every call under a deadline, the number of calls
// in flight bounded. One server, or a Redis Cluster: then each call goes to the node that has its
// key (store/cluster.hpp). Hides Boost.Redis, so that nobody above compiles it.
#pragma once

#include "store/counters.hpp"
#include "store/error.hpp"
#include "store/event_loop.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::store {

struct redis_endpoint {
    std::string host, port;
    friend bool operator==(const redis_endpoint&, const redis_endpoint&) = default;
};

struct redis_address {
    std::string unix_socket; // if set, host and port mean nothing
    std::string host = "127.0.0.1";
    std::string port = "6379";
    std::string user, password; // no user: Redis' default user; no password: no authentication
    int database = 0;
    bool tls = false; // the certificate must be valid for `host`
    // Nodes of a Redis Cluster, of which one that answers is enough; then host and port mean
    // nothing. Empty: one server.
    std::vector<redis_endpoint> seeds;
};
inline constexpr std::size_t redis_seeds_max = 64;
// redis://[[user]:password@]host[:port][/database], rediss://… (TLS), unix:///path[?db=N],
// redis+cluster://[[user]:password@]host[:port][,host[:port]…], rediss+cluster://… (TLS). User and
// password may be percent-encoded (RFC 3986 section 2.1). The error is a sentence for the operator,
// without the password.
[[nodiscard]] boost::system::result<redis_address, std::string>
parse_redis_url(std::string_view url);

// A Redis answer, simplified to what our commands return: nil, integer, text, or a list. A RESP3
// map is a list of its keys and values in turn.
struct reply_value {
    std::variant<std::monostate, std::int64_t, std::string, std::vector<reply_value>> value;
    [[nodiscard]] bool is_nil() const noexcept;
    // Null if the value is of another type.
    [[nodiscard]] const std::string* text() const noexcept;
    [[nodiscard]] const std::int64_t* integer() const noexcept;
    [[nodiscard]] const std::vector<reply_value>* list() const noexcept;
};

// A Lua script of store/scripts, embedded at build time; its SHA-1 is what EVALSHA names.
struct script {
    std::string source;
    std::string sha1;
};

struct answer;
class cluster;

// A server that holds keys, as it stood when it was asked for.
struct key_holder {
    std::string name;  // <host>:<port>; empty: there is one server
    std::string slots; // of a cluster's node, as Redis writes them
    friend bool operator==(const key_holder&, const key_holder&) = default;
};

struct connection_options {
    redis_address address;
    // Per call. A server that has said nothing at all for as long is given up and connected to
    // anew, so a blocking read needs a deadline well above its BLOCK time.
    std::chrono::milliseconds deadline{1500};
    std::size_t in_flight_max = 4096;  // of each node of a cluster
    std::string name = "countersign";  // CLIENT SETNAME, for the operator
    std::string label = "redis";       // what the log calls the server
    redis_counters* counted = nullptr; // outlives the calls; nullptr: nobody asks
};

using steady_time = std::chrono::steady_clock::time_point;

// Owned by one thread; every member is called on the executor's thread. Outlives its calls.
class connection {
public:
    // Throws boost::system::system_error if TLS is asked for and cannot be set up.
    connection(const loop_executor& executor, connection_options options);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Starts the background loop that connects and reconnects; stop() ends it and fails calls
    // under way with `unavailable`. Call stop(), and let the executor run what is left, before the
    // executor's context goes away. Each may be called once.
    void start();
    void stop();

    // Runs one command (not empty). A Redis error reply (WRONGTYPE, OOM …) is logged without its
    // arguments and comes back as `corrupt` for WRONGTYPE, else `unavailable`. The deadline is the
    // options' or `until`, whichever is earlier. While Redis is known to be down, calls fail at
    // once. In a cluster it goes to the node of its key, and its keys must live together; without a
    // key it goes to any.
    [[nodiscard]] awaitable<boost::system::result<reply_value, store_error>>
    command(std::vector<std::string> arguments, steady_time until = steady_time::max());

    // Like command(), but `unavailable` here says that the outcome is unknown: it may have run, or
    // may yet run. Runs a script by its hash, and by its source when the server does not know it
    // (NOSCRIPT). What it is called with outlives the call; the embedded scripts live for ever.
    [[nodiscard]] awaitable<boost::system::result<reply_value, store_error>>
    script(const struct script& code, const std::vector<std::string>& keys,
           const std::vector<std::string>& arguments, steady_time until = steady_time::max());

    // Which of these keys one command or script may name: groups of indices, in their order. One
    // server: all. A cluster: those of one slot.
    [[nodiscard]] std::vector<std::vector<std::size_t>>
    together(const std::vector<std::string>& keys) const;

    // For what concerns all keys (SCAN): the servers that hold them, each a part. `unavailable` if
    // a node of a cluster does not answer, or while slots are being moved, because a key could be
    // missed then; what was done key by key is complete if the holders are the same afterwards.
    [[nodiscard]] awaitable<boost::system::result<std::vector<key_holder>, store_error>> holders();
    // Like command(), at one of the holders.
    [[nodiscard]] awaitable<boost::system::result<reply_value, store_error>>
    command_at(key_holder holder, std::vector<std::string> arguments,
               steady_time until = steady_time::max());

    // True while the last contact was an answer. For readiness. Of a cluster: with the node that
    // has `key` or, without one, with any node that has slots: a server that can serve some of the
    // accounts stays in service for them.
    [[nodiscard]] bool healthy(std::string_view key = {}) const noexcept;
    // True when Redis is known to be down: calls fail at once, without having run. Of a cluster:
    // the node that has `key` or, without one, all of them.
    [[nodiscard]] bool down(std::string_view key = {}) const noexcept;

private:
    friend class cluster;
    // One trip, as a cluster's node: no redirection is followed. `asking`: with ASKING before it.
    // The words outlive the call.
    [[nodiscard]] awaitable<boost::system::result<answer, store_error>>
    once(std::span<const std::string_view> words, bool asking, steady_time until);

    struct impl;
    std::shared_ptr<impl> impl_;       // null: a cluster
    std::shared_ptr<cluster> cluster_; // null: one server
};

} // namespace countersign::store
