// Adding and removing second factors, and the codes that are mailed for them.
#pragma once

#include "core/decide/evidence.hpp"

#include <variant>

namespace countersign::core {

// What enabling a factor ends beside every other session: a family's contract may say all (T-33).
enum class sessions_ended : std::uint8_t { others, all };

struct begin_totp {
    session_proof proof;
    std::string token_id; // the `jti` of the set-up token
    totp_device device;   // id, label, parameters, sealed secret: new for each set-up (T-35)
    std::vector<std::string> backup_code_hashes;
};
// Replaces an earlier unconfirmed enrolment. Refuses with session_ended, step_up_…, blocked,
// no_password, method_on_already.
[[nodiscard]] decision<nothing> decide(const account& current, const begin_totp& command,
                                       const context& context, unix_time now);

struct confirm_totp {
    session_proof proof;
    std::string token_id;
    std::string code;
    sessions_ended ends = sessions_ended::others;
    request_origin origin;
};
// The confirming code uses up its step (T-01). Refuses as begin_totp does, and with
// enrolment_unknown, enrolment_expired, wrong_code.
[[nodiscard]] decision<nothing> decide(const account& current, const confirm_totp& command,
                                       const context& context, unix_time now);

struct enable_email_factor {
    session_proof proof;
    std::string code;
    request_origin origin;
};
// Refuses with session_ended, step_up_…, blocked, no_password, method_on_already, code_expired,
// wrong_code.
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
// Refuses with session_ended, step_up_…, no_password, method_off.
[[nodiscard]] decision<nothing> decide(const account& current, const prefer_method& command,
                                       const context& context, unix_time now);

// Who asks for a code: a session, or a half-finished login or step-up.
using code_holder = std::variant<session_id, challenge_id>;

struct send_second_factor_code {
    code_holder holder;
    sealed_code mail;
    request_origin origin;
};
struct code_sent {
    seconds cooldown;
};
// Refuses with session_ended, challenge_unknown, no_password, mail_too_soon.
[[nodiscard]] decision<code_sent> decide(const account& current,
                                         const send_second_factor_code& command,
                                         const context& context, unix_time now);

// The time until the holder may ask for another mail of the purpose; refuses as sending does.
[[nodiscard]] boost::system::result<seconds, refusal>
mail_cooldown(const account& current, const code_holder& holder, code_purpose purpose,
              const context& context, unix_time now);

} // namespace countersign::core
