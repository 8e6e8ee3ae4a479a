// Which commands prove who somebody is, and what came of it: for the metrics, where transact() has
// the answer. No rule is here; what is not counted is answered all the same.
#pragma once

#include "core/decide/factors.hpp"
#include "core/decide/login.hpp"
#include "core/decide/passkeys.hpp"
#include "core/decide/profile.hpp"
#include "core/decide/step_up.hpp"
#include "net/counters.hpp"

#include <optional>

namespace countersign::net {

// nullopt: nothing was shown.
[[nodiscard]] std::optional<shown_proof> proof_in(const core::presented_code& code) noexcept;
[[nodiscard]] shown_proof proof_of(core::proof_method method) noexcept;

template <typename Command>
[[nodiscard]] std::optional<shown_proof> proof_in(const Command&) noexcept {
    return std::nullopt; // proves nothing
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::log_in&) noexcept {
    return shown_proof::password;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::begin_step_up&) noexcept {
    return shown_proof::password;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::change_password&) noexcept {
    return shown_proof::password;
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::complete_login& command) noexcept {
    return proof_in(command.code);
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::complete_step_up& command) noexcept {
    return proof_in(command.code);
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::log_in_at_once& command) noexcept {
    return command.code ? shown_proof::any_code : shown_proof::password;
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::vouch_for_login& command) noexcept {
    return command.code ? std::optional(shown_proof::any_code) : std::nullopt;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::verify_code&) noexcept {
    return shown_proof::any_code;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::verify_passkey&) noexcept {
    return shown_proof::passkey;
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::recover_with_backup_code&) noexcept {
    return shown_proof::backup_code;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::confirm_totp&) noexcept {
    return shown_proof::totp;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::remove_totp&) noexcept {
    return shown_proof::any_code;
}
[[nodiscard]] inline std::optional<shown_proof> proof_in(const core::renew_backup_codes&) noexcept {
    return shown_proof::any_code;
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::switch_email_factor&) noexcept {
    return shown_proof::email;
}
[[nodiscard]] inline std::optional<shown_proof>
proof_in(const core::enable_email_factor&) noexcept {
    return shown_proof::email;
}

// What a refusal says of the proof; nullopt: it was not looked at.
[[nodiscard]] std::optional<proof_outcome> outcome_of(const core::refusal& why) noexcept;

template <typename Command>
void count_refused(verification_counters& counters, const Command& command,
                   const core::refusal& why) noexcept {
    auto proof = proof_in(command);
    const auto found = outcome_of(why);
    if (!proof || !found) return;
    if (why.reason == core::refusal_reason::wrong_password) proof = shown_proof::password;
    counters.add(*proof, *found);
}

template <typename Command, typename Success>
void count_granted(verification_counters& counters, const Command& command,
                   [[maybe_unused]] const Success& granted) noexcept {
    auto proof = proof_in(command);
    if (!proof) return;
    if constexpr (requires { proof_of(granted.method); }) proof = proof_of(granted.method);
    counters.add(*proof, proof_outcome::verified);
}

// Counts a decision that was committed. A family that wraps commands has an overload beside the
// wrapper.
template <typename Command, typename Success>
void count_proof(verification_counters& counters, const Command& command,
                 const boost::system::result<Success, core::refusal>& outcome) noexcept {
    if (outcome.has_error())
        count_refused(counters, command, outcome.error());
    else
        count_granted(counters, command, *outcome);
}

} // namespace countersign::net
