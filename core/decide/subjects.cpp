#include "core/decide/subjects.hpp"

#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "core/decide/rules.hpp"

#include <algorithm>
#include <iterator>

namespace countersign::core {

namespace {

constexpr std::string_view account_prefix = "user_";
constexpr std::size_t account_digits = 32;

bool has_device(const account& account, const otpauth& wanted, const context& context) {
    return std::ranges::any_of(account.totp, [&](const totp_device& device) {
        const auto secret =
            context.keys.open(device.sealed_secret, totp_secret_context(account.id, device.id));
        return secret.has_value() && device.parameters == wanted.parameters &&
               equal_in_constant_time(secret->reveal(), text_of(wanted.secret.reveal()));
    });
}

// Those of `all` that `these` have not.
std::vector<std::string> missing_in(const std::vector<std::string>& these,
                                    const std::vector<std::string>& all) {
    std::vector<std::string> missing;
    std::ranges::copy_if(all, std::back_inserter(missing), [&](const std::string& one) {
        return std::ranges::find(these, one) == these.end();
    });
    return missing;
}

std::string joined(const std::vector<std::string>& addresses) {
    std::string text;
    for (const auto& one : addresses)
        text += (text.empty() ? "" : ", ") + one;
    return text;
}

} // namespace

bool names_an_account(std::string_view subject) noexcept {
    return subject.starts_with(account_prefix) &&
           subject.size() == account_prefix.size() + account_digits &&
           subject.find_first_not_of("0123456789abcdef", account_prefix.size()) ==
               std::string_view::npos;
}

account_id account_of_subject(std::string_view subject) {
    if (names_an_account(subject)) return account_id(std::string(subject));
    std::string message("countersign subject");
    message.append(1, '\0').append(subject);
    return account_id(std::string(account_prefix) +
                      to_hex(sha256(bytes_of(message))).substr(0, account_digits));
}

bool is_subject(const account& account, std::string_view subject) noexcept {
    if (subject.empty()) return false;
    return account.subject == subject ||
           (names_an_account(subject) && account.id.value() == subject);
}

decision<nothing> create(const create_subject& command, const context& context, unix_time now) {
    if (command.email_factor)
        if (const auto no = rules::check_email_factor(context.rules))
            return rules::refuse<nothing>(*no);
    account fresh;
    fresh.id = account_of_subject(command.subject);
    fresh.subject = command.subject;
    fresh.email = command.email.value();
    fresh.name = command.name;
    fresh.locale = command.locale;
    fresh.created_at = now;
    fresh.last_active = now;
    fresh.totp = command.devices;
    for (auto& device : fresh.totp)
        device.enrolled_at = now;
    if (!fresh.totp.empty()) fresh.backup_code_hashes = command.backup_code_hashes;
    if (command.email_factor) fresh.email_factor_since = now;
    rules::settle_preference(fresh);
    return {nothing{}, std::move(fresh), {}};
}

create_subject command_of(const import_line& line, const context& context, random_source& random) {
    create_subject command{.subject = line.subject,
                           .email = line.email,
                           .name = line.name,
                           .locale = line.locale,
                           .email_factor =
                               line.totp.empty() && context.rules.starts_with_email_factor()};
    const auto account = account_of_subject(line.subject);
    for (const auto& from : line.totp) {
        totp_device device{.id = factor_id("totp_" + random.hex(16)),
                           .label = device_label(from),
                           .parameters = from.parameters};
        device.sealed_secret =
            context.keys.seal(text_of(from.secret.reveal()),
                              totp_secret_context(account, device.id), random.bytes<12>());
        command.devices.push_back(std::move(device));
    }
    for (const auto& digest : line.backup_code_digests)
        command.backup_code_hashes.push_back(context.codes.hash_backup_digest(account, digest));
    return command;
}

bool is_covered_by(const import_line& line, const account& existing, const context& context) {
    return existing.subject == line.subject && existing.email == line.email.value() &&
           std::ranges::all_of(line.totp, [&](const otpauth& device) {
               return has_device(existing, device, context);
           });
}

decision<subject_updated> decide(const account& current, const update_subject& command,
                                 const context& context, unix_time now) {
    rules::draft draft(current, now);
    auto& next = draft.next;
    subject_updated updated;
    if (command.name) set_name(next, {.given = *command.name});
    if (command.locale) next.locale = *command.locale;
    if (command.email && command.email->value() != current.email) {
        updated.previous_email = current.email;
        rules::change_email(draft, command.email->value(), context, command.origin, now);
    }
    if (command.email_factor && *command.email_factor != current.has(factor_method::email)) {
        if (*command.email_factor) {
            if (const auto no = rules::check_email_factor(context.rules))
                return rules::refuse<subject_updated>(*no);
            next.email_factor_since = now;
            rules::settle_preference(next);
            rules::end_other_sessions(next, backend{}, now);
            rules::end_earlier_api_tokens(next, current, context.rules);
            rules::announce_factor(draft, event_type::two_factor_added, factor_method::email, {},
                                   context, command.origin, now);
        } else {
            if (const auto no = rules::check_removal(current, factor_method::email, context))
                return rules::refuse<subject_updated>(*no);
            rules::clear_email_factor(next);
            rules::announce_factor(draft, event_type::two_factor_removed, factor_method::email, {},
                                   context, command.origin, now);
        }
    }
    return std::move(draft).grant(std::move(updated));
}

decision<nothing> decide(const account& current, const set_notification_addresses& command,
                         const context& context, unix_time now) {
    rules::draft draft(current, now);
    auto& next = draft.next;
    std::vector<std::string> wanted;
    for (const auto& address : command.addresses)
        if (address.value() != current.email) wanted.push_back(address.value());
    const auto& before = current.notification_addresses;
    const auto removed = missing_in(wanted, before);
    const auto added = missing_in(before, wanted);
    if (removed.empty() && added.empty()) return {nothing{}, std::nullopt, {}};

    auto change =
        rules::make_event(draft, event_type::notification_addresses_changed, command.origin, now);
    change.old_email = joined(removed);
    change.new_email = joined(added);
    change.recipients.insert(change.recipients.end(), added.begin(), added.end());
    rules::alert(draft, std::move(change), context.rules);
    next.notification_addresses = std::move(wanted);
    return std::move(draft).grant(nothing{});
}

decision<nothing> decide(const account& current, const terminate_sessions& command,
                         const context& context, unix_time now) {
    rules::draft draft(current, now);
    const bool had_one = !draft.next.sessions.empty();
    rules::end_sessions(draft.next, session_id());
    auto ended = rules::make_event(draft, event_type::sessions_ended, command.origin, now);
    if (!had_one) ended.recipients.clear(); // an administrator's act all the same
    rules::alert(draft, std::move(ended), context.rules);
    return std::move(draft).grant(nothing{});
}

} // namespace countersign::core
