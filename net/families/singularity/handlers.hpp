// The native family's handlers, one per route. Each is five steps: parse, validate, decide, map the
// outcome, reply. The route table (routes.cpp) says which credential was read before.
#pragma once

#include "net/families/singularity/call.hpp"
#include "store/event_loop.hpp"

namespace countersign::net::singularity {

using handled = awaitable<reply>;

// login.cpp
[[nodiscard]] handled register_account(call& call);
[[nodiscard]] handled log_in(call& call);
[[nodiscard]] handled complete_login(call& call);
[[nodiscard]] handled recover(call& call);
[[nodiscard]] handled log_out(call& call);
[[nodiscard]] handled refresh(call& call);

// step_up.cpp
[[nodiscard]] handled begin_step_up(call& call);
[[nodiscard]] handled complete_step_up(call& call);
[[nodiscard]] handled status(call& call);

// two_factor.cpp
[[nodiscard]] handled begin_totp(call& call);
[[nodiscard]] handled confirm_totp(call& call);
[[nodiscard]] handled disable_totp(call& call);
[[nodiscard]] handled send_email_code(call& call);
[[nodiscard]] handled enable_email(call& call);
[[nodiscard]] handled disable_email(call& call);
[[nodiscard]] handled email_cooldown(call& call);
[[nodiscard]] handled prefer_method(call& call);

// profile.cpp
[[nodiscard]] handled read_user(call& call);
[[nodiscard]] handled rename_user(call& call);
[[nodiscard]] handled delete_user(call& call);
[[nodiscard]] handled change_email(call& call);
[[nodiscard]] handled change_password(call& call);
[[nodiscard]] handled list_sessions(call& call);
[[nodiscard]] handled end_session(call& call);
[[nodiscard]] handled end_all_sessions(call& call);

// mail_links.cpp
[[nodiscard]] handled verify_email(call& call);
[[nodiscard]] handled send_verification(call& call);
[[nodiscard]] handled verification_cooldown(call& call);
[[nodiscard]] handled request_password_reset(call& call);
[[nodiscard]] handled reset_password(call& call);
[[nodiscard]] handled password_reset_cooldown(call& call);

// What several of them reply with.
void add_session_tokens(call& call, reply& out, boost::json::object& body,
                        const core::account_id& account, const core::session_opened& opened,
                        const std::string& refresh_id);
[[nodiscard]] reply reply_second_factor_pending(call& call, boost::json::object body,
                                                const core::account& account,
                                                core::challenge_purpose purpose,
                                                const core::second_factor_pending& pending);

} // namespace countersign::net::singularity
