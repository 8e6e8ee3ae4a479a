#include "notify/notifier.hpp"

#include "core/decide/strangers.hpp"
#include "notify/worker.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace countersign::notify {
namespace {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;
using store::outbox_entry;

constexpr int settle_tries_when_stopping = 3;
constexpr int beats_per_claim = 4; // renewals within notifier_options::reclaim_idle

awaitable<void> pause(core::milliseconds length) {
    steady_timer timer(co_await asio::this_coro::executor, length);
    co_await timer.async_wait(asio::as_tuple(asio::deferred));
}

std::string_view lane_name(core::mail_lane lane) {
    return lane == core::mail_lane::code ? "code" : "alert";
}

// What was given up after a submission: as judge() decides.
dead_reason reason_shown_by(const submission_report& report) {
    const bool for_now = std::ranges::any_of(report.failed, [](const failed_recipient& failed) {
        return failed.failure.kind == failure_kind::transient;
    });
    return for_now ? dead_reason::tried_too_long : dead_reason::refused;
}

} // namespace

struct notifier::impl : std::enable_shared_from_this<notifier::impl> {
    impl(loop_executor given_executor, notifier_options given_options, store::outbox& given_outbox,
         const renderer& given_renderer, transport_factory given_transports,
         core::random_source& given_random, std::function<core::unix_time()> given_clock)
        : executor(std::move(given_executor)), options(given_options), outbox(given_outbox),
          render(given_renderer), transports(std::move(given_transports)), random(given_random),
          clock(std::move(given_clock)), changed(executor), beat(executor), requeue_pause(executor),
          counted(options.counted ? *options.counted : uncounted) {
        for (std::size_t index = 0; index < std::max<std::size_t>(options.workers, 1); ++index) {
            workers.push_back(std::make_unique<worker>(render, transports));
            idle.push_back(workers.back().get());
        }
    }

    // Until something changes (a worker is free, stop) or `until` comes.
    awaitable<void> wait_for_change(steady::time_point until) {
        changed.expires_at(until);
        co_await changed.async_wait(asio::as_tuple(asio::deferred));
    }

    awaitable<void> prepare() {
        auto length = options.store_pause_first;
        while (!stopping) {
            const auto prepared = co_await outbox.prepare();
            if (prepared) {
                co_return;
            }
            spdlog::warn("notifier: the outbox is not ready: {}",
                         store::to_string(prepared.error()));
            co_await pause(length);
            length = std::min(length * 2, options.store_pause_longest);
        }
    }

    // More entries into `taken`; false if the store failed.
    awaitable<bool> take() {
        // After a fault of the relay, one mail at a time tries whether it is back.
        const std::size_t count = relay_faults > 0 ? 1 : idle.size();
        if (steady::now() >= next_reclaim) {
            auto abandoned = co_await outbox.reclaim(options.reclaim_idle, count);
            if (!abandoned) {
                co_return false;
            }
            next_reclaim = steady::now() + options.reclaim_every;
            accept(std::move(*abandoned));
            if (!taken.empty()) {
                co_return true;
            }
        }
        auto entries = co_await outbox.read(count, options.read_wait);
        if (!entries) {
            co_return false;
        }
        accept(std::move(*entries));
        co_return true;
    }

    // An entry that takes long can come back from reclaim() while it is still in hand.
    void accept(std::vector<outbox_entry> entries) {
        for (auto& entry : entries) {
            if (in_hand.insert(key_of(entry)).second) {
                taken.push_back(std::move(entry));
            }
        }
    }

    using entry_key = std::tuple<int, core::mail_lane, std::string>;
    static entry_key key_of(const outbox_entry& entry) {
        return {entry.partition, entry.lane, entry.stream_id};
    }

    // Two notifiers ended, or failed, while they had it: it may be what ended them.
    static bool is_suspect(const outbox_entry& entry) { return entry.deliveries >= 2; }

    // After a fault of the relay it is left alone for a while. Then one mail tries, and another
    // when the same time has passed again: the first may be held up by its recipient.
    [[nodiscard]] bool relay_rests() const {
        return !stopping && relay_faults > 0 && steady::now() < relay_resumes;
    }

