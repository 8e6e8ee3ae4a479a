#include "net/counted_proofs.hpp"

namespace countersign::net {

std::optional<shown_proof> proof_in(const core::presented_code& code) noexcept {
    if (code.totp) return shown_proof::totp;
    if (code.email) return shown_proof::email;
    if (code.any) return shown_proof::any_code;
    return std::nullopt;
}

shown_proof proof_of(core::proof_method method) noexcept {
    switch (method) {
    case core::proof_method::totp:
        return shown_proof::totp;
    case core::proof_method::email:
        return shown_proof::email;
    case core::proof_method::backup_code:
        return shown_proof::backup_code;
    case core::proof_method::passkey:
        return shown_proof::passkey;
    }
    return shown_proof::any_code;
}

std::optional<proof_outcome> outcome_of(const core::refusal& why) noexcept {
    using enum core::refusal_reason;
    if (why.reason == blocked) return proof_outcome::blocked;
    const bool wrong = why.reason == wrong_password || why.reason == wrong_code ||
                       why.reason == wrong_backup_code || why.reason == code_expired ||
                       why.reason == passkey_refused;
    return wrong ? std::optional(proof_outcome::wrong) : std::nullopt;
}

} // namespace countersign::net
