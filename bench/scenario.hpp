// What scenarios have in common: the options of a run, the servers that they measure, figures over
// rounds. A scenario is a function that returns its figures as JSON; report.hpp makes them
// readable.
#pragma once

#include "bench/load.hpp"
#include "bench/processes.hpp"
#include "bench/subjects.hpp"
#include "tests/support/server_process.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::bench {

struct options {
    std::filesystem::path program;           // countersign
    std::filesystem::path step_up_benchmark; // the program of the scenario step_up
    std::filesystem::path source;            // the project's tree
    std::filesystem::path peer_modules;      // where the peer is installed; empty: it is not
    double seconds = 2;                      // of each measurement
    int rounds = 3;
    std::size_t accounts = 200'000;
    std::vector<std::size_t> connections{1, 16, 64, 256, 1'024, 10'000};
    std::vector<std::size_t> growth{1'000, 100'000, 1'000'000};
    std::size_t idle_connections = 20'000;
    std::size_t open_files = 1'024; // what this process may have
};

// Says on the standard error what is being done. Throws when the run was interrupted.
void step(const std::string& words);

// Thrown by a scenario that this machine, or this build, cannot do.
struct skipped : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A figure over rounds.
class series {
public:
    void add(double value) { values_.push_back(value); }
    [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
    [[nodiscard]] double median() const;
    // {"median", "min", "max"}
    [[nodiscard]] boost::json::object json() const;

private:
    std::vector<double> values_;
};

// What is asked about every load, over rounds: rates, latencies, processor time per reply.
class load_figures {
public:
    // `watched`: names of what load_options.watched held.
    explicit load_figures(std::vector<std::string> watched) : watched_(std::move(watched)) {}
    void add(const load_result& result);
    [[nodiscard]] boost::json::object json() const;

    series rate, p50_ms, p99_ms, p999_ms, generator_us;
    std::uint64_t good = 0, bad = 0;
    std::string first_bad;

private:
    std::vector<std::string> watched_;
    std::vector<series> each_us_;
};

// `countersign serve` with its managed Redis, a service key, and subjects.
class product {
public:
    explicit product(const options& how, tests::server_settings settings = {});
    // A Redis that the settings name instead, of these processes; `beside`: with the keys of a
    // server that uses it already.
    struct given_redis {
        std::vector<pid_t> processes;
        const product* beside = nullptr;
    };
    product(const options& how, tests::server_settings settings, given_redis redis);

    [[nodiscard]] tests::server_process& server() noexcept { return server_; }
    [[nodiscard]] const std::string& key() const noexcept { return key_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }
    // The server and its Redis, in this order; of a given one all processes.
    [[nodiscard]] std::vector<pid_t> processes() const;
    [[nodiscard]] static std::vector<std::string> process_names() { return {"server", "redis"}; }
    [[nodiscard]] std::filesystem::path redis_socket() const;

    // POST /imports of subjects from `first` on; how many a second. Returns when Redis has also
    // finished what it does about as much new data, so that the next measurement is without it.
    double import(std::size_t first, std::size_t count, const subject_shape& shape = {});
    // Verifies for the time given, with codes of the supply.
    load_result verify(code_supply& supply, load_options load);

private:
    given_redis given_;
    tests::server_process server_;
    std::string key_;
    double guessed_rate_ = 20'000; // sizes the next supply of codes
};

// The ceiling as a process of its own, as the server is one.
class ceiling_process {
public:
    explicit ceiling_process(std::size_t threads = 2);
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] pid_t process() const noexcept { return child_.process(); }
    // The request and the size of the reply are those of a verification.
    [[nodiscard]] static std::string request();

private:
    child_process child_;
    std::uint16_t port_ = 0;
};
// What the program does when it is started as one: serves until it is ended.
int serve_ceiling(std::size_t threads);

// A Redis that somebody runs on this socket.
class redis_client {
public:
    explicit redis_client(const std::filesystem::path& socket);
    ~redis_client();
    redis_client(const redis_client&) = delete;
    redis_client& operator=(const redis_client&) = delete;
    // The whole reply as it came. Throws std::runtime_error on an error reply.
    std::string call(std::span<const std::string> words);
    // Many commands, sent ahead of their replies; how many replies are not `good`.
    std::size_t call_all(std::span<const std::string> commands, std::string_view good,
                         std::size_t ahead_max);
    [[nodiscard]] double used_memory();
    // Whether a child of its writes the append-only file anew, or soon will.
    [[nodiscard]] bool is_rewriting();
    [[nodiscard]] static std::string pack(std::span<const std::string> words);

private:
    // The number behind `name` and a colon in INFO's section; 0 if it is not there.
    [[nodiscard]] double info(const std::string& section, std::string_view name);
    std::string receive_reply();
    int descriptor_ = -1;
    std::string received_;
    std::size_t read_ = 0; // of `received_`
};

[[nodiscard]] std::chrono::milliseconds span_of(double seconds);
// How many figures after the point a JSON number of ours keeps.
[[nodiscard]] double rounded(double value);

using scenario = std::function<boost::json::object(const options&)>;
[[nodiscard]] boost::json::object run_ceiling(const options&);
[[nodiscard]] boost::json::object run_verify(const options&);
[[nodiscard]] boost::json::object run_step_up(const options&);
[[nodiscard]] boost::json::object run_churn(const options&);
[[nodiscard]] boost::json::object run_storm(const options&);
[[nodiscard]] boost::json::object run_idle(const options&);
[[nodiscard]] boost::json::object run_growth(const options&);
[[nodiscard]] boost::json::object run_peer(const options&);
[[nodiscard]] boost::json::object run_cores(const options&);
[[nodiscard]] boost::json::object run_overload(const options&);
[[nodiscard]] boost::json::object run_cluster(const options&);

} // namespace countersign::bench
