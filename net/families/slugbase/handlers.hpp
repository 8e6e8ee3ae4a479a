// The slugbase family's handlers, one per route. Each is five steps: parse, validate, decide, map
// the outcome, reply. The route table (routes.cpp) says which credential was read before.
#pragma once

#include "net/families/slugbase/call.hpp"
#include "store/event_loop.hpp"

namespace countersign::net::slugbase {

using handled = awaitable<reply>;

// login.cpp
[[nodiscard]] handled log_in(call& call);
[[nodiscard]] handled verify_login(call& call);
[[nodiscard]] handled log_out(call& call);

// mfa.cpp
[[nodiscard]] handled read_mfa_status(call& call);
[[nodiscard]] handled begin_enrolment(call& call);
[[nodiscard]] handled confirm_enrolment(call& call);
[[nodiscard]] handled cancel_enrolment(call& call);
[[nodiscard]] handled disable_mfa(call& call);
[[nodiscard]] handled regenerate_backup_codes(call& call);

// account.cpp
[[nodiscard]] handled read_me(call& call);
[[nodiscard]] handled read_csrf_token(call& call);
[[nodiscard]] handled list_api_tokens(call& call);
[[nodiscard]] handled create_api_token(call& call);
[[nodiscard]] handled revoke_api_token(call& call);

// `code` without the white space that people copy along (contract section 2.5); empty if absent. A
// number gets its leading zeros back.
[[nodiscard]] std::string read_code(json_body& body);

} // namespace countersign::net::slugbase
