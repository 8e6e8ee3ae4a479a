// An account comes and goes together with its address in the index. Each step is safe to die
// after, and so is every pair of these running at once.
#pragma once

#include "core/account.hpp"
#include "core/event.hpp"
#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/error.hpp"
#include "store/event_loop.hpp"

#include <cstdint>
#include <vector>

namespace countersign::store {

enum class creation : std::uint8_t {
    created,
    email_taken, // another account has the address, or is being created with it
    exists,      // an account of that id is there, whatever its address
};

// Takes the address of `fresh` (a canonical core::email_address) for its id, then creates it
// together with `events`. After an error it may or may not have been created: calling again with
// the same id then says `exists`, or creates it. An id that exists leaves the index as it is, with
// one exception: if another call created it with another address meanwhile, this one's address is
// kept from other ids for email_index::reservation_life. To give it up sooner would take it from
// the account itself, if that is just moving there.
[[nodiscard]] awaitable<store_result<creation>>
create_account(email_index& emails, accounts& accounts, core::account fresh,
               std::vector<core::event> events, core::unix_time now);

// Erases the account at the version that was read, together with `events`, then releases its
// address. False: it has changed meanwhile or is gone, and its address is left alone. An address
// that could not be released points at nothing, and the next one who wants it takes it over.
[[nodiscard]] awaitable<store_result<bool>> erase_account(email_index& emails, accounts& accounts,
                                                          loaded_account seen,
                                                          std::vector<core::event> events);

// A change of an account's address, around the commit that makes it: the new address is taken
// before and the old one given up after, so that whenever this dies no address leads to an account
// that does not have it.
class address_change {
public:
    // `previous` is the account's address as it was read.
    address_change(email_index& emails, core::account_id id, core::email_address previous,
                   core::email_address next)
        : emails_(emails), id_(std::move(id)), previous_(std::move(previous)),
          next_(std::move(next)) {}

    // Before the commit. False: another account has the new address.
    [[nodiscard]] awaitable<store_result<bool>> take(core::unix_time now);
    // After a commit that replaced `replaced`. What fails here heals by itself: an entry that stays
    // no longer matches its account, and counts for nothing.
    [[nodiscard]] awaitable<void> finish(std::string replaced, core::unix_time now);

private:
    email_index& emails_;
    core::account_id id_;
    core::email_address previous_, next_;
    std::optional<core::unix_time> held_; // since when the account has the entry of `previous_`
};

} // namespace countersign::store
