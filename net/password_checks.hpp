// Evidence about a password, made on the pool before a decision.
#pragma once

#include "core/decide/evidence.hpp"
#include "net/password_pool.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <boost/system/result.hpp>

#include <string>

namespace countersign::net {

// Checks the password against the account's hash. For no account (nullptr) and for one without a
// password it runs against the dummy hash and does not match: the time says nothing. The account
// must outlive the call.
[[nodiscard]] awaitable<boost::system::result<core::password_check, overload>>
check_password(services& services, const core::account* account, std::string password);

} // namespace countersign::net
