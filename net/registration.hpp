// Registration as every family does it: the same cost and the same mail queue work whether or not
// the address is taken; its holder hears of the attempt.
#pragma once

#include "core/decide/registration.hpp"
#include "net/evidence.hpp"
#include "store/event_loop.hpp"

namespace countersign::net {

// Hashes the password, and makes the account that `command` (still without a hash) describes. The
// account as it begins; nullopt: the address is another account's.
[[nodiscard]] awaitable<boost::system::result<std::optional<core::account>, evidence_failure>>
register_account(services& services, core::register_account command, std::string password);

} // namespace countersign::net
