// The service family's handlers, one per route. Each is five steps: parse, validate, decide, map
// the outcome, reply. The service key and the subject's form were looked at before.
#pragma once

#include "net/families/service/call.hpp"
#include "store/event_loop.hpp"

namespace countersign::net::service {

using handled = awaitable<reply>;

// subjects.cpp
[[nodiscard]] handled put_subject(call& call);
[[nodiscard]] handled read_subject(call& call);
[[nodiscard]] handled erase_subject(call& call);
[[nodiscard]] handled put_notification_addresses(call& call);

// factors.cpp
[[nodiscard]] handled begin_totp(call& call);
[[nodiscard]] handled confirm_totp(call& call);
[[nodiscard]] handled reset_factors(call& call);
[[nodiscard]] handled reset_factor(call& call);
[[nodiscard]] handled replace_backup_codes(call& call);

// passkeys.cpp
[[nodiscard]] handled begin_passkey(call& call);
[[nodiscard]] handled confirm_passkey(call& call);
[[nodiscard]] handled begin_passkey_verification(call& call);

// verification.cpp
[[nodiscard]] handled mail_code(call& call);
[[nodiscard]] handled verify(call& call);
[[nodiscard]] handled open_session(call& call);
[[nodiscard]] handled end_sessions(call& call);

// activity.cpp
[[nodiscard]] handled read_activity(call& call);

// introspection.cpp
[[nodiscard]] handled introspect(call& call);

// imports.cpp
[[nodiscard]] handled import_subjects(call& call);

} // namespace countersign::net::service
