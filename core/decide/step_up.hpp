// Step-up: a logged-in session proves again who is there, before it may change what matters.
#pragma once

#include "core/decide/login.hpp"

namespace countersign::core {

// The session that now may carry a step-up token, and the level it reached.
struct stepped_up {
    session_id session;
    assurance_level assurance = assurance_level::aal1;
};

struct begin_step_up {
    session_proof proof;
    password_check password;
    challenge_id challenge;
    sealed_code mail;
    request_origin origin;
};
// Refuses with session_ended, no_password, blocked, wrong_password.
[[nodiscard]] decision<std::variant<stepped_up, second_factor_pending>>
decide(const account& current, const begin_step_up& command, const context& context, unix_time now);

struct complete_step_up {
    session_proof proof;
    challenge_id challenge;
    presented_code code;
    request_origin origin;
};
// Refuses with session_ended, challenge_unknown, no_code, no_second_factor, blocked, wrong_code,
// code_expired.
[[nodiscard]] decision<stepped_up> decide(const account& current, const complete_step_up& command,
                                          const context& context, unix_time now);

// Whether the session may do now what asks for a step-up; nullopt: it may.
[[nodiscard]] std::optional<refusal> may_change(const account& current, const session_proof& proof,
                                                const policy& policy, unix_time now);
// Whether the challenge still waits for its second factor.
[[nodiscard]] bool is_pending(const account& current, const challenge_id& id, unix_time now);

} // namespace countersign::core
