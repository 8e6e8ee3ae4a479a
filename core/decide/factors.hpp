// Adding and removing second factors, and the codes that are mailed for them.
#pragma once

#include "core/decide/evidence.hpp"

#include <variant>

namespace countersign::core {

// What enabling a factor ends beside every other session: a family's contract may say all (T-33).
enum class sessions_ended : std::uint8_t { others, all };

struct begin_totp {
    authority by;
    std::string token_id; // what the confirmation must name: the `jti` of a set-up token, an id
    totp_device device;   // id, label, parameters, sealed secret: new for each set-up (T-35)
    std::vector<std::string> backup_code_hashes; // or none: they come with the confirmation
};
// Replaces an earlier unconfirmed enrolment. A backend may add devices up to `totp_devices_max`,
// everybody else one. Refuses with session_ended, step_up_…, blocked, no_password (of a step-up),
// method_on_already.
[[nodiscard]] decision<nothing> decide(const account& current, const begin_totp& command,
                                       const context& context, unix_time now);

struct confirm_totp {
    authority by;
    std::string token_id;
    std::string code;
    std::vector<std::string> backup_code_hashes; // in place of those that the beginning brought
    sessions_ended ends = sessions_ended::others;
    request_origin origin;
};
struct totp_confirmed {
    bool new_backup_codes = true; // false: the account keeps those it has
};
// The confirming code uses up its step (T-01). Only who began may confirm (T-35). Refuses as
// begin_totp does, and with enrolment_unknown, enrolment_expired, wrong_code.
[[nodiscard]] decision<totp_confirmed> decide(const account& current, const confirm_totp& command,
                                              const context& context, unix_time now);

struct cancel_totp {
    requester by;
};
// Forgets an unconfirmed enrolment, if there is one. Refuses with session_ended, method_on_already.
[[nodiscard]] decision<nothing> decide(const account& current, const cancel_totp& command,
                                       const context& context, unix_time now);

// The proof that slugbase asks for: a TOTP or a backup code, and the password where there is one.
struct code_and_password {
    std::string code;
    std::optional<password_check> password;
};

struct remove_totp {
    requester by;
    code_and_password proof;
    request_origin origin;
};
// Refuses in this order (slugbase contract section 2.3): session_ended, method_off_already,
// password_missing, blocked, wrong_password, wrong_code; and only_method if policy says so.
[[nodiscard]] decision<nothing> decide(const account& current, const remove_totp& command,
                                       const context& context, unix_time now);

struct renew_backup_codes {
    requester by;
    code_and_password proof;
    std::vector<std::string> backup_code_hashes; // of the codes that replace all old ones
    request_origin origin;
};
// Refuses as remove_totp does.
[[nodiscard]] decision<nothing> decide(const account& current, const renew_backup_codes& command,
                                       const context& context, unix_time now);

// The same, on a backend's word.
struct replace_backup_codes {
    std::vector<std::string> backup_code_hashes;
    request_origin origin;
};
// Refuses with method_off_already where neither an authenticator app nor a passkey is on, beside
// which backup codes stand, and blocked.
[[nodiscard]] decision<nothing> decide(const account& current, const replace_backup_codes& command,
                                       const context& context, unix_time now);

// Switches the e-mail factor by a mailed code, whatever it is now (clara contract section 1.4).
struct switch_email_factor {
    requester by;
    bool on = true;
    std::string code;
    request_origin origin;
};
// Refuses with session_ended, blocked, wrong_code, code_expired; and, if policy says so, with
// only_method or method_forbidden.
[[nodiscard]] decision<nothing> decide(const account& current, const switch_email_factor& command,
                                       const context& context, unix_time now);

// An administrator takes second factors away, and every session with them: the one named, or all,
// and then the lock after too many misses and the API tokens too.
struct reset_second_factor {
    std::optional<std::string> factor; // "email", a device's or a passkey's id; nullopt: all
    request_origin origin;
};
// Refuses with factor_unknown.
[[nodiscard]] decision<nothing> decide(const account& current, const reset_second_factor& command,
                                       const context& context, unix_time now);

struct enable_email_factor {
    session_proof proof;
    std::string code;
    request_origin origin;
};
// Refuses with session_ended, step_up_…, blocked, no_password, method_on_already, method_forbidden,
// code_expired, wrong_code.
[[nodiscard]] decision<nothing> decide(const account& current, const enable_email_factor& command,
                                       const context& context, unix_time now);

struct disable_factor {
    session_proof proof;
    factor_method method = factor_method::totp;
    request_origin origin;
};
// Refuses in this order (native contract section 3.5): session_ended, step_up_…, blocked,
// method_off_already, only_method.
[[nodiscard]] decision<nothing> decide(const account& current, const disable_factor& command,
                                       const context& context, unix_time now);

struct prefer_method {
    session_proof proof;
    factor_method method = factor_method::totp;
};
// Refuses with session_ended, step_up_…, no_password, method_off, method_forbidden.
[[nodiscard]] decision<nothing> decide(const account& current, const prefer_method& command,
                                       const context& context, unix_time now);

// A backend has a code mailed; it says for what.
struct mail_code {
    code_purpose purpose = code_purpose::second_factor;
    sealed_code mail;
    bool factor_must_be_on = false;        // the e-mail factor
    mail_asker asker = mail_asker::holder; // on whose wish
    request_origin origin;
};
struct code_sent {
    seconds cooldown; // until the next may be asked for
    unix_time expires_at;
};
// Refuses with method_off, method_forbidden, mail_too_soon.
[[nodiscard]] decision<code_sent> decide(const account& current, const mail_code& command,
                                         const context& context, unix_time now);

// Who asks for a code: a session, or a half-finished login or step-up.
using code_holder = std::variant<session_id, challenge_id>;

struct send_second_factor_code {
    code_holder holder;
    sealed_code mail;
    request_origin origin;
};
// Refuses with session_ended, challenge_unknown, no_password, method_forbidden, mail_too_soon.
[[nodiscard]] decision<code_sent> decide(const account& current,
                                         const send_second_factor_code& command,
                                         const context& context, unix_time now);

// The time until the holder may ask for another mail of the purpose; refuses as sending does.
[[nodiscard]] boost::system::result<seconds, refusal>
mail_cooldown(const account& current, const code_holder& holder, code_purpose purpose,
              const context& context, unix_time now);

} // namespace countersign::core
