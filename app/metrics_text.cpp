#include "app/metrics_text.hpp"

#include "app/metrics_exposition.hpp"
#include "app/process_figures.hpp"
#include "store/outbox_entries.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace countersign::app {

namespace {

// The values of labels, in the order of the enumerations.
constexpr std::array status_classes{"2xx", "3xx", "4xx", "5xx"};
constexpr std::array overloads{"queue_full", "waited_too_long", "failed"};
constexpr std::array proofs{"password", "totp", "email", "backup_code", "any_code", "passkey"};
constexpr std::array outcomes{"verified", "wrong", "blocked"};
constexpr std::array dead_reasons{"refused", "tried_too_long", "unreadable", "ended_notifier"};
static_assert(status_classes.size() == net::request_counters::classes);
static_assert(overloads.size() == std::tuple_size_v<decltype(net::password_counters::refused)>);
static_assert(proofs.size() == net::shown_proofs && outcomes.size() == net::proof_outcomes);
static_assert(dead_reasons.size() == notify::dead_reasons);

double number(std::uint64_t count) {
    return static_cast<double>(count);
}

// The sum over all threads of what `part` picks from each.
template <typename Part>
double sum(const counted_parts& counted, Part part) {
    double all = 0;
    for (const auto& thread : counted.threads)
        all += static_cast<double>(part(*thread).value());
    return all;
}

void add_process(metrics_exposition& out) {
    out.begin_gauge("countersign_build_info", "Always 1; the version is a label.");
    out.add({{"version", COUNTERSIGN_VERSION}}, 1);
    const auto figures = read_process_figures();
    out.begin_gauge("process_start_time_seconds", "When the process started, in Unix time.");
    out.add({}, figures.start_time_seconds);
    out.begin_counter("process_cpu_seconds_total", "Processor time, user and system.");
    out.add({}, figures.processor_seconds);
    out.begin_gauge("process_resident_memory_bytes", "Resident memory.");
    out.add({}, number(figures.resident_bytes));
    out.begin_gauge("process_open_fds", "Open descriptors.");
    out.add({}, number(figures.open_descriptors));
    out.begin_gauge("process_max_fds", "Descriptors that may be open.");
    out.add({}, number(figures.descriptors_max));
}

void add_requests(metrics_exposition& out, const counted_parts& counted) {
    // Every thread has the same table; one that is still starting has none.
    std::vector<const net::request_counters*> open;
    for (const auto& thread : counted.threads)
        if (thread->requests.is_open()) open.push_back(&thread->requests);
    if (open.empty()) return;
    const auto& table = open.front()->labels();

    out.begin_counter("countersign_http_requests_total",
                      "Replies by route and class of the status.");
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
        const auto& label = table.rows[row];
        for (std::size_t place = 0; place < status_classes.size(); ++place) {
            std::uint64_t all = 0;
            for (const auto* thread : open)
                all += thread->count(row, place);
            out.add({{"family", table.families[label.family]},
                     {"method", label.method},
                     {"route", label.pattern},
                     {"status", status_classes[place]}},
                    number(all));
        }
    }
    out.begin_histogram("countersign_http_request_duration_seconds",
                        "From a request that is there as a whole to its reply.");
    for (std::size_t family = 0; family < table.families.size(); ++family) {
        std::vector<const core::duration_histogram*> parts;
        for (const auto* thread : open)
            parts.push_back(&thread->times(family));
        out.add({{"family", table.families[family]}}, parts);
    }
}

void add_connections(metrics_exposition& out, const counted_parts& counted) {
    using thread = net::thread_counters;
    out.begin_gauge("countersign_http_connections", "Open connections of clients.");
    out.add({}, sum(counted, [](const thread& of) -> auto& { return of.connections.open; }));
    out.begin_counter("countersign_http_connections_accepted_total", "Accepted connections.");
    out.add({}, sum(counted, [](const thread& of) -> auto& { return of.connections.accepted; }));
    out.begin_counter("countersign_http_accept_pauses_total",
                      "How often a thread stopped accepting connections for a while.");
    out.add({{"reason", "connections_max"}},
            sum(counted, [](const thread& of) -> auto& { return of.connections.at_the_cap; }));
    out.add({{"reason", "descriptors_or_memory"}}, sum(counted, [](const thread& of) -> auto& {
                return of.connections.out_of_resources;
            }));
}

void add_admission(metrics_exposition& out, const counted_parts& counted) {
    using thread = net::thread_counters;
    out.begin_gauge("countersign_http_requests_waiting", "Requests whose turn has not come.");
    out.add({}, sum(counted, [](const thread& of) -> auto& { return of.admission.waiting; }));
    out.begin_counter("countersign_http_requests_refused_total",
                      "Requests refused with 503 because their turn did not come in time.");
    out.add({}, sum(counted, [](const thread& of) -> auto& { return of.admission.refused; }));
}