    // Suspects go one at a time: only what is under way when a notifier ends is suspected again.
    void start_taken() {
        while (!idle.empty() && !relay_rests()) {
            const auto next = std::ranges::find_if(taken, [this](const outbox_entry& entry) {
                return !suspect_under_way || !is_suspect(entry);
            });
            if (next == taken.end()) {
                return;
            }
            worker* const seat = idle.back();
            idle.pop_back();
            outbox_entry entry = std::move(*next);
            taken.erase(next);
            auto key = key_of(entry);
            if (is_suspect(entry)) {
                suspect_under_way = key;
            }
            asio::co_spawn(executor, deliver(shared_from_this(), std::move(entry), seat),
                           [self = shared_from_this(), seat,
                            key = std::move(key)](const std::exception_ptr& failure) {
                               self->finished(seat, key, failure);
                           });
            if (relay_faults > 0) {
                return;
            }
        }
    }

    void finished(worker* seat, const entry_key& key, const std::exception_ptr& failure) {
        try {
            if (failure) {
                std::rethrow_exception(failure);
            }
        } catch (const std::exception& error) {
            spdlog::error("notifier: an entry was left unsettled: {}", error.what());
        }
        in_hand.erase(key);
        if (suspect_under_way == key) {
            suspect_under_way.reset();
        }
        idle.push_back(seat);
        changed.cancel();
    }

    // For an entry that was delivered before; false: it is somebody else's by now, or settled.
    awaitable<bool> begin_again(outbox_entry entry) {
        auto length = options.store_pause_first;
        while (true) {
            const auto begun = co_await outbox.begin(entry);
            if (begun) {
                co_return *begun;
            }
            if (stopping) {
                co_return false;
            }
            co_await pause(length);
            length = std::min(length * 2, options.store_pause_longest);
        }
    }

    static awaitable<void> deliver(std::shared_ptr<impl> self, outbox_entry entry, worker* seat) {
        if (entry.deliveries >= self->options.deliveries_max) {
            auto reason = "taken up " + std::to_string(entry.deliveries) +
                          " times, and each time the notifier ended or failed";
            co_await self->reject(std::move(entry), std::move(reason), dead_reason::ended_notifier);
            co_return;
        }
        if (entry.deliveries > 0) {
            const bool ours = co_await self->begin_again(entry);
            if (!ours) {
                co_return;
            }
        }
        const auto parsed = core::event_from_json(entry.payload);
        if (!parsed) {
            co_await self->reject(std::move(entry),
                                  parsed.error() == core::event_error::unknown_type
                                      ? "an event of a type that this version does not know"
                                      : "not an event",
                                  dead_reason::unreadable);
            co_return;
        }
        const core::event& event = *parsed;
        const auto expires_at = event.expires_at.value_or(core::unix_time::max());
        if (core::lane_of(event.type) == core::mail_lane::code && expires_at <= self->clock()) {
            spdlog::warn("notifier: event {} {} expired unsent", event.id.value(),
                         core::to_string(event.type));
            co_await self->carry_out(std::move(entry), {}, self->counted.expired);
            co_return;
        }
        if (core::is_stranger(event.account)) {
            co_await self->carry_out(std::move(entry), {}, self->counted.to_nobody);
            co_return;
        }
        auto recipients = entry.recipients.empty() ? event.recipients : entry.recipients;
        if (recipients.empty()) {
            co_await self->reject(std::move(entry), "an event without a recipient",
                                  dead_reason::unreadable);
            co_return;
        }
        const auto started = steady::now();
        if (self->relay_faults > 0) {
            self->relay_resumes = started + relay_pause(self->relay_faults);
        }
        const auto report = co_await seat->submit(event, std::move(recipients));
        self->note_relay(report, started);
        auto outcome = judge(report, entry.attempts, self->relay_faults, self->spread());
        const auto length = steady::now() - started;
        self->counted.submissions.observe(length);
        log(event, entry, report, outcome, length);
        auto& count = self->counter_of(entry.lane, outcome.what, reason_shown_by(report));
        co_await self->carry_out(std::move(entry), std::move(outcome), count);
    }

