// Scenarios about others than the product: what the machine and Redis can do at the most, and what
// a peer does.
#include "bench/scenario.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;
namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t usual_connections = 64;
// Bytes of the document of an account with one app and ten backup codes (HSTRLEN … d).
constexpr std::size_t document_size = 414;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A redis-server with the settings of the managed one.
class redis_process {
public:
    explicit redis_process(const std::string& durability)
        : child_({"redis-server",
                  "--port",
                  "0",
                  "--unixsocket",
                  socket().string(),
                  "--dir",
                  directory_.path().string(),
                  "--save",
                  "",
                  "--appendonly",
                  "yes",
                  "--appendfsync",
                  durability,
                  "--hash-max-listpack-value",
                  "16384",
                  "--rdbcompression",
                  "no",
                  "--auto-aof-rewrite-percentage",
                  "200",
                  "--latency-tracking",
                  "no"}) {
        for (int tries = 0;; ++tries) {
            try {
                (void)redis_client(socket()).used_memory();
                return;
            } catch (const std::runtime_error&) {
                if (tries == 200) throw;
                std::this_thread::sleep_for(std::chrono::milliseconds(25));
            }
        }
    }
    [[nodiscard]] fs::path socket() const { return directory_.path() / "redis.sock"; }
    [[nodiscard]] pid_t process() const { return child_.process(); }

private:
    scratch_directory directory_;
    child_process child_;
};

struct redis_figures {
    double per_s = 0, cpu_us = 0;
};

// redis-benchmark's GET and SET of documents.
json::object redis_benchmark(const redis_process& redis, std::size_t ahead, std::size_t requests) {
    child_process run({"redis-benchmark", "-s", redis.socket().string(), "-c", "64", "-P",
                       std::to_string(ahead), "-n", std::to_string(requests), "-r", "10000", "-d",
                       std::to_string(document_size), "-t", "set,get", "--csv"});
    const auto text = run.read_all(60);
    json::object out;
    for (const auto* name : {"SET", "GET"}) { // "SET","43478.26",…
        const auto begin = fmt::format("\"{}\",\"", name);
        const auto at = text.find(begin);
        if (at != std::string::npos) out[name] = std::stod(text.substr(at + begin.size(), 20));
    }
    return out;
}

std::string version_of(std::size_t account, std::size_t commit) {
    return fmt::format("{:04x}{:04x}", account, commit);
}

// commit.lua with a whole document, as a verification runs it: the commits of many accounts in one
// connection, up to `ahead` of them before their replies.
redis_figures commits(const options& how, const redis_process& redis, std::size_t rounds,
                      std::size_t ahead) {
    constexpr std::size_t accounts = 1'000;
    redis_client client(redis.socket());
    const auto script = read_file(how.source / "store/scripts/commit.lua");
    const std::vector<std::string> load{"SCRIPT", "LOAD", script};
    auto sha = client.call(load);
    sha = sha.substr(sha.find('\n') + 1, 40);
    const std::string document(document_size, 'd');
    std::vector<std::string> commands;
    for (std::size_t commit = 0; commit < rounds; ++commit)
        for (std::size_t account = 0; account < accounts; ++account) {
            const std::vector<std::string> write{
                "EVALSHA",
                sha,
                "1",
                fmt::format("cs:{{1}}:account:user_{:032x}", account),
                commit == 0 ? "" : version_of(account, commit - 1),
                version_of(account, commit),
                document,
                ""};
            commands.push_back(redis_client::pack(write));
        }
    const auto cpu = processor_seconds(redis.process());
    const auto begin = clock::now();
    const auto bad = client.call_all(commands, ":1\r\n", ahead);
    const auto took = std::chrono::duration<double>(clock::now() - begin).count();
    if (bad > 0)
        throw skipped(fmt::format("commit.lua refused {} of {} commits", bad, commands.size()));
    const auto count = static_cast<double>(commands.size());
    return {count / took, (processor_seconds(redis.process()) - cpu) * 1e6 / count};
}

