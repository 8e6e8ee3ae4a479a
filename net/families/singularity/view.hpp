// The native family's view of an account and its sessions (contract section 3.3).
#pragma once

#include "core/account.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace countersign::net::singularity {

// PrincipalResponse.
[[nodiscard]] boost::json::object principal(const core::account& account);
[[nodiscard]] boost::json::array session_list(const core::account& account, core::unix_time now);

// `twoFactorMethods` and `preferredTwoFactorMethod`, as login, step-up and status give them.
void add_methods(boost::json::object& body, const core::account& account);

// JSON null for an empty text.
[[nodiscard]] boost::json::value or_null(const std::string& text);

} // namespace countersign::net::singularity
