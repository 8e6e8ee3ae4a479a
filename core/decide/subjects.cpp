#include "core/decide/subjects.hpp"

#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"
#include "core/decide/rules.hpp"

#include <algorithm>

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

decision<nothing> create(const create_subject& command, const context&, unix_time now) {
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
                               line.totp.empty() && context.rules.email_factor_by_default};
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
            next.email_factor_since = now;
            rules::settle_preference(next);
            rules::end_other_sessions(next, backend{}, now);
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

} // namespace countersign::core
