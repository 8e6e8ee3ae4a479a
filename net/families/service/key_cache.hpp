// Service keys as a worker last saw them, so that a request need not ask Redis for its key each
// time. Only keys that exist are kept, and none longer than `life`: that late a revoked one may
// still count.
#pragma once

#include "core/codes.hpp"
#include "store/service_keys.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace countersign::net::service {

// Owned by one thread. Found by the key's keyed hash, as in the store, so the time that a look-up
// takes tells nothing about the keys that there are.
class key_cache {
public:
    using key = std::shared_ptr<const store::service_key>;

    // Both outlive the cache.
    key_cache(store::service_keys& keys, const core::code_hasher& codes)
        : keys_(keys), codes_(codes) {}

    // The key if it was found within `life`, else null.
    [[nodiscard]] key recall(std::string_view presented) const;
    // Asks the store; null: there is no such key. `presented` is only read until the first wait.
    [[nodiscard]] boost::asio::awaitable<store::store_result<key>> find(std::string_view presented);

    static constexpr std::chrono::seconds life{1};
    static constexpr std::size_t size_max = 1024;

private:
    using clock = std::chrono::steady_clock;
    struct entry {
        key found;
        clock::time_point asked_at;
        [[nodiscard]] bool fresh(clock::time_point now) const { return now - asked_at < life; }
    };

    void keep(std::string hash, entry fresh);

    store::service_keys& keys_;
    const core::code_hasher& codes_;
    std::unordered_map<std::string, entry> entries_; // by store::service_key_hash
};

} // namespace countersign::net::service
