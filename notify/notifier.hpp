// Consumes the outbox: renders every event and hands the mails in. At least once: an entry is
// settled only after the relay has taken its mails.
#pragma once

#include "core/event.hpp"
#include "core/random.hpp"
#include "core/types.hpp"
#include "notify/counters.hpp"
#include "notify/disposition.hpp"
#include "notify/mail.hpp"
#include "notify/transport.hpp"
#include "store/event_loop.hpp"
#include "store/outbox.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace countersign::notify {

struct notifier_options {
    std::size_t workers = 4;                   // mails handed in at once (setting mail.workers)
    core::milliseconds read_wait{1'000};       // of one blocking read; stop() waits for it
    core::milliseconds requeue_every{250};     // looking for retries that are due
    core::milliseconds reclaim_every{30'000};  // looking for what a dead notifier had taken
    core::milliseconds reclaim_idle{120'000};  // claims are renewed four times as often
    int deliveries_max = 5;                    // taken up so often without an end: a dead letter
    core::milliseconds store_pause_first{200}; // after an error of the store; doubles …
    core::milliseconds store_pause_longest{5'000}; // … up to this
    notifier_counters* counted = nullptr;          // outlives the notifier; nullptr: nobody asks
};

// Lives on the thread of one io_context, which runs run(); submissions block worker threads of its
// own, each with its own transport, so a stuck relay holds up nobody but its worker. What is passed
// by reference outlives it.
class notifier {
public:
    // `clock` is called on the notifier's thread only; `transports` on worker threads.
    notifier(loop_executor executor, notifier_options options, store::outbox& outbox,
             const renderer& renderer, transport_factory transports, core::random_source& random,
             std::function<core::unix_time()> clock);
    // Waits for submissions under way.
    ~notifier();
    notifier(const notifier&) = delete;
    notifier& operator=(const notifier&) = delete;

    // Returns after stop(), when nothing is under way any more. Called once. Errors of the store
    // are waited out, for as long as it takes.
    [[nodiscard]] awaitable<void> run();
    // From any thread, more than once if need be. Takes nothing new; finishes what is being
    // submitted and settles it.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace countersign::notify
