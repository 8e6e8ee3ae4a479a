// A log-linear histogram of durations: 64 steps to each doubling, so a quantile is within 1.6 % of
// the truth, at a fixed size whatever is recorded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace countersign::bench {

class histogram {
public:
    void record(std::uint64_t microseconds) noexcept;
    void add(const histogram& other) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    // The upper bound of the step that holds the quantile, in milliseconds; 0 if nothing was
    // recorded. `share` between 0 and 1.
    [[nodiscard]] double quantile_ms(double share) const noexcept;

private:
    static constexpr unsigned steps_bits = 6;
    static constexpr std::size_t doublings = 32; // up to 76 hours
    std::array<std::uint64_t, doublings << steps_bits> counts_{};
    std::uint64_t count_ = 0;
};

} // namespace countersign::bench
