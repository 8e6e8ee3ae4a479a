// The accounts in a Redis as the bytes that are kept of them, to tell whether anything changed.
#pragma once

#include "store/connection.hpp"

#include <map>
#include <string>

namespace countersign::tests {

// By key in Redis: the names and values of the hash's fields, so the version too. Throws
// std::runtime_error if Redis does not answer.
[[nodiscard]] std::map<std::string, std::string>
stored_accounts(const store::redis_address& address);

} // namespace countersign::tests
