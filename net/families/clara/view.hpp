// What the Clara family shows (contract sections 1.2 and 1.3).
#pragma once

#include "core/account.hpp"
#include "net/reply.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string_view>

namespace countersign::net::clara {

// {data, message, status}; the last is "success" or "error".
[[nodiscard]] reply envelope(unsigned status, std::string_view kind, std::string_view message,
                             boost::json::value data);
[[nodiscard]] reply success(unsigned status, std::string_view message,
                            boost::json::value data = nullptr);

// The user object. Never with a password's hash, whoever asks.
[[nodiscard]] boost::json::object user(const core::account& account);

// What the contract calls active: the address is proved. Its routes for active users also ask for
// both names.
[[nodiscard]] bool is_active(const core::account& account) noexcept;
[[nodiscard]] bool is_active_with_names(const core::account& account);

} // namespace countersign::net::clara
