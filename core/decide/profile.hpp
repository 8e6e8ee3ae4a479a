// The address, the password and the name of an account: how each is proved and changed.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/text.hpp"

namespace countersign::core {

// A link to the address that is to be proved: the pending one, or else the present one.
struct send_verification {
    session_proof proof;
    sealed_code link;
    request_origin origin;
};
struct link_sent {
    seconds cooldown;
};
// Refuses with session_ended, email_verified_already, mail_too_soon.
[[nodiscard]] decision<link_sent> decide(const account& current, const send_verification& command,
                                         const context& context, unix_time now);

struct verify_email {
    std::string link_id; // the `jti` of the link's token
    request_origin origin;
};
// What the link proved: the present address, or a new one that now replaces it.
struct email_proved {
    std::string previous_email; // empty if the address did not change
};
// Single use (T-06, T-37). Refuses with email_verified_already, link_expired, link_unknown.
[[nodiscard]] decision<email_proved> decide(const account& current, const verify_email& command,
                                            const context& context, unix_time now);
// The address that the link would put into force, if it is live and of a change; so that the caller
// can take it in the index before deciding.
[[nodiscard]] std::optional<std::string> address_to_take(const account& current,
                                                         std::string_view link_id,
                                                         const context& context, unix_time now);

// Asks for another address; in force once that address was proved.
struct request_email_change {
    session_proof proof;
    email_address email;
    sealed_code link;
    request_origin origin;
};
// Refuses with session_ended, step_up_…, blocked, email_unchanged, mail_too_soon.
[[nodiscard]] decision<link_sent> decide(const account& current,
                                         const request_email_change& command,
                                         const context& context, unix_time now);

struct change_password {
    session_proof proof;
    password_check old_password;
    std::string new_hash;
    request_origin origin;
};
// Ends every other session. Refuses with session_ended, step_up_…, no_password, blocked,
// wrong_password.
[[nodiscard]] decision<nothing> decide(const account& current, const change_password& command,
                                       const context& context, unix_time now);

struct request_password_reset {
    sealed_code link;
    request_origin origin;
};
// Refuses with mail_too_soon.
[[nodiscard]] decision<link_sent> decide(const account& current,
                                         const request_password_reset& command,
                                         const context& context, unix_time now);

struct reset_password {
    std::string link_id;
    std::string new_hash;
    request_origin origin;
};
// Ends every session, pending login and API token; the second factor stays as it is and the next
// login asks for it (T-23). Refuses with link_expired, link_unknown.
[[nodiscard]] decision<nothing> decide(const account& current, const reset_password& command,
                                       const context& context, unix_time now);

// Proves the present address by a mailed code (clara contract section 1.3).
struct activate_email {
    std::string code;
    request_origin origin;
};
// Refuses with blocked, code_not_mailed, wrong_code, code_expired.
[[nodiscard]] decision<nothing> decide(const account& current, const activate_email& command,
                                       const context& context, unix_time now);

// A new password by a mailed code of purpose reset_password.
struct change_password_with_code {
    requester by;
    std::string code;
    std::string new_hash;
    request_origin origin;
};
// Ends every session but the one that asks; where none asks, the API tokens too, as
// reset_password does. Refuses with session_ended, blocked, code_not_mailed, wrong_code,
// code_expired.
[[nodiscard]] decision<nothing> decide(const account& current,
                                       const change_password_with_code& command,
                                       const context& context, unix_time now);

struct update_profile {
    requester by;
    std::optional<std::string> name;                    // the whole, or …
    std::optional<std::string> given_name, family_name; // … either part of it
    std::optional<bool> dark_mode;
};
// Refuses with session_ended.
[[nodiscard]] decision<nothing> decide(const account& current, const update_profile& command,
                                       const context& context, unix_time now);

// Whether the account may be shown to who asks; nullopt: it may.
[[nodiscard]] std::optional<refusal> may_read(const account& current, const requester& by,
                                              unix_time now);

} // namespace countersign::core
