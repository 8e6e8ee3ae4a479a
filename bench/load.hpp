// A closed-loop HTTP load: every connection sends its next request when the reply to the last one
// is complete. Loopback only, bounded in time and count.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace countersign::bench {

struct load_options {
    std::uint16_t port = 0; // on 127.0.0.1
    std::size_t connections = 64;
    std::size_t threads = 2;
    std::chrono::milliseconds duration{3'000}; // ends earlier when the requests are used up
};

struct load_result {
    std::size_t replies = 0;
    std::size_t failures = 0; // replies that are not 200, and connections that broke
    double seconds = 0;
    std::vector<std::uint32_t> latencies_us; // sorted
    std::string first_failure;               // a reply that is not 200; for the person who reads

    [[nodiscard]] double rate() const {
        return seconds > 0 ? static_cast<double>(replies) / seconds : 0;
    }
    // `share` between 0 and 1.
    [[nodiscard]] double percentile_ms(double share) const;
};

// Sends each request once; with `repeat` they start over when they are used up.
[[nodiscard]] load_result run_load(const load_options& options,
                                   const std::vector<std::string>& requests, bool repeat);

} // namespace countersign::bench
