// What the notifier counts, for the metrics. Written on its thread, read on any; owned by who
// reads, and outlives it.
#pragma once

#include "core/counter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace countersign::notify {

// Why an entry was given up.
enum class dead_reason : std::uint8_t {
    refused,        // for good, by the relay; or the mail cannot be made
    tried_too_long, // give_up_after has passed
    unreadable,     // no event that this version knows, or one without a recipient
    ended_notifier, // notifier_options::deliveries_max
};
inline constexpr std::size_t dead_reasons = 4;

// Of outbox entries, once the store has their end; an entry may be a mail to several.
struct lane_counters {
    core::counter sent, retried;
    std::array<core::counter, dead_reasons> dead; // by dead_reason
};

struct notifier_counters {
    std::array<lane_counters, 2> lanes; // by core::mail_lane
    core::counter expired;              // codes that nobody could use any more
    core::counter to_nobody;            // about an address that no account has
    core::gauge relay_faults;           // in a row; 0: the relay works
    core::duration_histogram submissions;
};

} // namespace countersign::notify
