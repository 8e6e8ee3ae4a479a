#include "core/decide/login.hpp"

#include "core/decide/assurance.hpp"
#include "core/decide/rules.hpp"
#include "core/decide/second_factor.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

bool is_known_device(const account& account, const client_info& client) {
    return std::ranges::any_of(account.sessions,
                               [&](const session& one) { return one.client == client; });
}

// Opens the session in the place of another, if there is one, and tells the holder when it is from
// a device that no live session has.
session_opened enter(rules::draft& draft, const session_material& material, assurance_level level,
                     const session_id& replaces, const context& context,
                     const request_origin& origin, unix_time now) {
    const bool known = is_known_device(draft.next, origin.client);
    if (!replaces.empty()) rules::end_session(draft.next, replaces);
    const auto& opened = rules::open_session(draft.next, material, level, context, origin, now);
    const auto reached = level_of(opened, draft.next, context.rules);
    if (!known) rules::alert(draft, event_type::new_login, context, origin, now);
    return {.session = material.session, .assurance = reached};
}

// The challenge was answered: uses it up, and opens its session in the place of the one that its
// browser had when it began.
session_opened complete(rules::draft& draft, const auto& command, const context& context,
                        unix_time now) {
    const auto replaces =
        std::ranges::find(draft.next.challenges, command.challenge, &challenge::id)->replaces;
    use_challenge(draft.next, command.challenge);
    return enter(draft, command.session, assurance_level::aal2, replaces, context, command.origin,
                 now);
}

// After the first factor: in, or a challenge for the second.
std::variant<session_opened, second_factor_pending>
enter_or_challenge(rules::draft& draft, const auto& command, const session_id& replaces,
                   const context& context, unix_time now) {
    if (draft.next.has_second_factor())
        return begin_challenge(
            draft,
            {.id = command.challenge, .purpose = challenge_purpose::login, .replaces = replaces},
            command.mail, context, command.origin, now);
    return enter(draft, command.session, assurance_level::aal1, replaces, context, command.origin,
                 now);
}

// Who may end sessions beside by logging out.
std::optional<refusal> check_ending(const account& account, const session_proof& proof,
                                    const policy& policy, unix_time now) {
    if (policy.sessions_end_with_step_up) return rules::check_step_up(account, proof, policy, now);
    return rules::check_session(account, proof, now);
}

} // namespace

decision<std::variant<session_opened, second_factor_pending>>
decide(const account& current, const log_in& command, const context& context, unix_time now) {
    using success = std::variant<session_opened, second_factor_pending>;
    rules::draft draft(current, now);
    // Before the password is looked at: while nothing may be begun, nothing is evaluated.
    if (current.has_second_factor())
        if (const auto no = check_unanswered(draft.next, context.rules, now))
            return rules::refuse<success>(*no);
    if (const auto no =
            rules::prove_password(draft, command.password, context, command.origin, now))
        return std::move(draft).refuse<success>(*no);
    auto reached = enter_or_challenge(draft, command, command.replaces, context, now);
    return std::move(draft).grant(std::move(reached));
}

decision<session_opened> decide(const account& current, const complete_login& command,
                                const context& context, unix_time now) {
    rules::draft draft(current, now);
    if (const auto no = check_challenge(draft.next, command.challenge, challenge_purpose::login))
        return rules::refuse<session_opened>(*no);
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return rules::refuse<session_opened>(*no);
    if (const auto no = prove_second_factor(draft, command.code, command.challenge, context,
                                            command.origin, now)) {
        tell_of_failure(draft, *no, context, command.origin, now);
        return std::move(draft).refuse<session_opened>(*no);
    }
    return std::move(draft).grant(complete(draft, command, context, now));
}

decision<session_opened> decide(const account& current, const log_in_at_once& command,
                                const context& context, unix_time now) {
    rules::draft draft(current, now);
    if (const auto no =
            rules::prove_password(draft, command.password, context, command.origin, now))
        return std::move(draft).refuse<session_opened>(*no);
    if (!draft.next.has_second_factor())
        return std::move(draft).grant(enter(draft, command.session, assurance_level::aal1,
                                            session_id(), context, command.origin, now));
    if (const auto no = prove_second_factor(draft, {.any = command.code}, challenge_id(), context,
                                            command.origin, now)) {
        tell_of_failure(draft, *no, context, command.origin, now);
        return std::move(draft).refuse<session_opened>(*no);
    }
    return std::move(draft).grant(enter(draft, command.session, assurance_level::aal2, session_id(),
                                        context, command.origin, now));
}

decision<std::variant<session_opened, second_factor_pending>> decide(const account& current,
                                                                     const vouch_for_login& command,
                                                                     const context& context,
                                                                     unix_time now) {
    using success = std::variant<session_opened, second_factor_pending>;
    rules::draft draft(current, now);
    if (!command.code || !draft.next.has_second_factor()) {
        if (current.has_second_factor())
            if (const auto no = check_unanswered(draft.next, context.rules, now))
                return rules::refuse<success>(*no);
        auto reached = enter_or_challenge(draft, command, session_id(), context, now);
        return std::move(draft).grant(std::move(reached));
    }
    if (const auto no = prove_second_factor(draft, {.any = command.code}, challenge_id(), context,
                                            command.origin, now)) {
        tell_of_failure(draft, *no, context, command.origin, now);
        return std::move(draft).refuse<success>(*no);
    }
    return std::move(draft).grant(success(enter(draft, command.session, assurance_level::aal2,
                                                session_id(), context, command.origin, now)));
}

