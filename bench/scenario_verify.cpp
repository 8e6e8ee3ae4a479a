// Scenarios about POST …/verifications alone: verify, cores, overload, storm, growth.
#include "bench/scenario.hpp"

#include "tests/support/http_client.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;

namespace {

constexpr std::size_t usual_connections = 64;

// The ceiling and the product with as many connections, one after the other.
struct pair_figures {
    load_figures ceiling{{"ceiling"}};
    load_figures verify{product::process_names()};
    series ratio;

    void run(const options& how, const ceiling_process& top, product& server, code_supply& supply,
             std::size_t connections) {
        // With thousands of connections the first replies take a while.
        constexpr std::size_t many = 2'000;
        load_options load{.port = top.port(),
                          .connections = connections,
                          .duration = span_of(connections < many ? how.seconds : 3 * how.seconds),
                          .watched = {top.process()}};
        one_request bare(ceiling_process::request());
        const auto at_top = run_load(load, bare);
        const auto real = server.verify(supply, load);
        ceiling.add(at_top);
        verify.add(real);
        ratio.add(at_top.rate() > 0 ? real.rate() / at_top.rate() : 0);
        step(fmt::format("  {} connections: ceiling {:.0f}/s, verify {:.0f}/s ({:.2f}), "
                         "p99 {:.1f} ms, {} failed",
                         connections, at_top.rate(), real.rate(), real.rate() / at_top.rate(),
                         real.latency.quantile_ms(0.99), real.bad()));
    }

    [[nodiscard]] json::object json() const {
        auto out = verify.json();
        out["ceiling"] = ceiling.json();
        out["ratio_to_ceiling"] = ratio.json();
        return out;
    }
};

// So that the first measurement is like the others.
void warm_up(product& server, code_supply& supply) {
    (void)server.verify(
        supply, {.connections = usual_connections, .duration = std::chrono::milliseconds(500)});
}

double saturation(const options& how, product& server, code_supply& supply,
                  std::size_t connections) {
    return server.verify(supply, {.connections = connections, .duration = span_of(how.seconds)})
        .rate();
}

// Wrong codes and backup codes, which other subjects have than those of the supply.
json::object run_other_codes(const options& how, product& server, code_kind kind,
                             std::size_t first_subject, std::size_t subjects) {
    const std::size_t per_subject = kind == code_kind::wrong ? 4 : 10;
    load_figures figures(product::process_names());
    const auto share = subjects / static_cast<std::size_t>(how.rounds);
    for (int round = 0; round < how.rounds; ++round) {
        const auto first = first_subject + share * static_cast<std::size_t>(round);
        verifications source(server.key(), kind, first * per_subject, share * per_subject);
        const auto result = run_load({.port = server.port(),
                                      .connections = usual_connections,
                                      .duration = span_of(how.seconds),
                                      .watched = server.processes()},
                                     source);
        step(fmt::format("  {}: {:.0f}/s, {} failed",
                         kind == code_kind::wrong ? "wrong codes" : "backup codes", result.rate(),
                         result.bad()));
        figures.add(result);
    }
    return figures.json();
}

bool machine_can(const options& how, std::size_t connections) {
    // The server keeps some descriptors for itself and shares the rest among its threads.
    return connections + connections / 4 + 128 < how.open_files;
}

} // namespace

json::object run_verify(const options& how) {
    json::array rows, left_out;
    json::object out{{"accounts", how.accounts}};
    for (const auto connections : how.connections)
        if (!machine_can(how, connections)) {
            step(fmt::format("verify: left out {} connections: RLIMIT_NOFILE is {}", connections,
                             how.open_files));
            left_out.emplace_back(connections);
        }
    for (const auto* durability : {"everysec", "always"}) {
        step(fmt::format("verify: redis.durability {}", durability));
        product server(how, {{"redis.durability", durability}});
        const ceiling_process top;
        // The last fifth is for the codes of other kinds.
        const auto usual = how.accounts * 8 / 10, other = how.accounts / 10;
        const auto imports = server.import(0, how.accounts);
        out[std::string("imports_per_s_") + durability] = rounded(imports);
        code_supply supply(0, usual);
        warm_up(server, supply);
        std::vector<pair_figures> figures(how.connections.size());
        for (int round = 0; round < how.rounds; ++round)
            for (std::size_t at = 0; at < figures.size(); ++at)
                if (machine_can(how, how.connections[at]))
                    figures[at].run(how, top, server, supply, how.connections[at]);
        for (std::size_t at = 0; at < figures.size(); ++at) {
            if (figures[at].ratio.empty()) continue;
            auto row = figures[at].json();
            row["durability"] = durability;
            row["kind"] = "totp";
            row["connections"] = how.connections[at];
            const bool usual_row =
                how.connections[at] == usual_connections || how.connections.size() == 1;
            if (usual_row && durability == std::string_view("everysec")) {
                out["ratio_to_ceiling"] = rounded(figures[at].ratio.median());
                out["rate_per_s"] = rounded(figures[at].verify.rate.median());
                out["ceiling_per_s"] = rounded(figures[at].ceiling.rate.median());
            }
            rows.push_back(std::move(row));
        }
        for (const auto kind : {code_kind::wrong, code_kind::backup}) {
            auto row = run_other_codes(how, server, kind,
                                       kind == code_kind::wrong ? usual : usual + other, other);
            row["durability"] = durability;
            row["kind"] = kind == code_kind::wrong ? "wrong" : "backup";
            row["connections"] = usual_connections;
            rows.push_back(std::move(row));
        }
    }
    out["rows"] = std::move(rows);
    if (!left_out.empty()) out["left_out_connections"] = std::move(left_out);
    return out;
}

