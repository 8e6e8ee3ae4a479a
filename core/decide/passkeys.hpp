// Passkeys (WebAuthn) as a second factor: registering one, and proving one. What is random comes in
// with the commands; whether a browser's answer is good is core/webauthn's.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/decide/login.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// As long as a browser is told to wait; of an enrolment less, where tokens.totp_setup is.
inline constexpr seconds passkey_challenge_life{300};
inline constexpr std::size_t passkey_challenge_bytes = 32; // NIST SP 800-63B-4 3.1.6.2 wants 8

// What authenticators know the account by (section 5.4.3): says nothing about its holder.
[[nodiscard]] std::string_view user_handle_of(const account& account) noexcept;

struct begin_passkey {
    authority by;
    passkey_id id;
    std::string label;
    std::string challenge; // new, base64url
};
// Replaces an earlier unconfirmed one. Refuses with passkeys_off, session_ended, step_up_…,
// blocked, too_many_passkeys.
[[nodiscard]] decision<nothing> decide(const account& current, const begin_passkey& command,
                                       const context& context, unix_time now);

struct confirm_passkey {
    authority by;
    passkey_id id;
    registration_response response;
    std::vector<std::string> transports;
    std::vector<std::string> backup_code_hashes; // in force if it is the first to want some
    request_origin origin;
};
struct passkey_confirmed {
    bool new_backup_codes = true; // false: the account keeps those it has
};
// The challenge is used up, whatever comes of it; a response that is refused is no miss, because
// nothing is guessed by it. Only who began may confirm. Refuses as begin_passkey does, and with
// enrolment_unknown, enrolment_expired, passkey_refused.
[[nodiscard]] decision<passkey_confirmed> decide(const account& current,
                                                 const confirm_passkey& command,
                                                 const context& context, unix_time now);

struct begin_passkey_verification {
    std::string challenge; // new, base64url
};
// Replaces an earlier challenge. Refuses with passkeys_off, blocked, factor_unknown.
[[nodiscard]] decision<nothing> decide(const account& current,
                                       const begin_passkey_verification& command,
                                       const context& context, unix_time now);

// A backend asks whether an assertion is right.
struct verify_passkey {
    assertion_response response;
    request_origin origin;
};
// The challenge is used up by any answer to it, and a wrong one is a miss like a wrong code; where
// no challenge is live nothing is evaluated. Refuses with passkeys_off, no_second_factor, blocked,
// passkey_challenge_unknown, passkey_refused.
[[nodiscard]] decision<code_verified> decide(const account& current, const verify_passkey& command,
                                             const context& context, unix_time now);

} // namespace countersign::core
