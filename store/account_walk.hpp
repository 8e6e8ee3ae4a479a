// All accounts, one after the other, in no order: for commands that look at each.
#pragma once

#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <functional>

namespace countersign::store {

// What to do with an account; an error ends the walk.
using account_visit = std::function<awaitable<store_result<void>>(core::account_id)>;

// A walk (store/key_scan.hpp) over every key of the Redis database. An account that is there all
// the while is visited once or more; one that comes or goes meanwhile perhaps. Strangers are not.
[[nodiscard]] awaitable<store_result<void>>
walk_accounts(connection& redis, const accounts& accounts, account_visit visit);

} // namespace countersign::store
