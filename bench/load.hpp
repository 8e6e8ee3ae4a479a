// An HTTP load from one thread, cheap enough to share a small machine with what it measures: whole
// requests as bytes, one epoll instance, a reader that knows no more than Content-Length. Loopback
// only, bounded in time.
//
// Closed loop: each connection sends its next request when the reply to the last one is complete;
// the rate is what the server can do. Open loop: requests are due at a constant rate whether or not
// replies come, and latency counts from when a request was due, so that a slow server is not spared
// the requests that it delayed (coordinated omission).
#pragma once

#include "bench/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace countersign::bench {

class request_source {
public:
    virtual ~request_source() = default;
    // The bytes of the next request, good until the next call; empty: there are no more.
    virtual std::string_view next() = 0;
    // Whether a reply is what the request asked for.
    virtual bool accepts(unsigned status, std::string_view /*body*/) { return status == 200; }
};

// The same request again and again.
class one_request : public request_source {
public:
    explicit one_request(std::string bytes) : bytes_(std::move(bytes)) {}
    std::string_view next() override { return bytes_; }

private:
    std::string bytes_;
};

struct load_options {
    std::uint16_t port = 0; // on 127.0.0.1
    std::size_t connections = 64;
    std::chrono::milliseconds duration{2'000}; // ends earlier when the requests are used up
    double rate_per_s = 0;                     // 0: closed loop
    std::chrono::milliseconds drain{5'000};    // how long replies are waited for after the end
    std::vector<pid_t> watched;                // whose processor time is wanted
};

struct load_result {
    std::uint64_t sent = 0;
    std::uint64_t replies = 0; // within the duration
    std::uint64_t good = 0;    // of those, what the source accepts
    std::uint64_t late = 0;    // replies after the end; counted in `latency`
    std::uint64_t unsent = 0;  // open loop: due, but no connection was free
    std::uint64_t broken = 0;  // connections that ended without a reply
    std::uint64_t retry_after = 0;
    std::map<unsigned, std::uint64_t> statuses; // of replies within the duration
    histogram latency;                          // of good replies
    double seconds = 0;
    double generator_cpu_s = 0;
    std::vector<double> watched_cpu_s; // within the duration, in the order of `watched`
    std::string first_bad;             // for the person who reads

    [[nodiscard]] double rate() const;       // good replies a second
    [[nodiscard]] std::uint64_t bad() const; // replies that were not good, and broken connections
    [[nodiscard]] double each_us(double cpu_s) const; // per reply
};

// Throws std::runtime_error when the connections cannot be opened.
[[nodiscard]] load_result run_load(const load_options& options, request_source& source);

// Makes run_load end early from a signal handler.
void interrupt_loads() noexcept;
[[nodiscard]] bool loads_interrupted() noexcept;

} // namespace countersign::bench
