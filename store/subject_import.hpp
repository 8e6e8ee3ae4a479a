// One line of an import becomes an account, once: a line that runs again changes nothing, so an
// import that was cut short is simply run again from its beginning.
#pragma once

#include "core/decide/subjects.hpp"
#include "core/import_line.hpp"
#include "store/account_lifecycle.hpp"
#include "store/event_loop.hpp"

#include <cstdint>

namespace countersign::store {

enum class import_status : std::uint8_t {
    created,
    unchanged,   // the subject has what the line would make, or more
    differs,     // the subject is there with another address or without a device of the line, or
                 // means an account by its id
    email_taken, // another account has the address, or is being created with it
};

// Imports only add: an account that is there stays as it is, so that a used backup code does not
// come back. After an error the account may or may not have been created: ask again. `line` and
// what the context refers to outlive the call.
[[nodiscard]] awaitable<store_result<import_status>>
import_subject(accounts& accounts, email_index& emails, const core::context& context,
               core::random_source& random, const core::import_line& line, core::unix_time now);

} // namespace countersign::store