void add_passwords(metrics_exposition& out, const net::password_counters& passwords) {
    out.begin_gauge("countersign_password_hashes_running", "Argon2 runs under way.");
    out.add({}, static_cast<double>(passwords.running.value()));
    out.begin_gauge("countersign_password_hashes_waiting", "Argon2 runs that wait for a thread.");
    out.add({}, static_cast<double>(passwords.waiting.value()));
    out.begin_counter("countersign_password_hashes_refused_total",
                      "Argon2 runs that did not take place.");
    for (std::size_t reason = 0; reason < overloads.size(); ++reason)
        out.add({{"reason", overloads[reason]}}, number(passwords.refused[reason].value()));
    out.begin_histogram("countersign_password_hash_duration_seconds",
                        "Argon2 runs, without their wait.");
    out.add({}, {&passwords.hashing});
}

// Of the threads that serve, and of the notifier.
void add_redis(metrics_exposition& out, const counted_parts& counted) {
    struct reason {
        const char* name;
        core::counter store::redis_counters::* count;
    };
    using redis = store::redis_counters;
    constexpr std::array reasons{reason{"no_connection", &redis::without_connection},
                                 reason{"deadline", &redis::past_deadline},
                                 reason{"queue_full", &redis::queue_full},
                                 reason{"error_reply", &redis::error_replies}};
    const auto each_client = [&](auto add) {
        if (!counted.threads.empty())
            add("api", [&](auto pick) {
                return sum(counted, [&](const auto& of) -> auto& { return of.redis.*pick; });
            });
        if (counted.mails)
            add("notifier", [&](auto pick) {
                return static_cast<double>((counted.mails->redis.*pick).value());
            });
    };
    out.begin_counter("countersign_redis_calls_total", "Calls to Redis.");
    each_client([&](const char* client, auto value) {
        out.add({{"client", client}}, value(&redis::calls));
    });
    out.begin_gauge("countersign_redis_calls_in_flight", "Calls that wait for Redis' answer.");
    each_client([&](const char* client, auto value) {
        out.add({{"client", client}}, value(&redis::in_flight));
    });
    out.begin_counter("countersign_redis_errors_total", "Calls to Redis that failed.");
    each_client([&](const char* client, auto value) {
        for (const auto& [name, count] : reasons)
            out.add({{"client", client}, {"reason", name}}, value(count));
    });
}

// Of requests, and of what the notifier's thread commits by itself.
void add_commits(metrics_exposition& out, const counted_parts& counted) {
    using accounts = store::account_counters;
    const auto all = [&](auto pick) {
        const double own = counted.mails ? number(pick(counted.mails->accounts).value()) : 0;
        return own + sum(counted, [&](const auto& of) -> auto& { return pick(of.accounts); });
    };
    out.begin_counter("countersign_commits_total", "Changes of accounts that were committed.");
    out.add({}, all([](const accounts& of) -> auto& { return of.commits; }));
    out.begin_counter("countersign_commit_races_lost_total",
                      "Changes that another thread or server came before; decided again.");
    out.add({}, all([](const accounts& of) -> auto& { return of.lost_races; }));
    out.begin_counter("countersign_commit_retries_total",
                      "Commits asked for again, because the answer was lost.");
    out.add({}, all([](const accounts& of) -> auto& { return of.repeated; }));
    out.begin_counter("countersign_commits_refused_total", "Changes refused: the outbox is full.");
    out.add({}, all([](const accounts& of) -> auto& { return of.outbox_full; }));
    out.begin_counter("countersign_mail_events_total", "Events committed, to be mailed.");
    for (std::size_t lane = 0; lane < store::outbox_lanes.size(); ++lane)
        out.add({{"lane", std::string(store::name_of(store::outbox_lanes[lane]))}},
                all([lane](const accounts& of) -> auto& { return of.events[lane]; }));
}

void add_verifications(metrics_exposition& out, const counted_parts& counted) {
    out.begin_counter("countersign_verifications_total",
                      "Passwords and codes that were looked at.");
    for (std::size_t proof = 0; proof < proofs.size(); ++proof)
        for (std::size_t outcome = 0; outcome < outcomes.size(); ++outcome)
            out.add({{"method", proofs[proof]}, {"outcome", outcomes[outcome]}},
                    sum(counted, [=](const net::thread_counters& of) -> auto& {
                        return of.verifications.counts[proof][outcome];
                    }));
}

