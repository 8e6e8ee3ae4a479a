// Replacing keys, as far as the store is concerned: what still stands under which key, and putting
// what can be put under the current ones there. Both walk over all accounts while servers serve.
#pragma once

#include "core/codes.hpp"
#include "core/crypto/aead.hpp"
#include "core/decide/renewal.hpp"
#include "core/random.hpp"
#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/connection.hpp"
#include "store/email_index.hpp"
#include "store/event_loop.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace countersign::store {

struct key_use {
    std::uint64_t accounts = 0;
    core::account_key_use values;
    core::count_by_key addresses;    // by the pepper under which the account is found by its own
    core::count_by_key service_keys; // by pepper
};

struct renewal_progress {
    std::uint64_t accounts = 0;   // looked at
    std::uint64_t sealed = 0;     // of those: sealed anew
    std::uint64_t addresses = 0;  // of those: found by their address under the current pepper now
    std::uint64_t unreadable = 0; // of those: hold a secret that none of the keys opens
};

// One per command; the references outlive it.
class key_renewal {
public:
    struct parts {
        connection& redis;
        accounts& all;
        email_index& emails;
        const core::key_ring& keys;
        const core::code_hasher& codes;
        core::random_source& random;
        std::function<core::unix_time()> now;
    };
    explicit key_renewal(parts with) : with_(std::move(with)) {}

    [[nodiscard]] awaitable<store_result<key_use>> count();

    // Seals anew what stands under older encryption keys, through the compare-and-set that every
    // change of an account goes through, and enters addresses under the current pepper. It can be
    // ended at any time and run again: what is done is done. `show` is called after each account;
    // false ends the walk.
    [[nodiscard]] awaitable<store_result<renewal_progress>>
    renew(std::function<bool(const renewal_progress&)> show);

    // Deletes the index entries of addresses under the pepper at that place of the ring. Only when
    // count() names it for no address.
    [[nodiscard]] awaitable<store_result<void>> forget_addresses(std::size_t place);

private:
    [[nodiscard]] awaitable<store_result<void>> count_one(core::account_id id, key_use& use);
    [[nodiscard]] awaitable<store_result<void>>
    show_one(core::account_id id, renewal_progress& progress,
             const std::function<bool(const renewal_progress&)>& show, bool& ended);
    [[nodiscard]] awaitable<store_result<void>> forget_one(core::account_id id, std::size_t place);
    [[nodiscard]] awaitable<store_result<void>> renew_one(core::account_id id,
                                                          renewal_progress& progress);

    parts with_;
};

} // namespace countersign::store
