// What can go wrong between us and Redis. Business refusals are not here: they are core's.
#pragma once

#include "core/result.hpp"

#include <cstdint>
#include <string_view>

namespace countersign::store {

using core::throw_exception_from_error;

enum class store_error : std::uint8_t {
    unavailable, // no connection, or no answer within the deadline: fail closed, ask again later
    contention,  // the compare-and-set lost too many races
    corrupt,     // a stored value is not what it should be; the log says which key
    overloaded,  // the bounded queue to Redis is full; the call did not run
    outbox_full, // too many mails wait: a change that has to tell somebody is not taken now
};
[[nodiscard]] std::string_view to_string(store_error error) noexcept;

template <typename T>
using store_result = boost::system::result<T, store_error>;

} // namespace countersign::store
