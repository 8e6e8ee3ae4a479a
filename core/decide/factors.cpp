#include "core/decide/factors.hpp"

#include "core/decide/assurance.hpp"
#include "core/decide/rules.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

// What every change of factors asks first.
std::optional<refusal> check_change(const account& current, const authority& by,
                                    const context& context, unix_time now) {
    if (const auto no = rules::check_authority(current, by, context.rules, now)) return no;
    return rules::check_attempts(current.factor_attempts, context.rules.attempts, now);
}

std::optional<refusal> check_addition(const account& current, const authority& by,
                                      factor_method method, const context& context, unix_time now) {
    if (const auto no = check_change(current, by, context, now)) return no;
    // What can step up is a password, so the native family asks for one.
    if (std::holds_alternative<session_proof>(by) && current.password_hash.empty())
        return refusal{refusal_reason::no_password};
    const bool one_more = method == factor_method::totp && std::holds_alternative<backend>(by) &&
                          current.totp.size() < totp_devices_max;
    if (current.has(method) && !one_more) return refusal{refusal_reason::method_on_already};
    if (method == factor_method::email) return rules::check_email_factor(context.rules);
    return std::nullopt;
}

std::optional<refusal> prove_code_and_password(rules::draft& draft, const code_and_password& proof,
                                               const context& context, const request_origin& origin,
                                               unix_time now) {
    const auto& account = draft.next;
    const bool has_password = !account.password_hash.empty();
    if (has_password && !proof.password) return refusal{refusal_reason::password_missing};
    // Before the password is looked at: while codes pause, nothing is evaluated.
    if (const auto no = rules::check_attempts(account.factor_attempts, context.rules.attempts, now))
        return no;
    if (has_password && proof.password)
        if (const auto no = rules::prove_password(draft, *proof.password, context, origin, now))
            return no;
    const auto proved = rules::prove_any_code(draft, proof.code, rules::mailed_codes::do_not_count,
                                              challenge_id(), context, origin, now);
    if (proved.has_error()) return proved.error();
    return std::nullopt;
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

// A code that could prove nothing, nor turn the factor on, is not mailed.
std::optional<refusal> check_use_of_codes(const account& account, const context& context) {
    if (takes_mailed_codes(account, context.rules)) return std::nullopt;
    return rules::check_email_factor(context.rules);
}

decision<code_sent> mail_to_holder(const account& current, code_purpose purpose, mail_asker asker,
                                   const sealed_code& mail, const context& context,
                                   const request_origin& origin, unix_time now) {
    rules::draft draft(current, now);
    const auto sent = rules::send_code(draft,
                                       {.purpose = purpose,
                                        .type = code_mail_of(purpose),
                                        .address = current.email,
                                        .code = mail,
                                        .life = context.rules.mailed_code_life,
                                        .asker = asker},
                                       context, origin, now);
    if (sent.has_error()) return rules::refuse<code_sent>(sent.error());
    return std::move(draft).grant(code_sent{*sent, now + context.rules.mailed_code_life});
}

// A new set in the place of the old one, of which the holder hears.
void put_backup_codes(rules::draft& draft, const std::vector<std::string>& hashes,
                      const context& context, const request_origin& origin, unix_time now) {
    draft.next.backup_code_hashes = hashes;
    auto renewed = rules::make_event(draft, event_type::recovery_codes_created, origin, now);
    renewed.remaining_codes = static_cast<int>(hashes.size());
    rules::alert(draft, std::move(renewed), context.rules);
}

} // namespace

