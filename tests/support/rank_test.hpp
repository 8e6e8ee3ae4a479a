// Whether two sets of measured times could be one: the Mann-Whitney U test's effect size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace countersign::tests {

// The probability that one of `right` is greater than one of `left` (ties count half), U / (n m):
// 0.5 where nothing tells them apart, 0 or 1 where everything does. Neither is empty.
[[nodiscard]] inline double probability_of_greater(const std::vector<double>& left,
                                                   const std::vector<double>& right) {
    std::vector<std::pair<double, bool>> all; // value, whether it is of `right`
    for (const auto value : left)
        all.emplace_back(value, false);
    for (const auto value : right)
        all.emplace_back(value, true);
    std::ranges::sort(all);
    double ranks_of_right = 0;
    for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
        while (end < all.size() && all[end].first == all[begin].first)
            ++end;
        const auto rank = (static_cast<double>(begin + end) + 1) / 2; // ties share their ranks
        for (auto at = begin; at < end; ++at)
            if (all[at].second) ranks_of_right += rank;
    }
    const auto n = static_cast<double>(left.size()), m = static_cast<double>(right.size());
    return (ranks_of_right - m * (m + 1) / 2) / (n * m);
}

} // namespace countersign::tests