void add_notifier(metrics_exposition& out, const notify::notifier_counters& notifier) {
    const auto each_lane = [&](auto add) {
        for (std::size_t lane = 0; lane < store::outbox_lanes.size(); ++lane)
            add(std::string(store::name_of(store::outbox_lanes[lane])), notifier.lanes[lane]);
    };
    out.begin_counter("countersign_mail_sent_total", "Events whose mails the relay has taken.");
    each_lane([&](const std::string& lane, const notify::lane_counters& of) {
        out.add({{"lane", lane}}, number(of.sent.value()));
    });
    out.begin_counter("countersign_mail_retried_total", "Submissions that are tried again later.");
    each_lane([&](const std::string& lane, const notify::lane_counters& of) {
        out.add({{"lane", lane}}, number(of.retried.value()));
    });
    out.begin_counter("countersign_mail_dead_letters_total", "Events that were given up.");
    each_lane([&](const std::string& lane, const notify::lane_counters& of) {
        for (std::size_t reason = 0; reason < dead_reasons.size(); ++reason)
            out.add({{"lane", lane}, {"reason", dead_reasons[reason]}},
                    number(of.dead[reason].value()));
    });
    out.begin_counter("countersign_mail_expired_total",
                      "Codes that expired before they were sent.");
    out.add({}, number(notifier.expired.value()));
    out.begin_counter("countersign_mail_to_nobody_total",
                      "Events about addresses that no account has: never mailed.");
    out.add({}, number(notifier.to_nobody.value()));
    out.begin_gauge("countersign_mail_relay_faults",
                    "Faults of the relay in a row; above 0 mails wait between tries.");
    out.add({}, static_cast<double>(notifier.relay_faults.value()));
    out.begin_histogram("countersign_mail_submission_duration_seconds",
                        "Handing in the mails of an event.");
    out.add({}, {&notifier.submissions});
}

void add_clock(metrics_exposition& out, const clock_counters& clock) {
    if (clock.known.value() == 0) return;
    out.begin_gauge("countersign_clock_offset_seconds",
                    "How far the machine's clock is ahead of Redis'.");
    out.add({}, static_cast<double>(clock.offset_ms.value()) / 1'000);
}

double age_seconds(std::optional<core::unix_time> since, core::unix_time now) {
    if (!since) return 0;
    return std::max(0.0, std::chrono::duration<double>(now - *since).count());
}

void add_outbox(metrics_exposition& out, const outbox_figures& outbox, core::unix_time now) {
    out.begin_gauge("countersign_redis_up", "Whether Redis told how the outbox stands.");
    out.add({}, outbox.status ? 1 : 0);
    if (!outbox.status) return;
    const auto each_lane = [&](auto add) {
        for (std::size_t lane = 0; lane < store::outbox_lanes.size(); ++lane)
            add(std::string(store::name_of(store::outbox_lanes[lane])), outbox.status->lanes[lane]);
    };
    out.begin_gauge("countersign_mail_waiting", "Events in their lane.");
    each_lane([&](const std::string& lane, const store::lane_status& of) {
        out.add({{"lane", lane}}, static_cast<double>(of.waiting));
    });
    out.begin_gauge("countersign_mail_oldest_seconds",
                    "Age of the oldest event in the lane; 0 without any.");
    each_lane([&](const std::string& lane, const store::lane_status& of) {
        out.add({{"lane", lane}}, age_seconds(of.oldest, now));
    });
    out.begin_gauge("countersign_mail_retries_waiting", "Events that are tried again later.");
    out.add({}, static_cast<double>(outbox.status->retries));
    out.begin_gauge("countersign_mail_dead_letters", "Events that were given up, and are kept.");
    each_lane([&](const std::string& lane, const store::lane_status& of) {
        out.add({{"lane", lane}}, static_cast<double>(of.dead));
    });
    out.begin_gauge("countersign_mail_fullness_ratio",
                    "How full the fullest partition is; at 1 changes are refused.");
    each_lane([&](const std::string& lane, const store::lane_status& of) {
        const auto max = lane == "code" ? outbox.limits.codes : outbox.limits.alerts;
        const auto share = (max + outbox.partitions - 1) / outbox.partitions;
        out.add({{"lane", lane}}, static_cast<double>(of.fullest) / static_cast<double>(share));
    });
}

} // namespace

std::vector<net::connection_counters*> counted_parts::connections() const {
    std::vector<net::connection_counters*> all;
    for (const auto& thread : threads)
        all.push_back(&thread->connections);
    return all;
}

std::string metrics_text(const counted_parts& counted, const outbox_figures& outbox,
                         core::unix_time now) {
    metrics_exposition out;
    add_process(out);
    add_requests(out, counted);
    if (!counted.threads.empty()) {
        add_connections(out, counted);
        add_admission(out, counted);
    }
    if (counted.passwords) add_passwords(out, *counted.passwords);
    add_redis(out, counted);
    add_commits(out, counted);
    if (!counted.threads.empty()) add_verifications(out, counted);
    if (counted.mails) add_notifier(out, counted.mails->notifier);
    if (counted.clock) add_clock(out, *counted.clock);
    add_outbox(out, outbox, now);
    return out.text();
}

} // namespace countersign::app
