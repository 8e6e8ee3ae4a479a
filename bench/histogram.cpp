#include "bench/histogram.hpp"

#include <algorithm>
#include <bit>

namespace countersign::bench {

void histogram::record(std::uint64_t microseconds) noexcept {
    constexpr std::uint64_t linear = 1U << steps_bits;
    std::size_t index = microseconds;
    if (microseconds >= linear) {
        const auto shift = static_cast<unsigned>(std::bit_width(microseconds)) - steps_bits - 1;
        index = ((shift + 1) << steps_bits) + (microseconds >> shift) - linear;
    }
    ++counts_[std::min(index, counts_.size() - 1)];
    ++count_;
}

void histogram::add(const histogram& other) noexcept {
    for (std::size_t index = 0; index < counts_.size(); ++index)
        counts_[index] += other.counts_[index];
    count_ += other.count_;
}

double histogram::quantile_ms(double share) const noexcept {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
    std::uint64_t seen = 0;
    std::size_t index = 0;
    while (index + 1 < counts_.size() && (seen += counts_[index]) < wanted)
        ++index;
    constexpr std::uint64_t linear = 1U << steps_bits;
    if (index < linear) return static_cast<double>(index) / 1000;
    const auto shift = (index >> steps_bits) - 1;
    const auto bound = ((index & (linear - 1)) + linear + 1) << shift;
    return static_cast<double>(bound) / 1000;
}

} // namespace countersign::bench
