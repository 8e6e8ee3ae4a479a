// Logging in: password, then second factor; and the life of a session after that. No edge leads
// from a pending login to a session but a proved second factor (T-21, T-22).
#pragma once

#include "core/decide/evidence.hpp"

#include <variant>

namespace countersign::core {

// The codes that a client offered; at most one is looked at.
struct presented_code {
    std::optional<std::string> totp;
    std::optional<std::string> email;
    std::optional<std::string> any; // of whichever factor is on, or a backup code
};

struct session_opened {
    session_id session;
    assurance_level assurance = assurance_level::aal1;
};
// Half-way: a second factor is asked for.
struct second_factor_pending {
    challenge_id challenge;
    bool code_mailed = false;
};

struct log_in {
    password_check password;
    session_material session;
    challenge_id challenge;
    sealed_code mail;         // a second-factor code, mailed if e-mail is preferred
    session_id replaces = {}; // of the same browser; ends when the new one opens
    request_origin origin;
};
// Refuses with blocked (also by too many logins that nobody completed), wrong_password.
[[nodiscard]] decision<std::variant<session_opened, second_factor_pending>>
decide(const account& current, const log_in& command, const context& context, unix_time now);

struct complete_login {
    challenge_id challenge;
    presented_code code;
    session_material session;
    request_origin origin;
};
// Refuses with challenge_unknown, no_code, no_second_factor, blocked, wrong_code, code_expired.
[[nodiscard]] decision<session_opened> decide(const account& current, const complete_login& command,
                                              const context& context, unix_time now);

// Password and code in one request; nothing is left pending (clara contract section 1.4).
struct log_in_at_once {
    password_check password;
    std::optional<std::string> code; // as presented_code::any
    session_material session;
    request_origin origin;
};
// Refuses with blocked, wrong_password; and where a second factor is on, with no_code, wrong_code,
// code_expired.
[[nodiscard]] decision<session_opened> decide(const account& current, const log_in_at_once& command,
                                              const context& context, unix_time now);

// A backend vouches for the first factor; the second, where one is on, is proved here or pending.
struct vouch_for_login {
    std::optional<std::string> code; // as presented_code::any
    session_material session;
    challenge_id challenge;
    sealed_code mail;
    request_origin origin;
};
// Refuses with blocked, wrong_code, code_expired.
[[nodiscard]] decision<std::variant<session_opened, second_factor_pending>>
decide(const account& current, const vouch_for_login& command, const context& context,
       unix_time now);

// A backend asks whether a code is right; what is right is used up.
struct verify_code {
    std::string code; // as presented_code::any
    request_origin origin;
};
struct code_verified {
    proof_method method = proof_method::totp;
    int remaining_backup_codes = 0;
};
// Refuses with no_second_factor, blocked, wrong_code, code_expired.
[[nodiscard]] decision<code_verified> decide(const account& current, const verify_code& command,
                                             const context& context, unix_time now);

// Whether codes are looked at now; nullopt: they are. Refuses with blocked.
[[nodiscard]] std::optional<refusal> may_verify(const account& current, const context& context,
                                                unix_time now);

// A backup code stands in for the second factor of a pending login or step-up.
struct recover_with_backup_code {
    challenge_id challenge;
    std::string code;
    session_material session;
    request_origin origin;
};
// Refuses with challenge_unknown, method_off, blocked, wrong_backup_code.
[[nodiscard]] decision<session_opened> decide(const account& current,
                                              const recover_with_backup_code& command,
                                              const context& context, unix_time now);

struct refresh_session {
    session_id session;
    std::string presented_id; // the `jti` of the refresh token
    std::string next_id;
    request_origin origin;
};
// Refresh tokens are single use: another than the live one ends the session. Refuses with
// session_ended, refresh_reused.
[[nodiscard]] decision<session_opened> decide(const account& current,
                                              const refresh_session& command,
                                              const context& context, unix_time now);

struct log_out {
    session_id session;
};
[[nodiscard]] decision<nothing> decide(const account& current, const log_out& command,
                                       const context& context, unix_time now);

struct end_session {
    session_proof proof;
    session_id target;
};
// Refuses with session_ended, no_such_session; and with step_up_… if policy says so.
[[nodiscard]] decision<nothing> decide(const account& current, const end_session& command,
                                       const context& context, unix_time now);

struct end_all_sessions {
    session_proof proof;
    request_origin origin;
};
// Refuses with session_ended; and with step_up_… if policy says so.
[[nodiscard]] decision<nothing> decide(const account& current, const end_all_sessions& command,
                                       const context& context, unix_time now);

// Asked by the clock, at notice_due(): pending logins that have run out end, and the holder hears
// of one that got no further than the password. Never refuses.
struct notice_unfinished_logins {
    std::string nonce; // as request_origin::nonce
};
[[nodiscard]] decision<nothing> decide(const account& current,
                                       const notice_unfinished_logins& command,
                                       const policy& policy, unix_time now);

} // namespace countersign::core