    // `reason` is that of fate::give_up.
    [[nodiscard]] core::counter& counter_of(core::mail_lane lane, fate what, dead_reason reason) {
        auto& of_lane = counted.lanes[static_cast<std::size_t>(lane)];
        switch (what) {
        case fate::settle:
            return of_lane.sent;
        case fate::retry:
            return of_lane.retried;
        case fate::give_up:
            break;
        }
        return of_lane.dead[static_cast<std::size_t>(reason)];
    }

    // Nothing to try: a dead letter at once.
    awaitable<void> reject(outbox_entry entry, std::string reason, dead_reason kind) {
        spdlog::error("notifier: entry {} given up: {}", entry.stream_id, reason);
        disposition outcome;
        outcome.what = fate::give_up;
        outcome.reason = std::move(reason);
        auto& count = counter_of(entry.lane, fate::give_up, kind);
        co_await carry_out(std::move(entry), std::move(outcome), count);
    }

    void note_relay(const submission_report& report, steady::time_point started) {
        switch (relay_shown_by(report)) {
        case relay_verdict::works:
            if (relay_faults > 0) {
                spdlog::info("notifier: the mail relay is back");
            }
            relay_faults = 0;
            counted.relay_faults.set(relay_faults);
            return;
        case relay_verdict::unknown:
            relay_resumes = std::min(relay_resumes, steady::now()); // the next one tries
            return;
        case relay_verdict::at_fault:
            // Several workers meet the same fault: it counts once.
            if (relay_faults == 0 || started > relay_failed_at) {
                ++relay_faults;
                counted.relay_faults.set(relay_faults);
                relay_failed_at = steady::now();
                relay_resumes = relay_failed_at + relay_pause(relay_faults);
            }
            return;
        }
    }

    [[nodiscard]] double spread() { return random.below(2001) / 1000.0 - 1; }

    // One line per entry; no address, no content.
    static void log(const core::event& event, const outbox_entry& entry,
                    const submission_report& report, const disposition& outcome,
                    steady::duration taken_time) {
        const auto type = core::to_string(event.type);
        const auto lane = lane_name(entry.lane);
        const auto length =
            std::chrono::duration_cast<std::chrono::milliseconds>(taken_time).count();
        switch (outcome.what) {
        case fate::settle:
            spdlog::info("notifier: event {} {} {} sent to {} in {} ms", event.id.value(), type,
                         lane, report.delivered, length);
            return;
        case fate::retry:
            spdlog::warn("notifier: event {} {} {} retried in {} s: {}", event.id.value(), type,
                         lane, outcome.delay.count() / 1000, outcome.reason);
            return;
        case fate::give_up:
            spdlog::error("notifier: event {} {} {} given up: {}", event.id.value(), type, lane,
                          outcome.reason);
            return;
        }
    }

    awaitable<store::store_result<void>> tell_store(outbox_entry entry, disposition outcome) {
        switch (outcome.what) {
        case fate::settle:
            co_return co_await outbox.settle(std::move(entry));
        case fate::retry:
            if (!outcome.counted) {
                --entry.attempts;
            } // the outbox counts one on
            co_return co_await outbox.retry(std::move(entry), clock() + outcome.delay,
                                            std::move(outcome.owed));
        case fate::give_up:
            if (!outcome.owed.empty()) {
                entry.recipients = std::move(outcome.owed);
            }
            co_return co_await outbox.give_up(std::move(entry), std::move(outcome.reason));
        }
        co_return store::store_result<void>{};
    }

    // Until the store has it, and then counts it. Left unsettled when stopping without a store:
    // sent again at the next start, with the same Message-ID.
    awaitable<void> carry_out(outbox_entry entry, disposition outcome, core::counter& count) {
        auto length = options.store_pause_first;
        for (int tries = 1;; ++tries) {
            const auto told = co_await tell_store(entry, outcome);
            if (told) {
                count.add();
                co_return;
            }
            if (stopping && tries >= settle_tries_when_stopping) {
                spdlog::warn("notifier: stopping with an unsettled entry, which is sent again");
                co_return;
            }
            co_await pause(length);
            length = std::min(length * 2, options.store_pause_longest);
        }
    }

