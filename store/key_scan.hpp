// Every key that matches a pattern, of every server that holds keys: what walks and lists stand on.
#pragma once

#include "store/connection.hpp"
#include "store/error.hpp"
#include "store/event_loop.hpp"

#include <functional>
#include <string>
#include <vector>

namespace countersign::store {

// What to do with some of them; an error ends the scan.
using keys_visit = std::function<awaitable<store_result<void>>(std::vector<std::string>)>;

// Hashes only (SCAN … TYPE hash), with a round trip per 1,000 keys of any kind, during which Redis
// serves others between the trips. A key that is there all the while is shown once or more; one
// that comes or goes meanwhile perhaps. In a cluster it is `unavailable` if slots move meanwhile,
// because a key may have moved past it. `until`: of each trip.
[[nodiscard]] awaitable<store_result<void>> scan_hashes(connection& redis, std::string pattern,
                                                        keys_visit visit,
                                                        steady_time until = steady_time::max());

} // namespace countersign::store
