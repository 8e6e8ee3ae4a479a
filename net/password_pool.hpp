// Slow password hashing beside the network threads: a bounded number of threads, a bounded queue
// and a bounded wait, so that a flood of logins costs the others nothing but their turn.
#pragma once

#include "core/counter.hpp"
#include "core/crypto/password_hash.hpp"
#include "core/result.hpp"
#include "store/event_loop.hpp"

#include <boost/system/result.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace countersign::net {

// Why the pool did not do it. Each is answered with 503 and Retry-After.
enum class overload : std::uint8_t {
    queue_full,      // refused at once
    waited_too_long, // no thread was free within the deadline
    failed,          // the hasher had no memory; logged
};

using core::throw_exception_from_error;

struct password_verdict {
    bool matched = false;
    std::string replacement; // core::password_check::replacement
};

struct password_pool_options {
    std::size_t threads = 1;
    std::size_t queue_max = 64;                // jobs waiting, beyond those being worked on
    std::chrono::milliseconds deadline{1'000}; // of waiting for a thread
};

// For the metrics.
struct password_counters {
    core::gauge waiting, running;
    std::array<core::counter, 3> refused; // by overload
    core::duration_histogram hashing;     // without the wait
};

// Shared by all threads. Results come back on the awaiting coroutine's executor, which a thread of
// the pool may still hold for a moment after the coroutine has gone on: stop the pool, or destroy
// it, before their contexts.
class password_pool {
public:
    password_pool(std::shared_ptr<const core::password_hasher> hasher,
                  password_pool_options options);
    ~password_pool();
    // Waits for the jobs under way; what has not begun, now or later, ends as queue_full.
    void stop();
    password_pool(const password_pool&) = delete;
    password_pool& operator=(const password_pool&) = delete;

    // The passwords are wiped from memory after use. Callers rate-limit before they call. What
    // matches a hash of other parameters than today's costs a second run, for its replacement.
    [[nodiscard]] awaitable<boost::system::result<password_verdict, overload>>
    verify(std::string password, std::string phc);
    [[nodiscard]] awaitable<boost::system::result<std::string, overload>>
    hash(std::string password, std::array<std::byte, 16> salt);

    // Cheap; on the calling thread.
    [[nodiscard]] const std::string& dummy() const;

    // To be read by any thread.
    [[nodiscard]] const password_counters& counters() const noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::net
