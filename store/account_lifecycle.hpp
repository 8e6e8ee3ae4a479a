// An account comes and goes together with its address in the index. Each step is safe to die
// after, and so is every pair of these running at once.
#pragma once

#include "core/account.hpp"
#include "core/event.hpp"
#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/error.hpp"

#include <boost/asio/awaitable.hpp>

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
[[nodiscard]] boost::asio::awaitable<store_result<creation>>
create_account(email_index& emails, accounts& accounts, core::account fresh,
               std::vector<core::event> events, core::unix_time now);

// Erases the account at the version that was read, then releases its address. False: it has changed
// meanwhile or is gone, and its address is left alone. An address that could not be released points
// at nothing, and the next one who wants it takes it over.
[[nodiscard]] boost::asio::awaitable<store_result<bool>>
erase_account(email_index& emails, accounts& accounts, loaded_account seen);

} // namespace countersign::store
