// The slugbase family's view of an account (contract sections 2.3 and 2.4).
#pragma once

#include "core/account.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace countersign::net::slugbase {

// The user object of a login, into `body`.
void add_user(boost::json::object& body, const core::account& account);
[[nodiscard]] boost::json::object profile(const core::account& account);
[[nodiscard]] boost::json::object mfa_status(const core::account& account);
[[nodiscard]] boost::json::object api_token_view(const core::api_token& token);
[[nodiscard]] boost::json::array api_token_list(const core::account& account);

} // namespace countersign::net::slugbase