decision<code_verified> decide(const account& current, const verify_code& command,
                               const context& context, unix_time now) {
    rules::draft draft(current, now);
    if (!current.has_second_factor())
        return rules::refuse<code_verified>(refusal_reason::no_second_factor);
    const auto proved = rules::prove_any_code(draft, command.code, rules::mailed_codes::count,
                                              challenge_id(), context, command.origin, now);
    if (proved.has_error()) return std::move(draft).refuse<code_verified>(proved.error());
    const code_verified verified{.method = *proved,
                                 .remaining_backup_codes =
                                     static_cast<int>(draft.next.backup_code_hashes.size())};
    return std::move(draft).grant(verified);
}

std::optional<refusal> may_verify(const account& current, const context& context, unix_time now) {
    return rules::check_attempts(current.factor_attempts, context.rules.attempts, now);
}

decision<session_opened> decide(const account& current, const recover_with_backup_code& command,
                                const context& context, unix_time now) {
    rules::draft draft(current, now);
    if (const auto no = check_challenge(draft.next, command.challenge, std::nullopt))
        return rules::refuse<session_opened>(*no);
    if (!current.has(factor_method::totp) && !current.has(factor_method::passkey))
        return rules::refuse<session_opened>(refusal_reason::method_off);
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return rules::refuse<session_opened>(*no);
    const bool of_login = !check_challenge(draft.next, command.challenge, challenge_purpose::login);
    if (const auto no =
            rules::prove_backup_code(draft, command.code, context, command.origin, now)) {
        if (of_login) tell_of_failure(draft, *no, context, command.origin, now);
        return std::move(draft).refuse<session_opened>(*no);
    }
    return std::move(draft).grant(complete(draft, command, context, now));
}

decision<session_opened> decide(const account& current, const refresh_session& command,
                                const context& context, unix_time now) {
    rules::draft draft(current, now);
    auto& sessions = draft.next.sessions;
    const auto live = std::ranges::find(sessions, command.session, &session::id);
    if (live == sessions.end()) return rules::refuse<session_opened>(refusal_reason::session_ended);
    if (!context.codes.matches(live->refresh_hash, "refresh", current.id, command.presented_id)) {
        rules::end_session(draft.next, command.session);
        draft.counts_when_refused = true;
        return std::move(draft).refuse<session_opened>({refusal_reason::refresh_reused});
    }
    const auto& lives = context.rules.tokens;
    live->expires_at = rules::end_of_session(live->created_at, lives.refresh, lives, now);
    // Only where the setting is younger than the session: else it would have run out by itself.
    if (live->expires_at <= now) {
        rules::end_session(draft.next, command.session);
        draft.counts_when_refused = true;
        return std::move(draft).refuse<session_opened>({refusal_reason::session_ended});
    }
    live->refresh_hash = context.codes.hash("refresh", current.id, command.next_id);
    live->last_seen = now;
    live->client.ip = command.origin.client.ip;
    draft.next.last_active = now;
    const session_opened refreshed{.session = live->id,
                                   .assurance = level_of(*live, draft.next, context.rules)};
    return std::move(draft).grant(refreshed);
}

decision<nothing> decide(const account& current, const log_out& command, const context&,
                         unix_time now) {
    rules::draft draft(current, now);
    if (draft.next.find_session(command.session, now) == nullptr)
        return {nothing{}, std::nullopt, {}};
    rules::end_session(draft.next, command.session);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const end_session& command, const context& context,
                         unix_time now) {
    if (const auto no = check_ending(current, command.proof, context.rules, now))
        return rules::refuse<nothing>(*no);
    if (current.find_session(command.target, now) == nullptr)
        return rules::refuse<nothing>(refusal_reason::no_such_session);
    rules::draft draft(current, now);
    rules::end_session(draft.next, command.target);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const end_all_sessions& command,
                         const context& context, unix_time now) {
    if (const auto no = check_ending(current, command.proof, context.rules, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    rules::end_sessions(draft.next, session_id());
    rules::alert(draft, event_type::sessions_ended, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const notice_unfinished_logins& command,
                         const policy& policy, unix_time now) {
    rules::draft draft(current, now);
    auto& unfinished = draft.next.unfinished;
    if (!unfinished) return {nothing{}, std::nullopt, {}};
    const request_origin origin{.nonce = command.nonce, .client = unfinished->client};
    auto failed = rules::make_event(draft, event_type::second_factor_failed, origin, now);
    failed.at = unfinished->at;
    unfinished.reset();
    rules::alert_hourly(draft, std::move(failed), &account::failure_told_at, policy, now);
    return std::move(draft).grant(nothing{});
}

} // namespace countersign::core
