#include "store/account_walk.hpp"

#include "core/decide/strangers.hpp"
#include "store/key_scan.hpp"

#include <string>
#include <utility>
#include <vector>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

awaitable<store_result<void>> visit_each(const accounts& accounts, const account_visit& visit,
                                         std::vector<std::string> keys) {
    for (const auto& key : keys) {
        auto id = accounts.id_of_key(key);
        if (!id || core::is_stranger(*id)) continue;
        const auto visited = co_await visit(*std::move(id));
        if (!visited) co_return visited.error();
    }
    co_return store_result<void>();
}

} // namespace

awaitable<store_result<void>> walk_accounts(connection& redis, const accounts& accounts,
                                            account_visit visit) {
    co_return co_await scan_hashes(redis, accounts::key_pattern,
                                   [&accounts, &visit](std::vector<std::string> keys) {
                                       return visit_each(accounts, visit, std::move(keys));
                                   });
}

} // namespace countersign::store