// wrk's figure for the ceiling, by one thread as ours; 0 without wrk.
double wrk_rate(const options& how, const ceiling_process& top, const fs::path& scratch) {
    if (!is_on_the_path("wrk")) return 0;
    const auto request = ceiling_process::request();
    const auto field = [&](std::string_view name) {
        const auto at = request.find(name) + name.size();
        return request.substr(at, request.find("\r\n", at) - at);
    };
    const auto path = request.substr(5, request.find(" HTTP/") - 5);
    const auto script = scratch / "request.lua";
    std::ofstream(script) << "wrk.method = 'POST'\nwrk.path = '" << path
                          << "'\nwrk.headers['Authorization'] = '" << field("Authorization: ")
                          << "'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '"
                          << request.substr(request.find("\r\n\r\n") + 4) << "'\n";
    const auto seconds = std::max(1, static_cast<int>(how.seconds));
    child_process run({"wrk", "-t1", fmt::format("-c{}", usual_connections),
                       fmt::format("-d{}s", seconds), "-s", script.string(),
                       fmt::format("http://127.0.0.1:{}/", top.port())});
    const auto text = run.read_all(seconds + 30);
    constexpr std::string_view name = "Requests/sec:";
    const auto at = text.find(name);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size()));
}

} // namespace

json::object run_ceiling(const options& how) {
    json::object out;
    const scratch_directory scratch;
    load_figures bare({"ceiling"});
    series wrk, agreement;
    {
        const ceiling_process top;
        one_request request(ceiling_process::request());
        for (int round = 0; round < how.rounds; ++round) {
            const auto result = run_load({.port = top.port(),
                                          .connections = usual_connections,
                                          .duration = span_of(how.seconds),
                                          .watched = {top.process()}},
                                         request);
            bare.add(result);
            const auto other = wrk_rate(how, top, scratch.path());
            step(fmt::format("ceiling: {:.0f}/s, by wrk {:.0f}/s", result.rate(), other));
            if (other <= 0) continue;
            wrk.add(other);
            agreement.add(result.rate() / other);
        }
    }
    out["http"] = bare.json();
    if (!wrk.empty()) {
        out["wrk_per_s"] = wrk.json();
        out["ours_to_wrk"] = agreement.json();
    }
    json::array rows;
    for (const std::string durability : {"everysec", "always"}) {
        std::array<series, 2> rate, cpu; // 64 and 256 ahead
        json::object row{{"durability", durability}};
        for (int round = 0; round < how.rounds; ++round) {
            const redis_process redis(durability);
            for (std::size_t at = 0; at < rate.size(); ++at) {
                const std::size_t ahead = at == 0 ? 64 : 256;
                // The accounts of each are their own: versions begin anew.
                redis_client(redis.socket()).call(std::vector<std::string>{"FLUSHALL"});
                const auto seen = commits(how, redis, how.seconds < 1.5 ? 20 : 60, ahead);
                rate[at].add(seen.per_s);
                cpu[at].add(seen.cpu_us);
            }
            if (round + 1 == how.rounds) {
                const std::size_t few = how.seconds < 1.5 ? 20'000 : 100'000;
                row["redis_benchmark"] = redis_benchmark(redis, 1, few);
                row["redis_benchmark_pipelined"] = redis_benchmark(redis, 16, few * 4);
            }
        }
        step(fmt::format("ceiling: Redis, {}: {:.0f} commits/s with 64 ahead, {:.0f}/s with 256",
                         durability, rate[0].median(), rate[1].median()));
        row["commits_64"] = rate[0].json();
        row["commits_256"] = rate[1].json();
        row["commit_cpu_us"] = cpu[1].json();
        rows.push_back(std::move(row));
    }
    out["document_bytes"] = document_size;
    out["redis"] = std::move(rows);
    return out;
}

