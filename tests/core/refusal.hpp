// Why a result was refused. Boost's own error() answers the enumeration's zero where there is a
// value, so a test that asked it could take a success for the first kind of failure.
#pragma once

#include "core/result.hpp"

#include <optional>

namespace countersign::tests {

// Nullopt where the result has a value.
template <typename T, typename E>
[[nodiscard]] std::optional<E> refusal(const boost::system::result<T, E>& result) {
    return result.has_value() ? std::nullopt : std::optional<E>(result.error());
}

} // namespace countersign::tests
