// Canonical e-mail address -> account id. An entry is a hint, the account is the truth: an entry
// counts only if the account that it names exists and has that address (as `email`). That makes a
// crash between reserve, create and release heal by itself.
//
// cs:index:email:<keyed hash of the address> holds `<account id>|<when it was taken, Unix ms>`.
//
// While there are several peppers an address is taken under every one, and found under any: servers
// that hash under different ones meanwhile still agree on whose it is.
#pragma once

#include "core/codes.hpp"
#include "core/text.hpp"
#include "store/accounts.hpp"
#include "store/event_loop.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace countersign::store {

class email_index {
public:
    // The hasher turns addresses into keys, so that Redis holds no address as a key.
    email_index(connection& redis, accounts& accounts, const core::code_hasher& hasher);

    // The account that has the address now, or none.
    [[nodiscard]] awaitable<store_result<std::optional<loaded_account>>>
    find(core::email_address address);

    // The same, or the stranger that the address is, with the same work.
    [[nodiscard]] awaitable<store_result<loaded_account>>
    find_or_stranger(core::email_address address);

    // Takes the address for `id`. False: another account has it, or took it less than
    // `reservation_life` ago and is still being created. Taking again for the same id is fine, and
    // makes another entry: its time is later than that of the entry which it replaces.
    [[nodiscard]] awaitable<store_result<bool>> reserve(core::email_address address,
                                                        core::account_id id, core::unix_time now);

    // When `id` took the address, if it holds it.
    [[nodiscard]] awaitable<store_result<std::optional<core::unix_time>>>
    held_since(core::email_address address, core::account_id id);

    // Gives the address up if `id` still holds it; with `since`, if it has not taken it anew since.
    [[nodiscard]] awaitable<store_result<void>>
    release(core::email_address address, core::account_id id,
            std::optional<core::unix_time> since = std::nullopt);

    // Under which pepper `id` holds the address: its place in the ring, the first of several.
    // Nullopt: it does not hold it.
    [[nodiscard]] awaitable<store_result<std::optional<std::size_t>>>
    place_of(core::email_address address, core::account_id id);

    // Gives the address up under the pepper at that place alone, if `id` holds it there.
    [[nodiscard]] awaitable<store_result<void>>
    release_at(std::size_t place, core::email_address address, core::account_id id);

    // A creation takes far less: store deadlines are seconds.
    static constexpr std::chrono::seconds reservation_life{60};

private:
    // What stands under each of the keys; "" where nothing does.
    [[nodiscard]] awaitable<store_result<std::vector<std::string>>>
    read(std::vector<std::string> keys);
    // False: another account holds an entry of that value, or is about to.
    [[nodiscard]] awaitable<store_result<bool>> may_take_over(std::string entry,
                                                              core::email_address address,
                                                              core::account_id id,
                                                              core::unix_time now);
    [[nodiscard]] awaitable<store_result<bool>> reserve_at(std::string key,
                                                           core::email_address address,
                                                           core::account_id id,
                                                           core::unix_time now);
    // Under each pepper, in the ring's order.
    [[nodiscard]] std::vector<std::string> keys_of(const core::email_address& address) const;

    connection& redis_;
    accounts& accounts_;
    const core::code_hasher& hasher_;
};

} // namespace countersign::store
