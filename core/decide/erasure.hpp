// The end of an account. Whether it may be erased is asked before (may_change(), a backend's key);
// what is said of it is decided here.
#pragma once

#include "core/decide/evidence.hpp"

#include <vector>

namespace countersign::core {

// What is committed with the erasure of `current`: every address of it hears that it is gone.
[[nodiscard]] std::vector<event> events_of_erasure(const account& current,
                                                   const request_origin& origin,
                                                   const context& context, unix_time now);

} // namespace countersign::core
