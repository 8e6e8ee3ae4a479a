#include "core/decide/profile.hpp"

#include "core/decide/rules.hpp"

#include <algorithm>

namespace countersign::core {

namespace {

refusal_reason link_refusal(refusal_reason of_code) {
    return of_code == refusal_reason::code_expired ? refusal_reason::link_expired
                                                   : refusal_reason::link_unknown;
}

boost::system::result<seconds, refusal>
send_link_to(rules::draft& draft, const std::string& address, const sealed_code& link,
             const context& context, const request_origin& origin, unix_time now) {
    return rules::send_code(draft,
                            {.purpose = code_purpose::verify_email,
                             .type = event_type::email_verification,
                             .address = address,
                             .code = link,
                             .life = context.rules.tokens.email_verification},
                            context, origin, now);
}

// A new password throws out whoever had the old one, and calls off what they may have begun: a
// change of address that still waits for its link would hand them the account again.
void call_off_links(account& account) {
    account.pending_email.clear();
    std::erase_if(account.codes, [&](const mailed_code& code) {
        return code.purpose == code_purpose::reset_password || code.address != account.email;
    });
}

} // namespace

decision<link_sent> decide(const account& current, const send_verification& command,
                           const context& context, unix_time now) {
    if (const auto no = rules::check_session(current, command.proof, now))
        return rules::refuse<link_sent>(*no);
    if (current.email_verified && current.pending_email.empty())
        return rules::refuse<link_sent>(refusal_reason::email_verified_already);
    rules::draft draft(current, now);
    const auto& address = current.pending_email.empty() ? current.email : current.pending_email;
    const auto sent = send_link_to(draft, address, command.link, context, command.origin, now);
    if (sent.has_error()) return rules::refuse<link_sent>(sent.error());
    return std::move(draft).grant(link_sent{*sent});
}

decision<email_proved> decide(const account& current, const verify_email& command,
                              const context& context, unix_time now) {
    rules::draft draft(current, now);
    auto& next = draft.next;
    const auto link =
        rules::redeem(next, code_purpose::verify_email, command.link_id, context.codes, now);
    if (link.has_error()) {
        if (current.email_verified && current.pending_email.empty())
            return rules::refuse<email_proved>(refusal_reason::email_verified_already);
        return rules::refuse<email_proved>(link_refusal(link.error()));
    }

    if (link->address == current.email) {
        next.email_verified = true;
        return std::move(draft).grant(email_proved{});
    }
    if (link->address != current.pending_email)
        return rules::refuse<email_proved>(refusal_reason::link_unknown);

    rules::change_email(draft, current.pending_email, context, command.origin, now);
    next.email_verified = true;
    return std::move(draft).grant(email_proved{.previous_email = current.email});
}

std::optional<std::string> address_to_take(const account& current, std::string_view link_id,
                                           const context& context, unix_time now) {
    account probe = current;
    const auto link = rules::redeem(probe, code_purpose::verify_email, link_id, context.codes, now);
    if (link.has_error() || link->address != current.pending_email) return std::nullopt;
    return link->address;
}

decision<link_sent> decide(const account& current, const request_email_change& command,
                           const context& context, unix_time now) {
    if (const auto no = rules::check_step_up(current, command.proof, context.rules, now))
        return rules::refuse<link_sent>(*no);
    if (const auto no = rules::check_attempts(current.factor_attempts, context.rules.attempts, now))
        return rules::refuse<link_sent>(*no);
    if (command.email.value() == current.email)
        return rules::refuse<link_sent>(refusal_reason::email_unchanged);
    rules::draft draft(current, now);
    const auto sent =
        send_link_to(draft, command.email.value(), command.link, context, command.origin, now);
    if (sent.has_error()) return rules::refuse<link_sent>(sent.error());
    draft.next.pending_email = command.email.value();
    return std::move(draft).grant(link_sent{*sent});
}

decision<nothing> decide(const account& current, const change_password& command,
                         const context& context, unix_time now) {
    if (const auto no = rules::check_step_up(current, command.proof, context.rules, now))
        return rules::refuse<nothing>(*no);
    if (current.password_hash.empty()) return rules::refuse<nothing>(refusal_reason::no_password);
    rules::draft draft(current, now);
    if (const auto no =
            rules::prove_password(draft, command.old_password, context, command.origin, now))
        return std::move(draft).refuse<nothing>(*no);
    draft.next.password_hash = command.new_hash;
    call_off_links(draft.next);
    rules::end_sessions(draft.next, command.proof.session);
    rules::alert(draft, event_type::password_changed, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<link_sent> decide(const account& current, const request_password_reset& command,
                           const context& context, unix_time now) {
    rules::draft draft(current, now);
    const auto sent = rules::send_code(draft,
                                       {.purpose = code_purpose::reset_password,
                                        .type = event_type::password_reset,
                                        .address = current.email,
                                        .code = command.link,
                                        .life = context.rules.tokens.password_reset},
                                       context, command.origin, now);
    if (sent.has_error()) return rules::refuse<link_sent>(sent.error());
    return std::move(draft).grant(link_sent{*sent});
}

decision<nothing> decide(const account& current, const reset_password& command,
                         const context& context, unix_time now) {
    rules::draft draft(current, now);
    auto& next = draft.next;
    const auto link =
        rules::redeem(next, code_purpose::reset_password, command.link_id, context.codes, now);
    if (link.has_error()) return rules::refuse<nothing>(link_refusal(link.error()));
    next.password_hash = command.new_hash;
    next.password_attempts = {};
    next.api_tokens.clear(); // whoever had the account may have made some
    call_off_links(next);
    rules::end_sessions(next, session_id());
    rules::alert(draft, event_type::password_changed, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const activate_email& command,
                         const context& context, unix_time now) {
    rules::draft draft(current, now);
    if (const auto no = rules::prove_contact_code(draft, code_purpose::verify_email, command.code,
                                                  context, now))
        return std::move(draft).refuse<nothing>(*no);
    draft.next.email_verified = true;
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const change_password_with_code& command,
                         const context& context, unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    auto& next = draft.next;
    if (const auto no = rules::prove_contact_code(draft, code_purpose::reset_password, command.code,
                                                  context, now))
        return std::move(draft).refuse<nothing>(*no);
    next.password_hash = command.new_hash;
    next.password_attempts = {};
    call_off_links(next);
    const auto* own = std::get_if<session_id>(&command.by);
    if (own == nullptr) next.api_tokens.clear(); // then it is a reset, and does what one does
    rules::end_sessions(next, own != nullptr ? *own : session_id());
    rules::alert(draft, event_type::password_changed, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const update_profile& command, const context&,
                         unix_time now) {
    if (const auto no = rules::check_requester(current, command.by, now))
        return rules::refuse<nothing>(*no);
    rules::draft draft(current, now);
    auto& next = draft.next;
    if (command.name) set_name(next, {.given = *command.name});
    if (command.given_name || command.family_name) {
        auto name = name_of(current);
        if (command.given_name) name.given = *command.given_name;
        if (command.family_name) name.family = *command.family_name;
        set_name(next, name);
    }
    if (command.dark_mode) next.dark_mode = *command.dark_mode;
    return std::move(draft).grant(nothing{});
}

std::optional<refusal> may_read(const account& current, const requester& by, unix_time now) {
    return rules::check_requester(current, by, now);
}

} // namespace countersign::core
