// countersign_bench: runs scenarios against servers that it starts itself, and writes what it
// measured. scripts/bench builds it and calls it; see bench/README.md.
#include "bench/report.hpp"
#include "bench/scenario.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sys/utsname.h>
#include <thread>

namespace countersign::bench {

namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

struct named_scenario {
    std::string_view name;
    json::object (*run)(const options&);
};
constexpr std::array<named_scenario, 11> scenarios{{{"ceiling", run_ceiling},
                                                    {"verify", run_verify},
                                                    {"cores", run_cores},
                                                    {"cluster", run_cluster},
                                                    {"growth", run_growth},
                                                    {"overload", run_overload},
                                                    {"storm", run_storm},
                                                    {"churn", run_churn},
                                                    {"idle", run_idle},
                                                    {"peer", run_peer},
                                                    {"step_up", run_step_up}}};

// Above it, others used the machine when a scenario began.
constexpr double shared_above = 0.08;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

json::object describe_machine() {
    std::ifstream file("/proc/cpuinfo");
    std::string processor = "processor unknown";
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) processor = line.substr(line.find(": ") + 2);
    utsname system{};
    ::uname(&system);
    return {{"processor", processor},
            {"processors", std::thread::hardware_concurrency()},
            {"kernel", std::string(system.release)}};
}

std::string today() {
    const auto now = std::time(nullptr);
    return fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
}

// One JSON value to a member, members on lines of their own: differences stay readable.
std::string spread_out(const json::object& results) {
    std::string text = "{\n";
    for (const auto& member : results) {
        if (text.size() > 2) text += ",\n";
        text += json::serialize(member.key()) + ": " + json::serialize(member.value());
    }
    return text + "\n}\n";
}

struct request_of_user {
    options how;
    std::vector<std::string> names;
    fs::path results;
    bool quick = false, as_json = false, write_docs = false, report_only = false;
    std::size_t ceiling_threads = 0; // not 0: be a ceiling
};

void make_quick(request_of_user& user, const CLI::App& line) {
    auto& how = user.how;
    const auto given = [&](const char* name) { return line.count(name) > 0; };
    if (!given("--seconds")) how.seconds = 1;
    if (!given("--rounds")) how.rounds = 1;
    if (!given("--accounts")) how.accounts = 20'000;
    if (!given("--connections")) how.connections = {64};
    if (!given("--growth")) how.growth = {1'000, 20'000};
    if (!given("--idle-connections")) how.idle_connections = 1'000;
    if (!given("--results")) user.results = how.source / "build/bench-results";
}

// What it measured, or why it could not. A scenario that fails does not end the others.
json::object run_one(const named_scenario& one, const options& how, bool& failed) {
    const auto others = machine_load(0.5);
    step(fmt::format("=== {} ({:.0f} % of the machine was in use)", one.name, 100 * others));
    json::object out;
    try {
        out = one.run(how);
    } catch (const skipped& why) {
        step(fmt::format("{}: skipped: {}", one.name, why.what()));
        out = {{"skipped", why.what()}};
    } catch (const std::exception& error) {
        if (loads_interrupted()) throw;
        std::fprintf(stderr, "bench: %s failed: %s\n", std::string(one.name).c_str(), error.what());
        out = {{"skipped", std::string("failed: ") + error.what()}};
        failed = true;
    }
    out["date"] = today();
    out["seconds"] = how.seconds;
    out["rounds"] = how.rounds;
    out["machine_shared"] = others > shared_above;
    return out;
}

void write_reports(const request_of_user& user, const json::object& results) {
    fs::create_directories(user.results);
    write_file(user.results / "results.json", spread_out(results));
    write_file(user.results / "results.md",
               "# Results\n\nWritten by `scripts/bench`.\n\n" + markdown(results, ""));
    for (const auto& [name, svg] : draw_plots(results))
        write_file(user.results / name, svg);
    if (!user.write_docs) return;
    const auto document = user.how.source / "docs/performance.md";
    const auto plots = fs::relative(user.results, document.parent_path()).string() + "/";
    write_file(document, replace_generated(read_file(document), markdown(results, plots)));
}