decision<nothing> decide(const account& current, const begin_totp& command, const context& context,
                         unix_time now) {
    if (const auto no = check_addition(current, command.by, factor_method::totp, context, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    draft.next.enrolment = pending_totp{.token_id = command.token_id,
                                        .begun_by = requester_key(command.by),
                                        .device = command.device,
                                        .backup_code_hashes = command.backup_code_hashes,
                                        .expires_at = now + context.rules.tokens.totp_setup};
    return std::move(draft).grant(nothing{});
}

decision<totp_confirmed> decide(const account& current, const confirm_totp& command,
                                const context& context, unix_time now) {
    if (const auto no = check_addition(current, command.by, factor_method::totp, context, now))
        return rules::refuse<totp_confirmed>(*no);
    const auto& enrolment = current.enrolment;
    if (!enrolment || enrolment->token_id != command.token_id ||
        !is_requester(command.by, enrolment->begun_by))
        return rules::refuse<totp_confirmed>(refusal_reason::enrolment_unknown);
    if (enrolment->expires_at <= now)
        return rules::refuse<totp_confirmed>(refusal_reason::enrolment_expired);

    // The code is proved against the device as it would stand in the account, by the same rule that
    // later logins use; and against no other device.
    rules::draft draft(current, now);
    auto& next = draft.next;
    next.enrolment.reset();
    next.totp = {enrolment->device};
    next.totp.back().enrolled_at = now;
    const auto no = rules::prove_totp(draft, command.code, context, command.origin, now);
    next.totp.insert(next.totp.begin(), current.totp.begin(), current.totp.end());
    if (no) {
        next.totp.pop_back();
        next.enrolment = enrolment;
        return std::move(draft).refuse<totp_confirmed>(*no);
    }

    // A backend tells what we say; the other families tell the new codes whatever there was, and
    // beside a passkey there may be some.
    const bool tells_them = !std::holds_alternative<backend>(command.by);
    const bool new_codes = next.backup_code_hashes.empty() || tells_them;
    if (new_codes)
        next.backup_code_hashes = command.backup_code_hashes.empty() ? enrolment->backup_code_hashes
                                                                     : command.backup_code_hashes;
    next.preferred = factor_method::totp;
    rules::end_earlier_api_tokens(next, current, context.rules);
    // What stays is a session that has just proved the new factor: none below its level (T-33).
    switch (command.ends) {
    case sessions_ended::all:
        rules::end_sessions(next, session_id());
        break;
    case sessions_ended::others:
        rules::end_other_sessions(next, command.by, now);
        break;
    }
    rules::announce_factor(draft, event_type::two_factor_added, factor_method::totp,
                           enrolment->device.label, context, command.origin, now);
    return std::move(draft).grant(totp_confirmed{.new_backup_codes = new_codes});
}

decision<nothing> decide(const account& current, const cancel_totp& command, const context&,
                         unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    if (current.has(factor_method::totp))
        return rules::refuse<nothing>(refusal_reason::method_on_already);
    if (!current.enrolment) return {nothing{}, std::nullopt, {}};
    rules::draft draft(current, now);
    draft.next.enrolment.reset();
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const remove_totp& command, const context& context,
                         unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    if (!current.has(factor_method::totp))
        return rules::refuse<nothing>(refusal_reason::method_off_already);
    if (const auto no = rules::check_removal(current, factor_method::totp, context))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    if (const auto no = prove_code_and_password(draft, command.proof, context, command.origin, now))
        return std::move(draft).refuse<nothing>(*no);
    auto label = draft.next.totp.front().label;
    rules::clear_totp(draft.next);
    rules::announce_factor(draft, event_type::two_factor_removed, factor_method::totp,
                           std::move(label), context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const renew_backup_codes& command,
                         const context& context, unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    if (!current.has(factor_method::totp))
        return rules::refuse<nothing>(refusal_reason::method_off_already);
    rules::draft draft(current, now);
    if (const auto no = prove_code_and_password(draft, command.proof, context, command.origin, now))
        return std::move(draft).refuse<nothing>(*no);
    put_backup_codes(draft, command.backup_code_hashes, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const replace_backup_codes& command,
                         const context& context, unix_time now) {
    if (!current.has(factor_method::totp) && !current.has(factor_method::passkey))
        return rules::refuse<nothing>(refusal_reason::method_off_already);
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    put_backup_codes(draft, command.backup_code_hashes, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const switch_email_factor& command,
                         const context& context, unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    if (const auto no = command.on ? std::nullopt
                                   : rules::check_removal(current, factor_method::email, context))
        return rules::refuse<nothing>(*no);
    if (command.on && !current.has(factor_method::email))
        if (const auto no = rules::check_email_factor(context.rules))
            return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    auto& next = draft.next;
    if (const auto no = rules::prove_mailed_code(draft, command.code, context, command.origin, now))
        return std::move(draft).refuse<nothing>(*no);
    if (next.has(factor_method::email) == command.on) return std::move(draft).grant(nothing{});

    if (command.on) {
        next.email_factor_since = now;
        rules::settle_preference(next);
        const authority by = std::visit([](const auto& who) { return authority(who); }, command.by);
        rules::end_other_sessions(next, by, now);
        rules::end_earlier_api_tokens(next, current, context.rules);
    } else {
        rules::clear_email_factor(next);
    }
    rules::announce_factor(
        draft, command.on ? event_type::two_factor_added : event_type::two_factor_removed,
        factor_method::email, {}, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const reset_second_factor& command,
                         const context& context, unix_time now) {
    rules::draft draft(current, now);
    auto& next = draft.next;
    const bool had_one = current.has_second_factor();
    std::string method, label;
    if (!command.factor) {
        rules::clear_totp(next);
        rules::clear_email_factor(next);
        rules::clear_passkeys(next);
        next.enrolment.reset();
        next.api_tokens.clear();
        next.factor_attempts = {};
        next.password_attempts = {};
    } else if (*command.factor == to_string(factor_method::email)) {
        if (!current.has(factor_method::email))
            return rules::refuse<nothing>(refusal_reason::factor_unknown);
        method = to_string(factor_method::email);
        rules::clear_email_factor(next);
    } else if (const auto key =
                   std::ranges::find(next.passkeys, passkey_id(*command.factor), &passkey::id);
               key != next.passkeys.end()) {
        method = to_string(factor_method::passkey);
        label = key->label;
        rules::remove_passkey(next, passkey_id(key->id));
    } else {
        const auto device =
            std::ranges::find(next.totp, factor_id(*command.factor), &totp_device::id);
        if (device == next.totp.end())
            return rules::refuse<nothing>(refusal_reason::factor_unknown);
        method = to_string(factor_method::totp);
        label = device->label;
        next.totp.erase(device);
        if (next.totp.empty()) rules::clear_totp(next);
    }
    rules::end_sessions(next, session_id());
    auto reset = rules::make_event(draft, event_type::second_factor_reset, command.origin, now);
    if (!had_one) reset.recipients.clear(); // nothing was taken: it is only recorded
    reset.method = std::move(method);
    reset.label = std::move(label);
    rules::alert(draft, std::move(reset), context.rules);
    return std::move(draft).grant(nothing{});
}

decision<code_sent> decide(const account& current, const mail_code& command, const context& context,
                           unix_time now) {
    if (command.factor_must_be_on && !current.has(factor_method::email))
        return rules::refuse<code_sent>(refusal_reason::method_off);
    if (command.factor_must_be_on)
        if (const auto no = check_use_of_codes(current, context))
            return rules::refuse<code_sent>(*no);
    return mail_to_holder(current, command.purpose, command.asker, command.mail, context,
                          command.origin, now);
}

decision<nothing> decide(const account& current, const enable_email_factor& command,
                         const context& context, unix_time now) {
    if (const auto no = check_addition(current, command.proof, factor_method::email, context, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    auto& next = draft.next;
    if (const auto no = rules::prove_mailed_code(draft, command.code, context, command.origin, now))
        return std::move(draft).refuse<nothing>(*no);

    next.email_factor_since = now;
    rules::settle_preference(next);
    rules::end_other_sessions(next, command.proof, now);
    rules::end_earlier_api_tokens(next, current, context.rules);
    rules::announce_factor(draft, event_type::two_factor_added, factor_method::email, {}, context,
                           command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const disable_factor& command,
                         const context& context, unix_time now) {
    if (const auto no = check_change(current, command.proof, context, now))
        return rules::refuse<nothing>(*no);
    if (!current.has(command.method))
        return rules::refuse<nothing>(refusal_reason::method_off_already);
    // Its clients cannot ask for a passkey: without another method they would be locked out.
    if (current.code_methods().size() == 1 || command.method == factor_method::passkey)
        return rules::refuse<nothing>(refusal_reason::only_method);
    if (const auto no = rules::check_removal(current, command.method, context))
        return rules::refuse<nothing>(*no);

    rules::draft draft(current, now);
    auto& next = draft.next;
    std::string label;
    switch (command.method) {
    case factor_method::totp:
        label = next.totp.front().label;
        rules::clear_totp(next);
        break;
    case factor_method::email:
        rules::clear_email_factor(next);
        break;
    case factor_method::passkey: // refused above
        break;
    }
    rules::announce_factor(draft, event_type::two_factor_removed, command.method, std::move(label),
                           context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const prefer_method& command,
                         const context& context, unix_time now) {
    if (const auto no = rules::check_step_up(current, command.proof, context.rules, now))
        return rules::refuse<nothing>(*no);
    if (current.password_hash.empty()) return rules::refuse<nothing>(refusal_reason::no_password);
    if (!current.has(command.method) || command.method == factor_method::passkey)
        return rules::refuse<nothing>(refusal_reason::method_off);
    if (command.method == factor_method::email && !takes_mailed_codes(current, context.rules))
        return rules::refuse<nothing>(refusal_reason::method_forbidden);
    rules::draft draft(current, now);
    draft.next.preferred = command.method;
    return std::move(draft).grant(nothing{});
}

decision<code_sent> decide(const account& current, const send_second_factor_code& command,
                           const context& context, unix_time now) {
    if (const auto no = check_holder(current, command.holder, now))
        return rules::refuse<code_sent>(*no);
    if (current.password_hash.empty()) return rules::refuse<code_sent>(refusal_reason::no_password);
    if (const auto no = check_use_of_codes(current, context)) return rules::refuse<code_sent>(*no);
    return mail_to_holder(current, code_purpose::second_factor, mail_asker::holder, command.mail,
                          context, command.origin, now);
}

boost::system::result<seconds, refusal> mail_cooldown(const account& current,
                                                      const code_holder& holder,
                                                      code_purpose purpose, const context& context,
                                                      unix_time now) {
    if (const auto no = check_holder(current, holder, now)) return *no;
    return rules::mail_wait(current, purpose, mail_asker::holder, context.rules, now);
}

} // namespace countersign::core
