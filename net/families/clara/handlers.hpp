// The Clara family's handlers, one per route. Each is five steps: parse, validate, decide, map the
// outcome, reply. The route table (routes.cpp) says which credential was read before.
#pragma once

#include "net/families/clara/call.hpp"
#include "store/event_loop.hpp"

namespace countersign::net::clara {

using handled = awaitable<reply>;

// sessions.cpp
[[nodiscard]] handled register_account(call& call);
[[nodiscard]] handled log_in(call& call);
[[nodiscard]] handled log_out(call& call);

// codes.cpp
[[nodiscard]] handled send_code(call& call);
[[nodiscard]] handled activate(call& call);
[[nodiscard]] handled change_password(call& call);

// two_factor.cpp
[[nodiscard]] handled enable_two_factor(call& call);
[[nodiscard]] handled disable_two_factor(call& call);

// users.cpp
[[nodiscard]] handled list_users(call& call);
[[nodiscard]] handled read_user(call& call);
[[nodiscard]] handled update_user(call& call);
[[nodiscard]] handled delete_user(call& call);

// status.cpp
[[nodiscard]] handled health(call& call);
[[nodiscard]] handled version(call& call);

} // namespace countersign::net::clara
