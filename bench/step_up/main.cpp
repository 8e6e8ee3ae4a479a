// step_up_benchmark: the TOTP step-up on its real path against the bare Beast ceiling, in turn, in
// one run. Prints rates, latencies and the ratio.
#include "bench/ceiling.hpp"
#include "bench/load.hpp"
#include "bench/step_up/population.hpp"
#include "tests/support/server_process.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <thread>

namespace countersign::bench {

namespace {

struct options {
    std::string program;
    std::string durability = "always";
    std::string record;
    std::size_t connections = 256;
    std::size_t threads = 2;
    std::size_t accounts = 60'000;
    int seconds = 3;
    int rounds = 3; // at most three TOTP steps are open at a time
    double at_least = 0;
};

// About what a step-up is answered with.
constexpr std::size_t reply_body_size = 420;
constexpr const char* audience = "http://localhost:8080";

// Each request once.
class each_once : public request_source {
public:
    explicit each_once(const std::vector<std::string>& requests) : requests_(requests) {}
    std::string_view next() override {
        return used_ < requests_.size() ? std::string_view(requests_[used_++]) : std::string_view();
    }

private:
    const std::vector<std::string>& requests_;
    std::size_t used_ = 0;
};

std::string ceiling_request() {
    const std::string body = "{\"totp\":\"123456\"}";
    return "POST /api/auth/2fa/step-up HTTP/1.1\r\nHost: localhost\r\n"
           "Content-Type: application/json\r\nAuthorization: Bearer " +
           std::string(380, 'a') +
           "\r\nX-Two-Factor-Authentication-Token: " + std::string(330, 'b') +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void print(const char* name, const load_result& result) {
    std::printf("%-8s %9.0f requests/s   p50 %7.2f ms   p99 %7.2f ms   %zu replies, %zu failures\n",
                name, result.rate(), result.latency.quantile_ms(0.50),
                result.latency.quantile_ms(0.99), static_cast<std::size_t>(result.replies),
                static_cast<std::size_t>(result.bad()));
    if (result.bad() > 0) std::printf("first failure: %s\n", result.first_bad.c_str());
    std::fflush(stdout);
}

template <typename T>
T median(std::vector<T> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

struct figures {
    std::vector<double> ceiling, step_up, ratio, p50_ms, p99_ms, cpu_us;
    std::size_t requests = 0, failures = 0;
};

// The codes of a round must stay good until it ends: no TOTP period may end before that.
void wait_for_room(int seconds) {
    constexpr auto period = std::chrono::seconds(30);
    const auto preparation = std::chrono::seconds(2);
    const auto into = std::chrono::system_clock::now().time_since_epoch() % period;
    if (into + std::chrono::seconds(seconds) + preparation > period)
        std::this_thread::sleep_for(period - into);
}

figures measure(const options& how) {
    const load_options load{.connections = how.connections,
                            .duration = std::chrono::seconds(how.seconds)};
    tests::server_process server(how.program, {{"log.level", "warn"},
                                               {"redis.durability", how.durability},
                                               {"threads", std::to_string(how.threads)}});
    std::printf("writing %zu accounts ...\n", how.accounts);
    std::fflush(stdout);
    population people(server.data_dir() / "data", audience, how.accounts, how.rounds);

    figures out;
    for (int round = 0; round < how.rounds; ++round) {
        auto at_ceiling = load;
        load_result top;
        {
            const ceiling beast(how.threads, reply_body_size);
            at_ceiling.port = beast.port();
            one_request bare(ceiling_request());
            top = run_load(at_ceiling, bare);
        }
        wait_for_room(how.seconds);
        const auto requests = people.step_ups(round);
        auto at_server = load;
        at_server.port = server.port();
        at_server.watched = {server.process()};
        each_once step_ups(requests);
        const auto real = run_load(at_server, step_ups);

        print("ceiling", top);
        print("step-up", real);
        out.ceiling.push_back(top.rate());
        out.step_up.push_back(real.rate());
        out.ratio.push_back(real.rate() / top.rate());
        out.p50_ms.push_back(real.latency.quantile_ms(0.50));
        out.p99_ms.push_back(real.latency.quantile_ms(0.99));
        out.cpu_us.push_back(real.each_us(real.watched_cpu_s[0]));
        out.requests += real.replies;
        out.failures += real.bad() + top.bad();
    }
    return out;
}

int report(const options& how, const figures& seen) {
    const auto ratio = median(seen.ratio);
    std::printf("median of %d rounds, %zu connections, appendfsync %s:\n"
                "  ceiling %.0f/s, step-up %.0f/s, ratio %.2f, p50 %.2f ms, p99 %.2f ms, "
                "%.1f us of server CPU each\n",
                how.rounds, how.connections, how.durability.c_str(), median(seen.ceiling),
                median(seen.step_up), ratio, median(seen.p50_ms), median(seen.p99_ms),
                median(seen.cpu_us));
    if (!how.record.empty()) {
        const boost::json::object line{{"benchmark", "step_up"},
                                       {"durability", how.durability},
                                       {"connections", how.connections},
                                       {"ceiling_per_s", median(seen.ceiling)},
                                       {"step_up_per_s", median(seen.step_up)},
                                       {"ratio", ratio},
                                       {"p50_ms", median(seen.p50_ms)},
                                       {"p99_ms", median(seen.p99_ms)},
                                       {"server_cpu_us", median(seen.cpu_us)}};
        std::ofstream(how.record, std::ios::app) << boost::json::serialize(line) << '\n';
    }
    // One code in a million is also that of a neighbouring step, which uses up that account's next
    // codes: a few refusals are right.
    if (seen.failures > seen.requests / 10'000) {
        std::printf("%zu requests failed: the figures do not count\n", seen.failures);
        return 1;
    }
    if (ratio < how.at_least) {
        std::printf("the ratio is below %.2f\n", how.at_least);
        return 1;
    }
    return 0;
}

int run(int argc, char** argv) {
    options how;
    how.program = (std::filesystem::path(argv[0]).parent_path() / "countersign").string();
    CLI::App line("TOTP step-up on the real path against a bare Beast server, in one run");
    line.add_option("--program", how.program, "the countersign binary");
    line.add_option("--durability", how.durability, "always or everysec")
        ->check(CLI::IsMember({"always", "everysec"}));
    line.add_option("--connections", how.connections)->check(CLI::Range(1, 10'000));
    line.add_option("--threads", how.threads, "of each server")->check(CLI::Range(1, 64));
    line.add_option("--accounts", how.accounts, "step-ups of one round at most")
        ->check(CLI::Range(1, 1'000'000));
    line.add_option("--seconds", how.seconds, "of each measurement at most")
        ->check(CLI::Range(1, 8));
    line.add_option("--rounds", how.rounds)->check(CLI::Range(1, 3));
    line.add_option("--record", how.record, "append one line of JSON to this file");
    line.add_option("--at-least", how.at_least, "fail below this ratio");
    CLI11_PARSE(line, argc, argv);
    return report(how, measure(how));
}

} // namespace

} // namespace countersign::bench

int main(int argc, char** argv) {
    try {
        return countersign::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "step_up_benchmark: %s\n", error.what());
        return 1;
    }
}
