// What the store counts, for the metrics. Written on the connection's thread, read on any; owned by
// who reads, and outlives what counts.
#pragma once

#include "core/counter.hpp"

#include <array>

namespace countersign::store {

// Of one connection, or of several on one thread. A call that failed is one of the four below
// `calls`, or a reply of Redis that says so.
struct redis_counters {
    core::counter calls; // all that were asked for
    core::counter without_connection;
    core::counter past_deadline;
    core::counter queue_full; // connection_options::in_flight_max
    core::counter error_replies;
    core::gauge in_flight;
};

struct account_counters {
    core::counter commits;               // that took effect
    core::counter lost_races;            // decided again
    core::counter repeated;              // asked again, because an answer was lost
    core::counter outbox_full;           // refused: too many mails wait
    std::array<core::counter, 2> events; // committed, by core::mail_lane
};

} // namespace countersign::store
