#include "core/decide/passkeys.hpp"

#include "core/decide/rules.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

std::optional<refusal> check_addition(const account& current, const authority& by,
                                      const context& context, unix_time now) {
    if (!context.rules.webauthn.is_on()) return refusal{refusal_reason::passkeys_off};
    if (const auto no = rules::check_authority(current, by, context.rules, now)) return no;
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return no;
    if (current.passkeys.size() >= passkeys_max) return refusal{refusal_reason::too_many_passkeys};
    return std::nullopt;
}

refusal refused(webauthn_error check) {
    return {.reason = refusal_reason::passkey_refused, .check = check};
}

// Proves a passkey by its answer to the live challenge and uses that up, or counts the miss.
std::optional<refusal> prove_passkey(rules::draft& draft, const assertion_response& response,
                                     const context& context, const request_origin& origin,
                                     unix_time now) {
    auto& next = draft.next;
    if (const auto no = rules::check_attempts(next.factor_attempts, context.rules.attempts, now))
        return no;
    if (!next.passkey_challenge) return refusal{refusal_reason::passkey_challenge_unknown};
    const auto challenge = std::move(next.passkey_challenge->challenge);
    next.passkey_challenge.reset();

    const auto miss = [&](webauthn_error check) {
        rules::count_miss(draft, &account::factor_attempts, context, origin, now);
        return refused(check);
    };
    const auto key = std::ranges::find(next.passkeys, response.credential_id,
                                       [](const passkey& one) { return one.credential.id; });
    if (key == next.passkeys.end()) return miss(webauthn_error::credential_not_allowed);
    const auto verified =
        verify_assertion(response, {.party = context.rules.webauthn, .challenge = challenge},
                         key->credential, user_handle_of(next));
    if (verified.has_error()) return miss(verified.error());
    key->credential = *verified;
    key->last_used_at = now;
    next.factor_attempts = {};
    return std::nullopt;
}

} // namespace

std::string_view user_handle_of(const account& account) noexcept {
    return account.id.value();
}

decision<nothing> decide(const account& current, const begin_passkey& command,
                         const context& context, unix_time now) {
    if (const auto no = check_addition(current, command.by, context, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    const auto life = std::min(passkey_challenge_life, context.rules.tokens.totp_setup);
    draft.next.passkey_enrolment = pending_passkey{.id = command.id,
                                                   .label = command.label,
                                                   .begun_by = requester_key(command.by),
                                                   .challenge = command.challenge,
                                                   .expires_at = now + life};
    return std::move(draft).grant(nothing{});
}

decision<passkey_confirmed> decide(const account& current, const confirm_passkey& command,
                                   const context& context, unix_time now) {
    using success = passkey_confirmed;
    if (const auto no = check_addition(current, command.by, context, now))
        return rules::refuse<success>(*no);
    const auto& begun = current.passkey_enrolment;
    if (!begun || begun->id != command.id || !is_requester(command.by, begun->begun_by))
        return rules::refuse<success>(refusal_reason::enrolment_unknown);
    if (begun->expires_at <= now) return rules::refuse<success>(refusal_reason::enrolment_expired);

    rules::draft draft(current, now);
    auto& next = draft.next;
    next.passkey_enrolment.reset();
    const auto refuse = [&](webauthn_error check) {
        draft.counts_when_refused = true; // the challenge is used up
        return std::move(draft).refuse<success>(refused(check));
    };
    auto registered = verify_registration(
        command.response, {.party = context.rules.webauthn, .challenge = begun->challenge});
    if (registered.has_error()) return refuse(registered.error());
    // Of this account: an assertion is only ever held against the passkeys of the account that it
    // is for, so what another account has registered is worth nothing here.
    for (const auto& key : next.passkeys)
        if (key.credential.id == registered->id)
            return refuse(webauthn_error::credential_registered);
    next.passkeys.push_back({.id = begun->id,
                             .label = begun->label,
                             .credential = *std::move(registered),
                             .transports = command.transports,
                             .enrolled_at = now});

    const bool new_codes = next.backup_code_hashes.empty();
    if (new_codes) next.backup_code_hashes = command.backup_code_hashes;
    rules::end_other_sessions(next, command.by, now);
    rules::end_earlier_api_tokens(next, current, context.rules);
    rules::announce_factor(draft, event_type::two_factor_added, factor_method::passkey,
                           begun->label, context, command.origin, now);
    return std::move(draft).grant(success{.new_backup_codes = new_codes});
}

decision<nothing> decide(const account& current, const begin_passkey_verification& command,
                         const context& context, unix_time now) {
    if (!context.rules.webauthn.is_on())
        return rules::refuse<nothing>(refusal_reason::passkeys_off);
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return rules::refuse<nothing>(*no);
    if (!current.has(factor_method::passkey))
        return rules::refuse<nothing>(refusal_reason::factor_unknown);
    rules::draft draft(current, now);
    draft.next.passkey_challenge = core::passkey_challenge{
        .challenge = command.challenge, .expires_at = now + passkey_challenge_life};
    return std::move(draft).grant(nothing{});
}

decision<code_verified> decide(const account& current, const verify_passkey& command,
                               const context& context, unix_time now) {
    if (!context.rules.webauthn.is_on())
        return rules::refuse<code_verified>(refusal_reason::passkeys_off);
    if (!current.has_second_factor())
        return rules::refuse<code_verified>(refusal_reason::no_second_factor);
    rules::draft draft(current, now);
    if (const auto no = prove_passkey(draft, command.response, context, command.origin, now))
        return std::move(draft).refuse<code_verified>(*no);
    const code_verified verified{.method = proof_method::passkey,
                                 .remaining_backup_codes =
                                     static_cast<int>(draft.next.backup_code_hashes.size())};
    return std::move(draft).grant(verified);
}

} // namespace countersign::core