    // Until the outbox is left: what is in hand stays ours, however long its submission takes.
    awaitable<void> keep_claims() {
        const core::milliseconds interval = options.reclaim_idle / beats_per_claim;
        auto length = interval;
        while (!finished_consuming) {
            beat.expires_after(length);
            co_await beat.async_wait(asio::as_tuple(asio::deferred));
            if (finished_consuming) {
                co_return;
            }
            std::vector<outbox_entry> held;
            for (const auto& [partition, lane, stream_id] : in_hand) {
                held.push_back({.partition = partition, .lane = lane, .stream_id = stream_id});
            }
            const auto renewed = co_await outbox.renew(std::move(held));
            length = renewed ? interval : std::min(interval, options.store_pause_first);
        }
    }

    // Beside consume(): a script for each partition takes time, in which new mails need not wait.
    awaitable<void> bring_back_retries() {
        auto length = options.store_pause_first;
        while (!stopping) {
            const auto requeued = co_await outbox.requeue_due(clock());
            if (stopping) {
                co_return;
            }
            requeue_pause.expires_after(requeued ? options.requeue_every : length);
            length = requeued ? options.store_pause_first
                              : std::min(length * 2, options.store_pause_longest);
            co_await requeue_pause.async_wait(asio::as_tuple(asio::deferred));
        }
    }

    awaitable<void> consume() {
        co_await prepare();
        auto length = options.store_pause_first;
        while (!stopping) {
            start_taken();
            if (idle.empty()) {
                co_await wait_for_change(steady::time_point::max());
            } else if (relay_rests()) {
                co_await wait_for_change(relay_resumes);
            } else if (co_await take()) {
                length = options.store_pause_first;
            } else {
                co_await pause(length);
                length = std::min(length * 2, options.store_pause_longest);
            }
        }
        // One after the other they would take long; the next start has them again.
        std::erase_if(taken, is_suspect);
        while (idle.size() < workers.size() || !taken.empty()) {
            start_taken();
            co_await wait_for_change(steady::time_point::max());
        }
        finished_consuming = true;
        beat.cancel();
    }

    loop_executor executor;
    notifier_options options;
    store::outbox& outbox;
    const renderer& render;
    transport_factory transports;
    core::random_source& random;
    std::function<core::unix_time()> clock;
    steady_timer changed;
    steady_timer beat;           // of keep_claims()
    steady_timer requeue_pause;  // of bring_back_retries()
    notifier_counters uncounted; // where nobody asks
    notifier_counters& counted;

    std::vector<std::unique_ptr<worker>> workers;
    std::vector<worker*> idle;
    std::deque<outbox_entry> taken; // read, waiting for a worker
    std::set<entry_key> in_hand;    // taken or being delivered
    std::optional<entry_key> suspect_under_way;
    bool stopping = false;
    bool finished_consuming = false;
    int relay_faults = 0; // in a row; 0: the relay works
    steady::time_point relay_failed_at{};
    steady::time_point relay_resumes{}; // after a fault: when the next mail may try
    steady::time_point next_reclaim = steady::now();
};

notifier::notifier(loop_executor executor, notifier_options options, store::outbox& outbox,
                   const renderer& renderer, transport_factory transports,
                   core::random_source& random, std::function<core::unix_time()> clock)
    : impl_(std::make_shared<impl>(std::move(executor), options, outbox, renderer,
                                   std::move(transports), random, std::move(clock))) {}

notifier::~notifier() {
    for (const auto& worker : impl_->workers) {
        worker->join();
    }
}

awaitable<void> notifier::run() {
    using asio::experimental::awaitable_operators::operator&&;
    const auto self = impl_;
    co_await (self->consume() && self->keep_claims() && self->bring_back_retries());
}

void notifier::stop() {
    asio::post(impl_->executor, [self = impl_] {
        self->stopping = true;
        self->changed.cancel();
        self->requeue_pause.cancel();
    });
}

} // namespace countersign::notify
