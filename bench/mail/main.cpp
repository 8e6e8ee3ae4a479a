// mail_benchmark: how many mails a second leave for a relay on this machine, from changes that are
// committed already; and how long after its change a mail is there, at a constant rate of changes.
#include "bench/mail/smtp_ceiling.hpp"
#include "bench/mail/stage.hpp"
#include "bench/processes.hpp"
#include "tests/support/load_sink.hpp"
#include "tests/support/steady_load.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace countersign::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct options {
    std::string program;
    std::string record;
    int rounds = 3;
    int workers = 8;
    std::size_t backlog = 20'000;
    double changes_per_s = 100;
    int seconds = 20;
    bool quick = false;
};

// The subjects outnumber the changes of one latency measurement: one change each.
constexpr std::size_t subject_count = 4'000;
constexpr double committing_per_s = 4'000;
constexpr std::size_t connections = 64;
constexpr milliseconds ceiling_duration{2'000};
constexpr std::chrono::seconds backlog_patience{300};
constexpr std::chrono::seconds mail_patience{30};

double seconds_between(clock::time_point begin, clock::time_point end) {
    return std::chrono::duration<double>(end - begin).count();
}

double milliseconds_between(clock::time_point begin, clock::time_point end) {
    return 1e3 * seconds_between(begin, end);
}

// Processor time by process, in seconds.
struct processor_times {
    double server, notifier, redis, sink;
};

struct figures {
    std::vector<double> ceiling_per_s, mails_per_s, p50_ms, p99_ms, after_reply_p50_ms,
        after_reply_p99_ms;
    // Microseconds of processor time for a mail of the backlog.
    std::vector<double> notifier_us, redis_us, sink_us;
};

class benchmark {
public:
    explicit benchmark(const options& how)
        : how_(how), server_(how.program, {{"log.level", "warn"},
                                           {"mail.notifier", "false"},
                                           {"mail.outbox_max", "1000000"},
                                           {"policy.email_factor_by_default", "false"}}),
          subjects_(how.program, server_, subject_count), redis_(server_.redis_process()) {}

    figures run() {
        for (int round = 0; round < how_.rounds; ++round) {
            drain_backlog();
            measure_ceiling();
            measure_latency();
            notifier_.reset();
        }
        return std::move(seen_);
    }

private:
    [[nodiscard]] processor_times times() const {
        return {.server = server_.processor_seconds(),
                .notifier = processor_seconds(notifier_->process()),
                .redis = processor_seconds(redis_),
                .sink = sink_.processor_seconds()};
    }

    std::vector<tests::timed_request> change(double per_second, std::size_t count) {
        auto done = tests::run_steady_load(
            {.port = server_.port(), .per_second = per_second, .connections = connections},
            subjects_.changes(count));
        for (const auto& one : done)
            if (one.status != 200)
                throw std::runtime_error("a change was answered with " +
                                         std::to_string(one.status));
        return done;
    }

    void wait_for(std::size_t count, std::chrono::seconds patience) {
        if (!sink_.wait_for(count, patience))
            throw std::runtime_error("only " + std::to_string(sink_.count()) + " mails of " +
                                     std::to_string(count) + " came");
    }

    // From the first mail to the last, so the notifier's start does not count.
    void drain_backlog() {
        (void)change(committing_per_s, how_.backlog);
        (void)sink_.take_mails();
        const auto before = sink_.count();
        notifier_.emplace(notify_command(how_.program, server_, sink_.url(), how_.workers));
        wait_for(before + 1, backlog_patience);
        const auto begun = times();
        const auto head = sink_.count() - before;
        wait_for(before + how_.backlog, backlog_patience);
        const auto ended = times();
        const auto mails = sink_.take_mails();
        message_ = mails.back().data;
        seen_.mails_per_s.push_back(static_cast<double>(mails.size() - 1) /
                                    seconds_between(mails.front().arrived, mails.back().arrived));
        const double per_mail = 1e6 / static_cast<double>(how_.backlog - head);
        seen_.notifier_us.push_back((ended.notifier - begun.notifier) * per_mail);
        seen_.redis_us.push_back((ended.redis - begun.redis) * per_mail);
        seen_.sink_us.push_back((ended.sink - begun.sink) * per_mail);
        std::printf("backlog  %8.0f mails/s   CPU for a mail: notifier %.0f us, redis %.0f us, "
                    "sink %.0f us\n",
                    seen_.mails_per_s.back(), seen_.notifier_us.back(), seen_.redis_us.back(),
                    seen_.sink_us.back());
    }

    void measure_ceiling() {
        tests::load_sink bare;
        seen_.ceiling_per_s.push_back(measure_smtp_ceiling(
            bare.port(), static_cast<std::size_t>(how_.workers), message_, ceiling_duration));
        std::printf("sink     %8.0f mails/s   of %zu bytes from clients that do nothing else\n",
                    seen_.ceiling_per_s.back(), message_.size());
    }

    void measure_latency() {
        const auto count = static_cast<std::size_t>(how_.changes_per_s * how_.seconds);
        (void)sink_.take_mails();
        const auto before = sink_.count();
        const auto done = change(how_.changes_per_s, count);
        wait_for(before + count, mail_patience);
        std::map<std::string, clock::time_point> arrived;
        for (const auto& mail : sink_.take_mails())
            arrived[mail.to] = mail.arrived;
        std::vector<double> from_due, from_reply;
        for (std::size_t index = 0; index < count; ++index) {
            const auto mail = arrived.at(subjects_.recipient_of(index));
            from_due.push_back(milliseconds_between(done[index].due, mail));
            from_reply.push_back(milliseconds_between(done[index].replied, mail));
        }
        seen_.p50_ms.push_back(tests::percentile(from_due, 0.50));
        seen_.p99_ms.push_back(tests::percentile(from_due, 0.99));
        seen_.after_reply_p50_ms.push_back(tests::percentile(from_reply, 0.50));
        seen_.after_reply_p99_ms.push_back(tests::percentile(from_reply, 0.99));
        std::printf("latency  %.0f changes/s: request to mail p50 %.1f ms, p99 %.1f ms; reply to "
                    "mail p50 %.1f ms, p99 %.1f ms\n",
                    how_.changes_per_s, seen_.p50_ms.back(), seen_.p99_ms.back(),
                    seen_.after_reply_p50_ms.back(), seen_.after_reply_p99_ms.back());
    }

    const options& how_;
    tests::load_sink sink_;
    tests::server_process server_;
    subjects subjects_;
    pid_t redis_;
    std::optional<child_process> notifier_;
    std::string message_; // one that was mailed
    figures seen_;
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void print(const char* what, const std::vector<double>& values) {
    const auto [least, most] = std::ranges::minmax(values);
    std::printf("  %-34s %9.1f   (%.1f to %.1f)\n", what, median(values), least, most);
}

double load_average() {
    double average = 0;
    return ::getloadavg(&average, 1) == 1 ? average : -1;
}

int report(const options& how, double load_before, const figures& seen) {
    std::printf("median of %d rounds (least to most), %d workers, %zu mails; load average before: "
                "%.2f\n",
                how.rounds, how.workers, how.backlog, load_before);
    print("mails/s from a backlog", seen.mails_per_s);
    print("mails/s that the sink can take", seen.ceiling_per_s);
    print("notifier CPU for a mail, us", seen.notifier_us);
    print("Redis CPU for a mail, us", seen.redis_us);
    print("sink CPU for a mail, us", seen.sink_us);
    print("request to mail, p50 ms", seen.p50_ms);
    print("request to mail, p99 ms", seen.p99_ms);
    print("reply to mail, p50 ms", seen.after_reply_p50_ms);
    print("reply to mail, p99 ms", seen.after_reply_p99_ms);
    if (how.record.empty()) return 0;
    const boost::json::object line{{"benchmark", "mail"},
                                   {"workers", how.workers},
                                   {"rounds", how.rounds},
                                   {"backlog", how.backlog},
                                   {"changes_per_s", how.changes_per_s},
                                   {"load_before", load_before},
                                   {"mails_per_s", median(seen.mails_per_s)},
                                   {"sink_per_s", median(seen.ceiling_per_s)},
                                   {"notifier_us", median(seen.notifier_us)},
                                   {"redis_us", median(seen.redis_us)},
                                   {"p50_ms", median(seen.p50_ms)},
                                   {"p99_ms", median(seen.p99_ms)}};
    std::ofstream(how.record, std::ios::app) << boost::json::serialize(line) << '\n';
    return 0;
}

int run(int argc, char** argv) {
    options how;
    CLI::App line("Measures mails: how many a second, and how soon after their change.");
    line.add_option("program", how.program, "the countersign binary")
        ->required()
        ->check(CLI::ExistingFile);
    line.add_option("--rounds", how.rounds)->check(CLI::Range(1, 20));
    line.add_option("--workers", how.workers, "mail.workers")->check(CLI::Range(1, 64));
    line.add_option("--backlog", how.backlog, "mails of one round")
        ->check(CLI::Range(100, 200'000));
    line.add_option("--changes", how.changes_per_s, "a second, where latency is measured")
        ->check(CLI::Range(1, 1'000));
    line.add_option("--seconds", how.seconds, "of each measurement of latency")
        ->check(CLI::Range(1, 60));
    line.add_flag("--quick", how.quick, "one round of a few seconds");
    line.add_option("--record", how.record, "append one line of JSON to this file");
    CLI11_PARSE(line, argc, argv);
    if (how.quick) {
        how.rounds = 1;
        how.backlog = std::min<std::size_t>(how.backlog, 4'000);
        how.seconds = std::min(how.seconds, 5);
    }
    if (how.changes_per_s * how.seconds > static_cast<double>(subject_count))
        throw std::runtime_error("--changes times --seconds must be at most " +
                                 std::to_string(subject_count));
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const auto load_before = load_average();
    return report(how, load_before, benchmark(how).run());
}

} // namespace

} // namespace countersign::bench

int main(int argc, char** argv) {
    try {
        return countersign::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mail_benchmark: %s\n", error.what());
        return 1;
    }
}
