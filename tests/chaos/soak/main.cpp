// countersign_soak: people change their accounts while the server, a notifier and Redis are killed
// with SIGKILL, round after round; then everything is counted. See docs/outbox.md.
#include "tests/chaos/soak/dweller.hpp"
#include "tests/chaos/soak/progress_line.hpp"
#include "tests/chaos/soak/stage.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace countersign::tests {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct options {
    std::string program;
    std::string redis = "managed";
    std::string json;
    std::string keep = "soak-" + std::to_string(::getpid());
    unsigned seed = std::random_device{}();
    int rounds = 1'000;
    int accounts = 24;
    int threads = 6;
};

constexpr std::chrono::seconds round_budget{5}; // on the average, or the run is given up
constexpr std::chrono::seconds extra_budget{120};
// Without another mail: what a dead notifier had is taken over after 120 s.
constexpr std::chrono::seconds drain_patience{150};
constexpr std::size_t mails_behind_max = 300; // then people wait for the mails
constexpr std::chrono::seconds stray_patience{2};
constexpr milliseconds aim_patience{600};
constexpr int faults_shown = 20;

volatile std::sig_atomic_t interrupted = 0;

// The people, over threads that end at a fault of the machinery.
class crowd {
public:
    crowd(soak_stage& stage, const options& how, const std::string& service_key) : stage_(stage) {
        for (int number = 0; number < how.accounts; ++number)
            people_.push_back(std::make_unique<dweller>(stage, number, service_key));
        for (int index = 0; index < how.threads; ++index)
            threads_.emplace_back(
                [this, index, &how](const std::stop_token& stop) { live(stop, index, how); });
    }
    ~crowd() { stop(); }
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;

    void stop() {
        for (auto& thread : threads_)
            thread.request_stop();
        threads_.clear();
    }
    [[nodiscard]] std::size_t change_count() const { return changes_; }
    // After stop(), with everything up.
    void settle() {
        for (auto& one : people_)
            one->settle();
    }
    [[nodiscard]] std::vector<watched_change> changes() const {
        std::vector<watched_change> all;
        for (const auto& one : people_)
            all.insert(all.end(), one->changes().begin(), one->changes().end());
        return all;
    }
    // The last look at the accounts, and all that went wrong.
    [[nodiscard]] std::vector<std::string> faults() {
        auto all = broken_;
        for (auto& one : people_) {
            one->check_nothing_changed_since();
            all.insert(all.end(), one->faults().begin(), one->faults().end());
        }
        return all;
    }
    [[nodiscard]] bool broken() {
        const std::lock_guard lock(mutex_);
        return !broken_.empty();
    }

private:
    void live(const std::stop_token& stop, int index, const options& how) {
        std::mt19937 random(how.seed + static_cast<unsigned>(index) + 1);
        try {
            while (!stop.stop_requested()) {
                const auto own = random() % static_cast<unsigned>(how.accounts / how.threads);
                auto& one = *people_[own * static_cast<unsigned>(how.threads) +
                                     static_cast<unsigned>(index)];
                while (mails_due_ > stage_.mails.count() + mails_behind_max &&
                       !stop.stop_requested())
                    std::this_thread::sleep_for(milliseconds(5));
                const auto before = one.changes().size();
                if (!one.act(random)) {
                    // What a killed server had sent is done by the time that the next one is ready.
                    std::this_thread::sleep_for(milliseconds(20));
                    while (!stage_.up() && !stop.stop_requested())
                        std::this_thread::sleep_for(milliseconds(5));
                    if (stage_.up()) one.settle();
                }
                changes_ += one.changes().size() - before;
                mails_due_ += static_cast<std::size_t>(
                    std::count_if(one.changes().begin() + static_cast<std::ptrdiff_t>(before),
                                  one.changes().end(), [](const watched_change& change) {
                                      return change.state == durable_state::made;
                                  }));
            }
        } catch (const std::exception& error) {
            const std::lock_guard lock(mutex_);
            broken_.emplace_back(error.what());
        }
    }

    soak_stage& stage_;
    std::vector<std::unique_ptr<dweller>> people_;
    std::atomic<std::size_t> changes_ = 0, mails_due_ = 0;
    std::mutex mutex_;
    std::vector<std::string> broken_;
    std::vector<std::jthread> threads_; // last
};

// One, two or all three of them, in any order.
std::vector<victim> draw_victims(std::mt19937& random) {
    std::vector<victim> all{victim::server, victim::notifier, victim::redis};
    std::ranges::shuffle(all, random);
    const auto dice = random() % 10;
    all.resize(dice < 6 ? 1 : dice < 9 ? 2 : 3);
    return all;
}

