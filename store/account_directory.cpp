#include "store/account_directory.hpp"

#include "store/key_scan.hpp"

#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

// The smallest ids seen, each once however often SCAN names it, and never more than `size_max`.
class first_ids {
public:
    explicit first_ids(std::size_t size_max) : size_max_(size_max) {}

    void add(core::account_id id) {
        if (size_max_ == 0 || (ids_.size() == size_max_ && *ids_.rbegin() < id)) return;
        ids_.insert(std::move(id));
        if (ids_.size() > size_max_) ids_.erase(std::prev(ids_.end()));
    }
    [[nodiscard]] std::vector<core::account_id> from(std::size_t offset) const {
        if (offset >= ids_.size()) return {};
        return {std::next(ids_.begin(), static_cast<std::ptrdiff_t>(offset)), ids_.end()};
    }

private:
    std::size_t size_max_;
    std::set<core::account_id> ids_;
};

awaitable<store_result<void>> add_all(const accounts& accounts, first_ids& into,
                                      std::vector<std::string> keys) {
    for (const auto& key : keys)
        if (auto id = accounts.id_of_key(key)) into.add(*std::move(id));
    co_return store_result<void>();
}

} // namespace

awaitable<store_result<std::vector<core::account>>>
list_accounts(connection& redis, accounts& accounts, account_page page) {
    const auto until = std::chrono::steady_clock::now() + account_listing_budget;
    first_ids ids(page.offset + page.limit);
    const auto done = co_await scan_hashes(
        redis, accounts::key_pattern,
        [&accounts, &ids](std::vector<std::string> keys) {
            return add_all(accounts, ids, std::move(keys));
        },
        until);
    if (!done) co_return done.error();

    std::vector<core::account> listed;
    for (auto& id : ids.from(page.offset)) {
        if (std::chrono::steady_clock::now() >= until) co_return store_error::unavailable;
        auto loaded = co_await accounts.load(std::move(id));
        if (!loaded) co_return loaded.error();
        if (auto& account = *loaded) listed.push_back(std::move(account->value));
    }
    co_return listed;
}

} // namespace countersign::store
