// Numbers that one thread writes, or several that take turns, and that any thread may read: what
// the metrics are made of. Counting takes no lock; what different threads write should not share a
// cache line.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace countersign::core {

// So far apart that two threads' numbers do not share a cache line.
inline constexpr std::size_t cache_line_bytes = 64;

// Only grows.
class counter {
public:
    void add(std::uint64_t amount = 1) noexcept {
        value_.store(value() + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

// What is so now.
class gauge {
public:
    void set(std::int64_t now) noexcept { value_.store(now, std::memory_order_relaxed); }
    void add(std::int64_t amount) noexcept { set(value() + amount); }
    [[nodiscard]] std::int64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::int64_t> value_{0};
};

// How many durations were how long. The same bounds for everything: what is to be seen lies between
// a millisecond and a minute.
class duration_histogram {
public:
    // A duration counts where it is not longer than the bound; the last place has those beyond all.
    static constexpr std::array<std::chrono::microseconds, 16> bounds{
        std::chrono::microseconds(500),    std::chrono::microseconds(1'000),
        std::chrono::microseconds(2'500),  std::chrono::microseconds(5'000),
        std::chrono::microseconds(10'000), std::chrono::microseconds(25'000),
        std::chrono::microseconds(50'000), std::chrono::microseconds(100'000),
        std::chrono::milliseconds(250),    std::chrono::milliseconds(500),
        std::chrono::milliseconds(1'000),  std::chrono::milliseconds(2'500),
        std::chrono::milliseconds(5'000),  std::chrono::milliseconds(10'000),
        std::chrono::milliseconds(30'000), std::chrono::milliseconds(60'000)};

    void observe(std::chrono::nanoseconds length) noexcept {
        std::size_t place = 0;
        while (place < bounds.size() && length > bounds[place])
            ++place;
        counts_[place].add();
        sum_ns_.add(static_cast<std::uint64_t>(length.count()));
    }
    [[nodiscard]] std::uint64_t count(std::size_t place) const noexcept {
        return counts_[place].value();
    }
    [[nodiscard]] std::chrono::nanoseconds sum() const noexcept {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(sum_ns_.value()));
    }

private:
    std::array<counter, bounds.size() + 1> counts_;
    counter sum_ns_;
};

} // namespace countersign::core
