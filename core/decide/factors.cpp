#include "core/decide/factors.hpp"

#include "core/decide/rules.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

// What every change of factors asks first.
std::optional<refusal> check_change(const account& current, const session_proof& proof,
                                    const context& context, unix_time now) {
    if (const auto no = rules::check_step_up(current, proof, now)) return no;
    return rules::check_attempts(current.factor_attempts, context.rules.attempts, now);
}

std::optional<refusal> check_addition(const account& current, const session_proof& proof,
                                      factor_method method, const context& context, unix_time now) {
    if (const auto no = check_change(current, proof, context, now)) return no;
    if (current.password_hash.empty()) return refusal{refusal_reason::no_password};
    if (current.has(method)) return refusal{refusal_reason::method_on_already};
    return std::nullopt;
}

void announce(rules::draft& draft, event_type type, factor_method method, std::string label,
              const context& context, const request_origin& origin, unix_time now) {
    auto change = rules::make_event(draft, type, origin, now);
    change.method = to_string(method);
    change.label = std::move(label);
    rules::alert(draft, std::move(change), context.rules);
}

std::optional<refusal> check_holder(const account& account, const code_holder& holder,
                                    unix_time now) {
    if (const auto* session = std::get_if<session_id>(&holder))
        return rules::check_session(account, {.session = *session}, now);
    const auto& id = std::get<challenge_id>(holder);
    const auto open = std::ranges::find(account.challenges, id, &challenge::id);
    if (open == account.challenges.end() || open->expires_at <= now)
        return refusal{refusal_reason::challenge_unknown};
    return std::nullopt;
}

} // namespace

decision<nothing> decide(const account& current, const begin_totp& command, const context& context,
                         unix_time now) {
    if (const auto no = check_addition(current, command.proof, factor_method::totp, context, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    draft.next.enrolment = pending_totp{.token_id = command.token_id,
                                        .session = command.proof.session,
                                        .device = command.device,
                                        .backup_code_hashes = command.backup_code_hashes,
                                        .expires_at = now + context.rules.tokens.totp_setup};
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const confirm_totp& command,
                         const context& context, unix_time now) {
    if (const auto no = check_addition(current, command.proof, factor_method::totp, context, now))
        return rules::refuse<nothing>(*no);
    const auto& enrolment = current.enrolment;
    if (!enrolment || enrolment->token_id != command.token_id ||
        enrolment->session != command.proof.session)
        return rules::refuse<nothing>(refusal_reason::enrolment_unknown);
    if (enrolment->expires_at <= now)
        return rules::refuse<nothing>(refusal_reason::enrolment_expired);

    // The code is proved against the device as it would stand in the account, by the same rule that
    // later logins use.
    rules::draft draft(current, now);
    auto& next = draft.next;
    next.enrolment.reset();
    next.totp.push_back(enrolment->device);
    next.totp.back().enrolled_at = now;
    if (const auto no = rules::prove_totp(draft, command.code, context, command.origin, now)) {
        next.totp.pop_back();
        next.enrolment = enrolment;
        return std::move(draft).refuse<nothing>(*no);
    }

    next.backup_code_hashes = enrolment->backup_code_hashes;
    next.preferred = factor_method::totp;
    // What stays is a session that has just proved the new factor: none below its level (T-33).
    switch (command.ends) {
    case sessions_ended::all:
        rules::end_sessions(next, session_id());
        break;
    case sessions_ended::others:
        rules::end_sessions(next, command.proof.session);
        rules::raise_session(next, command.proof.session, now);
        break;
    }
    announce(draft, event_type::two_factor_added, factor_method::totp, enrolment->device.label,
             context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const enable_email_factor& command,
                         const context& context, unix_time now) {
    if (const auto no = check_addition(current, command.proof, factor_method::email, context, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    auto& next = draft.next;
    if (const auto no = rules::prove_mailed_code(draft, command.code, context, command.origin, now))
        return std::move(draft).refuse<nothing>(*no);

    if (!next.has_second_factor()) next.preferred = factor_method::email;
    next.email_factor_since = now;
    rules::end_sessions(next, command.proof.session);
    rules::raise_session(next, command.proof.session, now);
    announce(draft, event_type::two_factor_added, factor_method::email, {}, context, command.origin,
             now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const disable_factor& command,
                         const context& context, unix_time now) {
    if (const auto no = check_change(current, command.proof, context, now))
        return rules::refuse<nothing>(*no);
    if (!current.has(command.method))
        return rules::refuse<nothing>(refusal_reason::method_off_already);
    if (current.methods().size() == 1) return rules::refuse<nothing>(refusal_reason::only_method);

    rules::draft draft(current, now);
    auto& next = draft.next;
    std::string label;
    switch (command.method) {
    case factor_method::totp:
        label = next.totp.front().label;
        next.totp.clear();
        next.backup_code_hashes.clear();
        next.preferred = factor_method::email;
        break;
    case factor_method::email:
        next.email_factor_since.reset();
        next.preferred = factor_method::totp;
        std::erase_if(next.codes, [](const mailed_code& code) {
            return code.purpose == code_purpose::second_factor;
        });
        break;
    }
    announce(draft, event_type::two_factor_removed, command.method, std::move(label), context,
             command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const prefer_method& command, const context&,
                         unix_time now) {
    if (const auto no = rules::check_step_up(current, command.proof, now))
        return rules::refuse<nothing>(*no);
    if (current.password_hash.empty()) return rules::refuse<nothing>(refusal_reason::no_password);
    if (!current.has(command.method)) return rules::refuse<nothing>(refusal_reason::method_off);
    rules::draft draft(current, now);
    draft.next.preferred = command.method;
    return std::move(draft).grant(nothing{});
}

decision<code_sent> decide(const account& current, const send_second_factor_code& command,
                           const context& context, unix_time now) {
    if (const auto no = check_holder(current, command.holder, now))
        return rules::refuse<code_sent>(*no);
    if (current.password_hash.empty()) return rules::refuse<code_sent>(refusal_reason::no_password);
    rules::draft draft(current, now);
    const auto sent = rules::send_code(draft,
                                       {.purpose = code_purpose::second_factor,
                                        .type = event_type::one_time_code,
                                        .address = current.email,
                                        .code = command.mail,
                                        .life = context.rules.mailed_code_life},
                                       context, command.origin, now);
    if (sent.has_error()) return rules::refuse<code_sent>(sent.error());
    return std::move(draft).grant(code_sent{*sent});
}

boost::system::result<seconds, refusal> mail_cooldown(const account& current,
                                                      const code_holder& holder,
                                                      code_purpose purpose, const context& context,
                                                      unix_time now) {
    if (const auto no = check_holder(current, holder, now)) return *no;
    return rules::mail_wait(current, purpose, context.rules, now);
}

} // namespace countersign::core
