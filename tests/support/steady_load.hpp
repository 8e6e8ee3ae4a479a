// HTTP at a constant rate: each request has a time at which it is due, whatever became of those
// before it, and its latency counts from then. A server that stalls is not asked less. Loopback
// only, bounded in count.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace countersign::tests {

struct steady_load_options {
    std::uint16_t port = 0; // on 127.0.0.1
    double per_second = 100;
    std::size_t connections = 32; // enough for those that are under way at once
};

struct timed_request {
    std::chrono::steady_clock::time_point due, replied;
    unsigned status = 0; // 0: the connection broke

    [[nodiscard]] double latency_ms() const {
        return std::chrono::duration<double, std::milli>(replied - due).count();
    }
};

// Sends each once, on the calling thread; the result is in their order.
[[nodiscard]] std::vector<timed_request> run_steady_load(const steady_load_options& options,
                                                         const std::vector<std::string>& requests);

// Of values in any order; `share` between 0 and 1; 0 of none.
[[nodiscard]] double percentile(std::vector<double> values, double share);

} // namespace countersign::tests