json::object run_cores(const options& how) {
    struct setup {
        std::size_t threads = 0;
        std::optional<product> server;
        std::optional<ceiling_process> top;
        std::optional<code_supply> supply;
        pair_figures figures;
    };
    const auto accounts = std::min<std::size_t>(how.accounts, 100'000);
    std::array<setup, 2> setups;
    setups[0].threads = 1;
    setups[1].threads = 2;
    for (auto& one : setups) {
        step(fmt::format("cores: a server with {} thread(s)", one.threads));
        one.server.emplace(how, tests::server_settings{{"threads", std::to_string(one.threads)}});
        one.top.emplace(one.threads);
        one.supply.emplace(0, accounts);
        one.server->import(0, accounts);
        if (one.threads == 1) { // Redis and the load have the other one to themselves, or may
            pin_to_processor(one.server->server().process(), 0);
            pin_to_processor(one.top->process(), 0);
        }
        warm_up(*one.server, *one.supply);
    }
    for (int round = 0; round < how.rounds; ++round)
        for (auto& one : setups)
            one.figures.run(how, *one.top, *one.server, *one.supply, usual_connections);
    json::array rows;
    for (auto& one : setups) {
        auto row = one.figures.json();
        row["threads"] = one.threads;
        rows.push_back(std::move(row));
    }
    return {{"connections", usual_connections}, {"rows", std::move(rows)}};
}

namespace {

// What memory a process holds while this object lives.
class memory_watch {
public:
    explicit memory_watch(pid_t process)
        : thread_([this, process] {
              while (!ended_) {
                  seen_.push_back(static_cast<double>(resident_bytes(process)));
                  std::this_thread::sleep_for(std::chrono::milliseconds(20));
              }
          }) {}
    ~memory_watch() { (void)end(); }
    memory_watch(const memory_watch&) = delete;
    memory_watch& operator=(const memory_watch&) = delete;
    // In the order of time.
    const std::vector<double>& end() {
        ended_ = true;
        if (thread_.joinable()) thread_.join();
        return seen_;
    }

private:
    std::atomic<bool> ended_{false};
    std::vector<double> seen_;
    std::thread thread_;
};

constexpr double mebibyte = 1024.0 * 1024.0;

} // namespace

json::object run_overload(const options& how) {
    // More than the server works on at once (net::admission_limits, 1,024 for each thread).
    constexpr std::size_t many = 12'000;
    const auto connections = machine_can(how, many) ? many : std::size_t{512};
    product server(how, {{"redis.durability", "everysec"}});
    const auto accounts = std::max<std::size_t>(how.accounts, 1'000);
    server.import(0, accounts);
    code_supply supply(0, accounts);
    warm_up(server, supply);
    struct point {
        double factor = 0;
        load_figures figures{product::process_names()};
        series offered, memory_mib, late_growth, unsent_share, refused_share,
            refused_with_retry_after;
    };
    std::array<point, 3> points;
    points[0].factor = 0.5;
    points[1].factor = 1;
    points[2].factor = 3;
    series saturated;
    for (int round = 0; round < how.rounds; ++round) {
        const auto at_most = saturation(how, server, supply, 256);
        saturated.add(at_most);
        step(fmt::format("overload: saturated at {:.0f}/s", at_most));
        for (auto& one : points) {
            memory_watch memory(server.server().process());
            const auto result = server.verify(supply, {.connections = connections,
                                                       .duration = span_of(2 * how.seconds),
                                                       .rate_per_s = at_most * one.factor});
            const auto due = static_cast<double>(result.sent + result.unsent);
            const auto replies = static_cast<double>(std::max<std::uint64_t>(result.replies, 1));
            const auto refused = result.statuses.contains(503) ? result.statuses.at(503) : 0;
            one.figures.add(result);
            one.offered.add(due / result.seconds);
            one.unsent_share.add(static_cast<double>(result.unsent) / due);
            one.refused_share.add(static_cast<double>(refused) / replies);
            if (refused > 0)
                one.refused_with_retry_after.add(static_cast<double>(result.retry_after) /
                                                 static_cast<double>(refused));
            const auto& bytes = memory.end();
            const auto third = bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 3);
            const auto most = std::max_element(bytes.begin(), bytes.end());
            one.memory_mib.add(*most / mebibyte);
            one.late_growth.add(*most / std::max(*std::max_element(bytes.begin(), third + 1), 1.0) -
                                1);
            step(fmt::format(
                "  {}x: {:.0f}/s offered, {:.0f}/s verified, p99 {:.0f} ms, {} refused, "
                "{:.0f} % could not be sent",
                one.factor, due / result.seconds, result.rate(), result.latency.quantile_ms(0.99),
                refused, 100 * static_cast<double>(result.unsent) / due));
        }
    }
    json::array rows;
    for (const auto& one : points) {
        auto row = one.figures.json();
        row["factor"] = one.factor;
        row["offered_per_s"] = one.offered.json();
        row["unsent_share"] = one.unsent_share.json();
        row["refused_share"] = one.refused_share.json();
        row["refused_with_retry_after"] = one.refused_with_retry_after.json();
        row["server_memory_mib"] = one.memory_mib.json();
        row["memory_growth_after_a_third"] = one.late_growth.json();
        row["goodput_ratio"] = rounded(one.figures.rate.median() / saturated.median());
        rows.push_back(std::move(row));
    }
    return {{"connections", connections},
            {"saturation_per_s", saturated.json()},
            {"rows", std::move(rows)}};
}

namespace {

// Password logins of addresses that nobody has: the server checks a password all the same, so that
// nobody learns who is registered. Each is another's, since a few misses make an address wait.
class password_storm {
public:
    password_storm(std::uint16_t port, std::size_t connections, double seconds)
        : thread_([this, port, connections, seconds] {
              logins source;
              result_ = run_load({.port = port,
                                  .connections = connections,
                                  .duration = span_of(seconds),
                                  .drain = std::chrono::seconds(10)},
                                 source);
          }) {}
    load_result end() {
        thread_.join();
        return std::move(result_);
    }

private:
    struct logins : request_source {
        std::string_view next() override {
            static std::atomic<std::uint64_t> stranger{0};
            const auto body = fmt::format(
                R"({{"email":"nobody{}@example.org","password":"Wrong-Horse-7"}})", ++stranger);
            bytes = fmt::format("POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\n"
                                "Content-Type: application/json\r\n"
                                "Content-Length: {}\r\n\r\n{}",
                                body.size(), body);
            return bytes;
        }
        bool accepts(unsigned status, std::string_view) override { return status == 401; }
        std::string bytes;
    };
    load_result result_;
    std::thread thread_;
};

} // namespace

json::object run_storm(const options& how) {
    constexpr std::size_t storming = 64;
    constexpr double ahead_s = 0.5; // the storm is there before the measurement, and after it
    product server(how);
    const auto accounts = how.accounts;
    server.import(0, accounts);
    code_supply supply(0, accounts);
    warm_up(server, supply);
    load_figures calm(product::process_names()), stormy(product::process_names());
    series saturated, logins, refused, p99_ratio;
    for (int round = 0; round < how.rounds; ++round) {
        const auto most = saturation(how, server, supply, usual_connections);
        saturated.add(most);
        const load_options half{
            .connections = 256, .duration = span_of(how.seconds), .rate_per_s = most / 2};
        const auto without = server.verify(supply, half);
        password_storm storm(server.port(), storming, how.seconds + 4 * ahead_s);
        std::this_thread::sleep_for(span_of(ahead_s));
        const auto with = server.verify(supply, half);
        const auto stormed = storm.end();
        calm.add(without);
        stormy.add(with);
        logins.add(stormed.rate());
        refused.add(static_cast<double>(stormed.bad()) / stormed.seconds);
        p99_ratio.add(with.latency.quantile_ms(0.99) /
                      std::max(without.latency.quantile_ms(0.99), 0.001));
        step(fmt::format("storm: {:.0f}/s due: p99 {:.1f} ms calm, {:.1f} ms with {:.0f} password "
                         "checks/s; {} and {} failed",
                         half.rate_per_s, without.latency.quantile_ms(0.99),
                         with.latency.quantile_ms(0.99), stormed.rate(), without.bad(),
                         with.bad()));
    }
    return {{"saturation_per_s", saturated.json()},
            {"calm", calm.json()},
            {"storm", stormy.json()},
            {"password_checks_per_s", logins.json()},
            {"logins_refused_per_s", refused.json()},
            {"p99_storm_to_calm", p99_ratio.json()}};
}

} // namespace countersign::bench
