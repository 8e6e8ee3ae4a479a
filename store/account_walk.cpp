#include "store/account_walk.hpp"

#include "core/decide/strangers.hpp"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr const char* keys_per_trip = "1000";

} // namespace

asio::awaitable<store_result<void>> walk_accounts(connection& redis, const accounts& accounts,
                                                  account_visit visit) {
    std::string cursor = "0";
    do {
        std::vector<std::string> words{"SCAN",  cursor,        "MATCH", accounts::key_pattern,
                                       "COUNT", keys_per_trip, "TYPE",  "hash"};
        const auto reply = co_await redis.command(std::move(words));
        if (!reply) co_return reply.error();
        const auto* parts = reply->list();
        const bool sound = parts != nullptr && parts->size() == 2;
        const auto* next = sound ? (*parts)[0].text() : nullptr;
        const auto* keys = sound ? (*parts)[1].list() : nullptr;
        if (next == nullptr || keys == nullptr) {
            spdlog::error("redis: unexpected answer about the keys");
            co_return store_error::corrupt;
        }
        for (const auto& key : *keys) {
            const auto* text = key.text();
            auto id = text == nullptr ? std::nullopt : accounts.id_of_key(*text);
            if (!id || core::is_stranger(*id)) continue;
            const auto visited = co_await visit(*std::move(id));
            if (!visited) co_return visited.error();
        }
        cursor = *next;
    } while (cursor != "0");
    co_return store_result<void>();
}

} // namespace countersign::store