json::object earlier_results(const fs::path& folder) {
    boost::system::error_code error;
    auto value = json::parse(read_file(folder / "results.json"), error);
    return !error && value.is_object() ? value.get_object() : json::object();
}

int measure(const request_of_user& user) {
    json::object results, measured;
    bool failed = false;
    results = earlier_results(user.results);
    if (!user.report_only) {
        results["machine"] = measured["machine"] = describe_machine();
        for (const auto& one : scenarios) {
            if (std::ranges::find(user.names, one.name) == user.names.end()) continue;
            results[one.name] = measured[one.name] = run_one(one, user.how, failed);
            write_reports(user, results); // what comes may be interrupted
        }
    }
    if (user.report_only) write_reports(user, results);
    step("wrote " + (user.results / "results.md").string() +
         (user.write_docs ? " and the generated section of docs/performance.md" : ""));
    if (user.as_json) std::printf("%s", spread_out(measured).c_str());
    return failed ? 1 : 0;
}

void end_loads(int) {
    interrupt_loads();
}

int run(int argc, char** argv) {
    request_of_user user;
    auto& how = user.how;
    const auto here = fs::canonical("/proc/self/exe").parent_path();
    how.program = here / "countersign";
    how.source = COUNTERSIGN_SOURCE_DIR;
    user.results = how.source / "bench/results";
    for (const auto& one : scenarios)
        user.names.emplace_back(one.name);
    const auto known = user.names;

    CLI::App line("Measures Countersign against what the machine can do, and against a peer");
    line.add_option("--scenarios", user.names, "which, separated by commas; all of them by default")
        ->delimiter(',')
        ->check(CLI::IsMember(known));
    line.add_option("--seconds", how.seconds, "of each measurement")->check(CLI::Range(0.2, 20.0));
    line.add_option("--rounds", how.rounds, "of each measurement; medians are reported")
        ->check(CLI::Range(1, 20));
    line.add_option("--accounts", how.accounts, "that verify, storm, overload, peer use")
        ->check(CLI::Range(1'000, 2'000'000));
    line.add_option("--connections", how.connections, "of verify, separated by commas")
        ->delimiter(',')
        ->check(CLI::Range(1, 50'000));
    line.add_option("--growth", how.growth, "numbers of accounts, ascending")
        ->delimiter(',')
        ->check(CLI::Range(100, 5'000'000));
    line.add_option("--idle-connections", how.idle_connections)->check(CLI::Range(10, 60'000));
    line.add_option("--results", user.results, "the folder for JSON, Markdown and plots");
    line.add_option("--program", how.program, "the countersign binary");
    line.add_option("--peer-modules", how.peer_modules, "where the peer is installed");
    line.add_flag("--quick", user.quick,
                  "small sizes, one round; results go to build/bench-results");
    line.add_flag("--json", user.as_json, "print what was measured as one JSON object");
    line.add_flag("--write-docs", user.write_docs,
                  "rewrite the generated section of docs/performance.md");
    line.add_flag("--report-only", user.report_only, "measure nothing; write the reports again");
    line.add_option("--serve-ceiling", user.ceiling_threads)->group("");
    CLI11_PARSE(line, argc, argv);
    if (user.ceiling_threads > 0) return serve_ceiling(user.ceiling_threads);

    if (user.quick) make_quick(user, line);
    std::ranges::sort(how.growth);
    how.program = fs::absolute(how.program);
    if (fs::exists(how.program.parent_path() / "step_up_benchmark"))
        how.step_up_benchmark = how.program.parent_path() / "step_up_benchmark";
    how.open_files = raise_open_files();
    for (const auto which : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action{};
        action.sa_handler = end_loads;
        ::sigaction(which, &action, nullptr);
    }
    return measure(user);
}

} // namespace

} // namespace countersign::bench

int main(int argc, char** argv) {
    try {
        return countersign::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "countersign_bench: %s\n", error.what());
        return 1;
    }
}
