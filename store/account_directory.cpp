#include "store/account_directory.hpp"

#include <spdlog/spdlog.h>

#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr const char* keys_per_trip = "1000";

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

// SCAN's answer.
struct scanned {
    const std::string* cursor; // "0" at the end
    const std::vector<reply_value>* keys;
};

store_result<scanned> read_scanned(const reply_value& reply) {
    const auto* parts = reply.list();
    if (parts != nullptr && parts->size() == 2) {
        const scanned found{(*parts)[0].text(), (*parts)[1].list()};
        if (found.cursor != nullptr && found.keys != nullptr) return found;
    }
    spdlog::error("redis: unexpected answer about the keys");
    return store_error::corrupt;
}

asio::awaitable<store_result<void>> collect(connection& redis, const accounts& accounts,
                                            first_ids& into, steady_time until) {
    std::string cursor = "0";
    do {
        std::vector<std::string> words{"SCAN",  cursor,        "MATCH", accounts::key_pattern,
                                       "COUNT", keys_per_trip, "TYPE",  "hash"};
        const auto reply = co_await redis.command(std::move(words), until);
        if (!reply) co_return reply.error();
        const auto found = read_scanned(*reply);
        if (!found) co_return found.error();
        for (const auto& key : *found->keys) {
            const auto* text = key.text();
            auto id = text == nullptr ? std::nullopt : accounts.id_of_key(*text);
            if (id) into.add(*std::move(id));
        }
        cursor = *found->cursor;
    } while (cursor != "0");
    co_return store_result<void>();
}

} // namespace

asio::awaitable<store_result<std::vector<core::account>>>
list_accounts(connection& redis, accounts& accounts, account_page page) {
    const auto until = std::chrono::steady_clock::now() + account_listing_budget;
    first_ids ids(page.offset + page.limit);
    const auto done = co_await collect(redis, accounts, ids, until);
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
