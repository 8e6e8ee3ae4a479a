// Compares the machine's clock with Redis' while the server runs, and complains when they differ:
// codes of apps count for seconds, and a clock that is off refuses them (OWASP ASVS 6.5.8). It
// changes nothing: which of the two clocks is right, only the operator can say. With the managed
// Redis both are one.
#pragma once

#include "core/counter.hpp"
#include "core/types.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <optional>

namespace countersign::app {

// Written by the main thread, read by any.
struct clock_counters {
    core::gauge known;     // whether there is an offset: 0 or 1
    core::gauge offset_ms; // of the last comparison: the machine's time without Redis'
};

// How far the clock `now` is ahead of Redis' (TIME); half of what the answer took is taken for its
// way. Nothing if Redis does not answer, or too slowly to tell.
[[nodiscard]] awaitable<std::optional<std::chrono::milliseconds>>
compare_clocks(store::connection& redis, std::function<core::unix_time()> now);

class clock_watch {
public:
    static constexpr std::chrono::milliseconds offset_warned_of{2'000};

    // `context`, of the main thread, and `counted` outlive it.
    clock_watch(boost::asio::io_context& context, store::redis_address redis,
                std::function<core::unix_time()> now, clock_counters& counted);
    // The context has ended to run, or is run by this thread.
    ~clock_watch();
    clock_watch(const clock_watch&) = delete;
    clock_watch& operator=(const clock_watch&) = delete;

    // Compares at once, and then once a minute for as long as the context runs.
    void keep();

private:
    awaitable<void> run();

    boost::asio::io_context& context_;
    steady_timer timer_;
    store::connection redis_;
    std::function<core::unix_time()> now_;
    clock_counters& counted_;
};

} // namespace countersign::app
