#include "store/key_scan.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

constexpr const char* keys_per_trip = "1000";

struct scanned {
    std::string cursor; // "0" at the end
    std::vector<std::string> keys;
};

// SCAN's answer.
store_result<scanned> read_scanned(const reply_value& reply) {
    const auto* parts = reply.list();
    const bool sound = parts != nullptr && parts->size() == 2;
    const auto* cursor = sound ? (*parts)[0].text() : nullptr;
    const auto* keys = sound ? (*parts)[1].list() : nullptr;
    if (cursor == nullptr || keys == nullptr) {
        spdlog::error("redis: unexpected answer about the keys");
        return store_error::corrupt;
    }
    scanned found{.cursor = *cursor, .keys = {}};
    for (const auto& key : *keys)
        if (const auto* text = key.text()) found.keys.push_back(*text);
    return found;
}

awaitable<store_result<void>> scan_one(connection& redis, key_holder holder, std::string pattern,
                                       const keys_visit& visit, steady_time until) {
    std::string cursor = "0";
    do {
        std::vector<std::string> words{"SCAN",  cursor,        "MATCH", pattern,
                                       "COUNT", keys_per_trip, "TYPE",  "hash"};
        const auto reply = co_await redis.command_at(holder, std::move(words), until);
        if (!reply) co_return reply.error();
        auto found = read_scanned(*reply);
        if (!found) co_return found.error();
        cursor = std::move(found->cursor);
        const auto visited = co_await visit(std::move(found->keys));
        if (!visited) co_return visited.error();
    } while (cursor != "0");
    co_return store_result<void>();
}

} // namespace

awaitable<store_result<void>> scan_hashes(connection& redis, std::string pattern, keys_visit visit,
                                          steady_time until) {
    const auto holders = co_await redis.holders();
    if (!holders) co_return holders.error();
    for (const auto& holder : *holders) {
        const auto scanned = co_await scan_one(redis, holder, pattern, visit, until);
        if (!scanned) co_return scanned.error();
    }
    const auto afterwards = co_await redis.holders();
    if (!afterwards) co_return afterwards.error();
    if (*afterwards == *holders) co_return store_result<void>();
    spdlog::warn("redis cluster: slots have moved while all keys were looked at");
    co_return store_error::unavailable;
}

} // namespace countersign::store
