// How many requests a thread works on at once. The others wait their turn, and those whose turn
// does not come in time are refused before anything was done for them. What has begun finds room
// for all that it needs of Redis, so with more to do than it can do a server still does what it
// can.
#pragma once

#include "net/counters.hpp"
#include "store/event_loop.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace countersign::net {

struct admission_limits {
    // More than keep Redis busy, and than can wait for the password pool; less than Redis'
    // connection lets wait (store::connection_options), so that it never refuses one of them. No
    // more than that: what is in hand should fit into the processor's caches.
    std::size_t at_once_max = 256;
    std::chrono::milliseconds wait{1'000}; // beyond it a request is refused
};

// Owned by one thread. First come, first served.
class admission {
public:
    // `counted` outlives it.
    admission(admission_limits limits, admission_counters& counted);
    admission(const admission&) = delete;
    admission& operator=(const admission&) = delete;

    // One request's; it joins when made, and the destructor lets the next one in. `owner` outlives
    // it.
    class place {
    public:
        explicit place(admission& owner);
        ~place();
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        [[nodiscard]] bool admitted() const noexcept { return admitted_; }
        // Waits for the turn. False: it did not come in time.
        [[nodiscard]] awaitable<bool> turn();

    private:
        friend class admission;
        admission& owner_;
        bool admitted_;
        std::optional<steady_timer> called_; // while it waits
    };

private:
    admission_limits limits_;
    admission_counters& counted_;
    std::size_t at_once_ = 0;
    std::deque<place*> waiting_;
};

} // namespace countersign::net
