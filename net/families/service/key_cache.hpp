// Service keys as a worker last saw them, so that a request need not ask Redis for its key each
// time. Only keys that exist are kept, and none longer than `life`: that late a revoked one may
// still count.
#pragma once

#include "core/random.hpp"
#include "store/event_loop.hpp"
#include "store/service_keys.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace countersign::net::service {

// Owned by one thread. Found by the hash of the key behind a secret of the cache's own, so the time
// that a look-up takes tells nothing about the keys that there are.
class key_cache {
public:
    using key = std::shared_ptr<const store::service_key>;

    // `keys` outlives the cache.
    key_cache(store::service_keys& keys, core::random_source& random);

    // The key if it was found within `life`, else null.
    [[nodiscard]] key recall(std::string_view presented) const;
    // Asks the store; null: there is no such key. `presented` is only read until the first wait.
    [[nodiscard]] awaitable<store::store_result<key>> find(std::string_view presented);

    static constexpr std::chrono::seconds life{1};
    static constexpr std::size_t size_max = 1024;

private:
    using clock = std::chrono::steady_clock;
    struct entry {
        key found;
        clock::time_point asked_at;
        [[nodiscard]] bool fresh(clock::time_point now) const { return now - asked_at < life; }
    };

    using name = std::array<std::byte, 32>;
    struct hash_of_name {
        std::size_t operator()(const name& of) const noexcept {
            std::size_t front = 0;
            std::memcpy(&front, of.data(), sizeof front);
            return front;
        }
    };
    [[nodiscard]] name name_of(std::string_view presented) const;
    void keep(const name& of, entry fresh);

    store::service_keys& keys_;
    std::array<std::byte, 32> secret_;
    std::unordered_map<name, entry, hash_of_name> entries_;
};

} // namespace countersign::net::service