// Half of the kills come just after a mail was handed in, between the relay's 250 and settling if
// they are lucky, and the others at any time.
void wait_for_the_moment(const soak_stage& stage, std::mt19937& random) {
    std::this_thread::sleep_for(milliseconds(std::uniform_int_distribution(50, 500)(random)));
    const auto offset = std::chrono::microseconds(std::uniform_int_distribution(0, 4'000)(random));
    if (random() % 2 == 0) return;
    const auto& sink = random() % 2 == 0 ? stage.mails.of_server() : stage.mails.of_notifier();
    if (sink.wait_for(sink.count() + 1, aim_patience)) std::this_thread::sleep_for(offset);
}

struct outcome {
    chaos_history history;
    chaos_verdict verdict;
    int rounds = 0;
    double seconds = 0;
};

void drain(const soak_stage& stage, crowd& people, outcome& out, std::vector<std::string>& faults) {
    out.history.changes = people.changes();
    auto deadline = clock::now() + drain_patience;
    for (std::size_t count = 0;;) {
        if (const auto now = stage.mails.count(); now != count) {
            count = now;
            deadline = clock::now() + drain_patience;
        }
        auto seen = out.history;
        stage.mails.add_to(seen);
        const auto left = stage.outbox();
        if (left && left->waiting + left->later == 0 && mails_missing(seen) == 0) break;
        if (clock::now() > deadline) {
            faults.push_back("the outbox did not drain: " +
                             (left ? std::to_string(left->waiting) + " wait, " +
                                         std::to_string(left->later) + " wait for another try"
                                   : std::string("Redis does not answer")));
            break;
        }
        std::this_thread::sleep_for(milliseconds(200));
    }
    if (const auto left = stage.outbox(); left && left->dead > 0)
        faults.push_back(std::to_string(left->dead) + " dead letters");
    std::this_thread::sleep_for(stray_patience);
    const auto more = people.faults();
    faults.insert(faults.end(), more.begin(), more.end());
    stage.mails.add_to(out.history);
    out.history.kills = stage.kills();
}

outcome shake(soak_stage& stage, const options& how) {
    const auto begin = clock::now();
    const auto deadline = begin + how.rounds * round_budget + extra_budget;
    std::mt19937 random(how.seed);
    crowd people(stage, how, stage.make_service_key());
    progress_line progress(how.rounds);
    outcome out;
    std::vector<std::string> faults;
    for (; out.rounds < how.rounds && interrupted == 0; ++out.rounds) {
        progress.show(out.rounds, people.change_count(), stage.mails.count());
        stage.mend_notifier();
        wait_for_the_moment(stage, random);
        stage.kill(draw_victims(random));
        stage.restore(random);
        if (people.broken() || clock::now() > deadline) break;
    }
    progress.show(out.rounds, people.change_count(), stage.mails.count());
    if (interrupted != 0) faults.emplace_back("interrupted");
    if (clock::now() > deadline) faults.emplace_back("out of time");
    people.stop();
    people.settle();
    progress.say("draining");
    drain(stage, people, out, faults);
    out.verdict = judge_chaos(out.history);
    out.verdict.faults.insert(out.verdict.faults.begin(), faults.begin(), faults.end());
    out.seconds = std::chrono::duration<double>(clock::now() - begin).count();
    return out;
}

std::map<std::string, std::size_t> kills_by_kind(const outcome& out) {
    std::map<std::string, std::size_t> counts;
    for (const auto& kill : out.history.kills)
        ++counts[std::string(to_string(kill.who))];
    return counts;
}

boost::json::object summary(const options& how, const outcome& out) {
    boost::json::object kills;
    for (const auto& [kind, count] : kills_by_kind(out))
        kills[kind] = count;
    const auto& verdict = out.verdict;
    return {{"passed", verdict.faults.empty()},
            {"seed", how.seed},
            {"redis", how.redis},
            {"rounds", out.rounds},
            {"seconds", out.seconds},
            {"changes", out.history.changes.size()},
            {"acknowledged", verdict.acknowledged},
            {"made", verdict.made},
            {"made_without_answer", verdict.made_without_answer},
            {"not_made", verdict.not_made},
            {"kills", std::move(kills)},
            {"mails", out.history.mails.size()},
            {"duplicates_of_killed", verdict.duplicates_of_killed},
            {"duplicates_about_redis", verdict.duplicates_about_redis},
            {"faults", boost::json::array(verdict.faults.begin(), verdict.faults.end())}};
}

// Everything in the order of time, a line of JSON each.
void write_journal(const std::filesystem::path& file, const chaos_history& history) {
    const auto ms = [](moment when) {
        return std::chrono::duration_cast<milliseconds>(when.time_since_epoch()).count();
    };
    std::multimap<moment, boost::json::object> lines;
    for (const auto& kill : history.kills)
        lines.emplace(kill.at, boost::json::object{{"kill", to_string(kill.who)},
                                                   {"back_ms", ms(kill.back)}});
    for (const auto& mail : history.mails)
        lines.emplace(mail.arrived, boost::json::object{{"mail", mail.mark},
                                                        {"subject", mail.subject},
                                                        {"message_id", mail.message_id},
                                                        {"by", to_string(mail.by)},
                                                        {"connection", mail.connection}});
    for (const auto& end : history.ends)
        lines.emplace(end.at, boost::json::object{{"end", end.connection},
                                                  {"by", to_string(end.by)},
                                                  {"said_quit", end.said_quit}});
    std::ofstream out(file);
    for (auto& [when, line] : lines) {
        line["at_ms"] = ms(when);
        out << boost::json::serialize(line) << '\n';
    }
    for (const auto& change : history.changes)
        out << boost::json::serialize(
                   boost::json::object{{"change", change.mark},
                                       {"subject", change.subject},
                                       {"acknowledged", change.acknowledged},
                                       {"made", change.state == durable_state::made}})
            << '\n';
}

int report(const options& how, soak_stage& stage, const outcome& out) {
    const auto& verdict = out.verdict;
    std::printf("seed %u, %d rounds in %.0f s (%s Redis)\n", how.seed, out.rounds, out.seconds,
                how.redis.c_str());
    std::printf("changes  %zu: %zu acknowledged, %zu made, of these %zu without an answer, %zu not "
                "made\n",
                out.history.changes.size(), verdict.acknowledged, verdict.made,
                verdict.made_without_answer, verdict.not_made);
    std::printf("kills   ");
    for (const auto& [kind, count] : kills_by_kind(out))
        std::printf(" %s %zu", kind.c_str(), count);
    std::printf("\nmails    %zu: %zu second copies after a kill of their sender, %zu about a kill "
                "of Redis\n",
                out.history.mails.size(), verdict.duplicates_of_killed,
                verdict.duplicates_about_redis);
    if (!how.json.empty())
        std::ofstream(how.json) << boost::json::serialize(summary(how, out)) << '\n';
    if (verdict.faults.empty()) {
        std::printf("soak: PASSED\n");
        return 0;
    }
    for (std::size_t index = 0; index < verdict.faults.size() && index < faults_shown; ++index)
        std::printf("  %s\n", verdict.faults[index].c_str());
    stage.keep_data_in(how.keep);
    write_journal(std::filesystem::path(how.keep) / "journal.jsonl", out.history);
    std::printf("soak: FAILED with %zu faults; look at %s: journal.jsonl (all that happened), "
                "server/log, server/notify.log, server/data; --seed %u repeats the choices\n",
                verdict.faults.size(), std::filesystem::absolute(how.keep).c_str(), how.seed);
    return 1;
}

int run(int argc, char** argv) {
    options how;
    CLI::App line("Kills the server, a notifier and Redis over and over while accounts change, and "
                  "counts what became of changes and mails.");
    line.add_option("program", how.program, "the countersign binary")
        ->required()
        ->check(CLI::ExistingFile);
    line.add_option("--seed", how.seed, "repeats a run's choices, though not its timing");
    line.add_option("--rounds", how.rounds)->check(CLI::Range(1, 100'000));
    line.add_option("--redis", how.redis, "whose child it is")
        ->check(CLI::IsMember({"managed", "separate"}));
    line.add_option("--json", how.json, "write the figures to this file");
    line.add_option("--keep", how.keep, "where the data stays if the run fails");
    CLI11_PARSE(line, argc, argv);

    spdlog::set_level(spdlog::level::off); // of our own looks into a Redis that comes and goes
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::printf("soak: seed %u, %d rounds, %s Redis\n", how.seed, how.rounds, how.redis.c_str());
    soak_stage stage(how.program, how.redis == "managed" ? soak_stage::redis_kind::managed
                                                         : soak_stage::redis_kind::separate);
    try {
        return report(how, stage, shake(stage, how));
    } catch (const std::exception&) {
        stage.keep_data_in(how.keep);
        std::printf("the data and the logs stay in %s\n",
                    std::filesystem::absolute(how.keep).c_str());
        throw;
    }
}

} // namespace

} // namespace countersign::tests

int main(int argc, char** argv) {
    try {
        return countersign::tests::run(argc, argv);
    } catch (const std::exception& error) {
        std::printf("soak: FAILED: %s\n", error.what());
        return 1;
    }
}
