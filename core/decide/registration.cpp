#include "core/decide/registration.hpp"

#include "core/decide/rules.hpp"

#include <algorithm>

namespace countersign::core {

decision<nothing> create(const register_account& command, const context& context, unix_time now) {
    account fresh;
    fresh.id = command.id;
    fresh.email = command.email.value();
    fresh.name = command.name;
    fresh.family_name = command.family_name;
    fresh.locale = command.origin.locale;
    fresh.password_hash = command.password_hash;
    fresh.created_at = now;
    fresh.last_active = now;
    if (command.email_factor && context.rules.starts_with_email_factor()) {
        fresh.email_factor_since = now;
        fresh.preferred = factor_method::email;
    }

    rules::draft draft(fresh, now);
    if (command.send_mail) {
        // The first mail of an account: neither cooldown nor budget can stand against it.
        (void)rules::send_code(
            draft,
            {.purpose = code_purpose::verify_email,
             .type = command.verification_mail,
             .address = fresh.email,
             .code = command.verification,
             .life = command.verification_mail == event_type::email_verification_code
                         ? context.rules.mailed_code_life
                         : context.rules.tokens.email_verification},
            context, command.origin, now);
    }
    if (command.session && !fresh.has_second_factor())
        rules::open_session(draft.next, *command.session, assurance_level::aal1, context,
                            command.origin, now);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const report_registration_attempt& command,
                         const context& context, unix_time now) {
    // Anybody may cause this mail, as often as they like: it is spread over the day's budget
    // (T-17).
    const auto pause =
        std::max(context.rules.mail_cooldown,
                 seconds(std::chrono::hours(24)) / std::max(1, context.rules.mails_per_day));
    if (current.registration_reported_at + pause > now) return {nothing{}, std::nullopt, {}};
    rules::draft draft(current, now);
    draft.next.registration_reported_at = now;
    rules::alert(draft, event_type::registration_with_existing_email, context, command.origin, now);
    return std::move(draft).grant(nothing{});
}

} // namespace countersign::core
