// What one server thread counts, for the metrics: its own block, which it alone writes and any
// thread reads. Owned by who reads, and outlives the server.
#pragma once

#include "core/counter.hpp"
#include "store/counters.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace countersign::net {

struct connection_counters {
    core::counter accepted;
    core::gauge open;
    // How often accepting paused: at the cap of connections, and for want of descriptors or memory.
    core::counter at_the_cap, out_of_resources;
};

struct admission_counters {
    core::gauge waiting; // requests whose turn has not come
    core::counter refused;
};

// Requests by route and status class, and how long the routes of a family take. The rows are fixed
// when the thread starts, so there are never more of them than routes.
class request_counters {
public:
    // One row. Of requests that no route answered, method and pattern are "none".
    struct label {
        std::size_t family; // index into `families`
        std::string method, pattern;
    };
    struct table {
        std::vector<std::string> families;
        std::vector<label> rows;
    };
    static constexpr std::size_t classes = 4; // 2xx to 5xx

    // Once, before anything is counted.
    void open(table rows);
    // `row` is below the number of rows.
    void answered(std::size_t row, unsigned status) noexcept {
        if (const std::size_t place = status / 100 - 2; place < classes)
            counts_[row].by_class[place].add();
    }
    void took(std::size_t row, std::chrono::nanoseconds length) noexcept {
        times_[table_.rows[row].family].observe(length);
    }

    // False: not opened yet, and there is nothing to read. For any thread, as what follows.
    [[nodiscard]] bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }
    [[nodiscard]] const table& labels() const noexcept { return table_; }
    [[nodiscard]] std::uint64_t count(std::size_t row, std::size_t status_class) const noexcept {
        return counts_[row].by_class[status_class].value();
    }
    [[nodiscard]] const core::duration_histogram& times(std::size_t family) const noexcept {
        return times_[family];
    }

private:
    struct alignas(core::cache_line_bytes) row_counters {
        std::array<core::counter, classes> by_class;
    };
    struct alignas(core::cache_line_bytes) family_times : core::duration_histogram {};

    table table_;
    std::vector<row_counters> counts_;
    std::vector<family_times> times_; // by family
    std::atomic<bool> open_{false};
};

// What somebody showed to prove who they are, as far as the request tells.
enum class shown_proof : std::uint8_t { password, totp, email, backup_code, any_code, passkey };
inline constexpr std::size_t shown_proofs = 6;
enum class proof_outcome : std::uint8_t { verified, wrong, blocked };
inline constexpr std::size_t proof_outcomes = 3;

struct verification_counters {
    std::array<std::array<core::counter, proof_outcomes>, shown_proofs> counts;

    void add(shown_proof proof, proof_outcome outcome) noexcept {
        counts[static_cast<std::size_t>(proof)][static_cast<std::size_t>(outcome)].add();
    }
};

struct alignas(core::cache_line_bytes) thread_counters {
    connection_counters connections;
    admission_counters admission;
    request_counters requests;
    verification_counters verifications;
    store::redis_counters redis;
    store::account_counters accounts;
};

} // namespace countersign::net