namespace {

// Each user's verification in turn. The peer takes a code again, so one for the period is enough.
class peer_requests : public request_source {
public:
    explicit peer_requests(const json::object& told) {
        const std::string origin(told.at("origin").as_string());
        for (const auto& value : told.at("users").as_array()) {
            const auto& user = value.as_object();
            const auto body = "{\"code\":\"" + code_of(user.at("key").as_string()) + "\"}";
            requests_.push_back(fmt::format(
                "POST /api/auth/two-factor/verify-totp HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\n"
                "Cookie: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                origin.substr(7), origin, std::string(user.at("cookie").as_string()), body.size(),
                body));
        }
    }
    std::string_view next() override { return requests_[used_++ % requests_.size()]; }

private:
    static std::string code_of(std::string_view key_hex) {
        std::string key;
        for (std::size_t at = 0; at + 1 < key_hex.size(); at += 2) {
            unsigned byte = 0;
            std::from_chars(key_hex.data() + at, key_hex.data() + at + 2, byte, 16);
            key += static_cast<char>(byte);
        }
        return six_digits(totp_code(key, step_now()));
    }
    std::vector<std::string> requests_;
    std::size_t used_ = 0;
};

} // namespace

json::object run_peer(const options& how) {
    constexpr int users = 50; // the in-memory adapter looks through all rows; more would slow it
    if (how.peer_modules.empty())
        throw skipped("the peer is not installed: node and npm, or the network, are missing");
    step("peer: starting better-auth");
    child_process peer({"node", (how.source / "bench/peer/server.mjs").string(),
                        how.peer_modules.string(), std::to_string(users)});
    const auto told = json::parse(peer.read_line(120)).as_object();
    product server(how);
    server.import(0, how.accounts);
    code_supply supply(0, how.accounts);
    const ceiling_process top;
    (void)server.verify(supply, {.duration = std::chrono::milliseconds(500)});

    load_figures bare({"ceiling"}), ours(product::process_names()), theirs({"peer"});
    series ratio, cpu_ratio;
    for (int round = 0; round < how.rounds; ++round) {
        load_options load{.port = top.port(),
                          .connections = usual_connections,
                          .duration = span_of(how.seconds),
                          .watched = {top.process()}};
        one_request request(ceiling_process::request());
        bare.add(run_load(load, request));
        const auto real = server.verify(supply, load);
        ours.add(real);
        load.port = told.at("port").to_number<std::uint16_t>();
        load.watched = {peer.process()};
        peer_requests requests(told);
        if (round == 0) { // its compiler takes its time
            auto first = load;
            first.duration = std::chrono::seconds(2);
            (void)run_load(first, requests);
        }
        const auto other = run_load(load, requests);
        theirs.add(other);
        ratio.add(real.rate() / std::max(other.rate(), 1.0));
        const auto own_cpu = real.each_us(real.watched_cpu_s[0] + real.watched_cpu_s[1]);
        if (own_cpu > 0) cpu_ratio.add(other.each_us(other.watched_cpu_s[0]) / own_cpu);
        step(fmt::format("peer: better-auth {:.0f}/s, countersign {:.0f}/s, {} and {} failed",
                         other.rate(), real.rate(), other.bad(), real.bad()));
    }
    const auto package = json::parse(read_file(how.source / "bench/peer/package.json"));
    return {{"version", package.at("dependencies").at("better-auth")},
            {"users", users},
            {"ceiling", bare.json()},
            {"countersign", ours.json()},
            {"peer", theirs.json()},
            {"rate_ratio", ratio.json()},
            {"cpu_ratio", cpu_ratio.json()}};
}

json::object run_step_up(const options& how) {
    if (how.step_up_benchmark.empty()) throw skipped("step_up_benchmark was not built");
    const scratch_directory scratch;
    json::array rows;
    for (const auto* durability : {"everysec", "always"}) {
        step(fmt::format("step_up: redis.durability {}", durability));
        const auto record = scratch.path() / durability;
        child_process run({how.step_up_benchmark.string(), "--program", how.program.string(),
                           "--durability", durability, "--connections", "64", "--seconds",
                           std::to_string(std::max(1, static_cast<int>(how.seconds))), "--rounds",
                           std::to_string(std::min(how.rounds, 3)), "--record", record.string()});
        (void)run.read_all(120);
        rows.push_back(json::parse(read_file(record)));
    }
    return {{"rows", std::move(rows)}};
}

} // namespace countersign::bench
