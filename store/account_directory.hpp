// All accounts in the order of their ids, a page at a time: for an administrator's list.
//
// There is no index of accounts, so a page costs a walk (SCAN) over every key of the Redis
// database, ours and others': a round trip per 1,000 keys, during which Redis serves others between
// the trips; a million keys take one to two seconds. It keeps the ids up to the page's end (some
// 120 bytes each) and the page's accounts. A later page costs as much as the first. For people who
// look at a list now and then, not for a request that many may make.
#pragma once

#include "core/account.hpp"
#include "store/accounts.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <chrono>
#include <cstddef>
#include <vector>

namespace countersign::store {

struct account_page {
    std::size_t offset = 0; // how many accounts stand before it
    std::size_t limit = 100;
};
// What the caller keeps: offset + limit, and limit.
inline constexpr std::size_t listed_accounts_max = 100'000;
inline constexpr std::size_t account_page_limit_max = 1'000;

// How long a page may take. It is `unavailable` if that is not enough.
inline constexpr std::chrono::seconds account_listing_budget{10};

// An account that is there all the while is in exactly its place; one that comes or goes meanwhile
// may be missing, so a page can be shorter than its limit before the last. Pages asked for one
// after the other are no snapshot: what comes or goes in between moves the rest. `corrupt` if an
// account of the page is, `unavailable` while slots of a cluster are being moved.
[[nodiscard]] awaitable<store_result<std::vector<core::account>>>
list_accounts(connection& redis, accounts& accounts, account_page page);

} // namespace countersign::store
