// The service family's view of a subject.
#pragma once

#include "core/account.hpp"
#include "core/decide/evidence.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace countersign::net::service {

[[nodiscard]] boost::json::object view_of(const core::account& account,
                                          const core::context& context, core::unix_time now);

// `twoFactorMethods` of a login that waits: "totp", "email".
[[nodiscard]] boost::json::array methods_of(const core::account& account);

} // namespace countersign::net::service
