#include "core/account.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace countersign::core {

std::string_view to_string(factor_method method) noexcept {
    switch (method) {
    case factor_method::totp:
        return "totp";
    case factor_method::email:
        return "email";
    case factor_method::passkey:
        return "passkey";
    }
    return "";
}

std::optional<factor_method> factor_method_from(std::string_view name) noexcept {
    if (name == "totp") return factor_method::totp;
    if (name == "email") return factor_method::email;
    return std::nullopt;
}

std::string_view to_string(code_purpose purpose) noexcept {
    switch (purpose) {
    case code_purpose::second_factor:
        return "second_factor";
    case code_purpose::verify_email:
        return "verify_email";
    case code_purpose::reset_password:
        return "reset_password";
    }
    return "";
}

bool account::has(factor_method method) const noexcept {
    switch (method) {
    case factor_method::totp:
        return !totp.empty();
    case factor_method::email:
        return email_factor_since.has_value();
    case factor_method::passkey:
        return !passkeys.empty();
    }
    return false;
}

bool account::has_second_factor() const noexcept {
    return has(factor_method::totp) || has(factor_method::email) || has(factor_method::passkey);
}

std::vector<factor_method> account::methods() const {
    auto enabled = code_methods();
    if (has(factor_method::passkey)) enabled.push_back(factor_method::passkey);
    return enabled;
}

std::vector<factor_method> account::code_methods() const {
    std::vector<factor_method> enabled;
    for (const auto method : {factor_method::totp, factor_method::email})
        if (has(method)) enabled.push_back(method);
    return enabled;
}

const session* account::find_session(const session_id& wanted, unix_time now) const noexcept {
    const auto found = std::ranges::find(sessions, wanted, &session::id);
    return found != sessions.end() && found->expires_at > now ? &*found : nullptr;
}

personal_name name_of(const account& account) {
    const auto& name = account.name;
    auto family_at = name.size() - account.family_name.size();
    if (account.family_name.empty())
        if (const auto space = name.find_last_of(' '); space != std::string::npos)
            family_at = space + 1;
    auto given = name.substr(0, family_at);
    if (given.ends_with(' ')) given.pop_back();
    return {.given = std::move(given), .family = name.substr(family_at)};
}

void set_name(account& account, const personal_name& name) {
    const bool both = !name.given.empty() && !name.family.empty();
    account.name = name.given + (both ? " " : "") + name.family;
    account.family_name = name.family;
}

std::string totp_secret_context(const account_id& account, const factor_id& factor) {
    return account.value() + "|totp|" + factor.value();
}

std::optional<unix_time> notice_due(const account& account) {
    if (account.unfinished) return account.unfinished->at;
    std::optional<unix_time> due;
    for (const auto& open : account.challenges)
        if (open.purpose == challenge_purpose::login && (!due || open.expires_at < *due))
            due = open.expires_at;
    return due;
}

namespace {

template <typename T, typename Projection>
bool unique_by(const std::vector<T>& values, Projection projection) {
    for (auto left = values.begin(); left != values.end(); ++left)
        for (auto right = std::next(left); right != values.end(); ++right)
            if (std::invoke(projection, *left) == std::invoke(projection, *right)) return false;
    return true;
}

std::optional<std::string> check_passkeys(const account& value) {
    const auto& keys = value.passkeys;
    if (keys.size() > passkeys_max) return "an account has ten passkeys at the most";
    for (const auto& key : keys) {
        if (key.id.empty() || key.credential.id.empty() || key.credential.public_key.empty())
            return "a passkey has an id, a credential and its key";
        if (key.credential.backed_up && !key.credential.backup_eligible)
            return "what is backed up is eligible for it";
    }
    if (!unique_by(keys, &passkey::id)) return "passkeys have ids of their own";
    if (!unique_by(keys, [](const passkey& key) { return key.credential.id; }))
        return "a credential is registered once";
    if (const auto& begun = value.passkey_enrolment)
        if (std::ranges::find(keys, begun->id, &passkey::id) != keys.end())
            return "a pending passkey is not an enrolled one";
    if (value.passkey_challenge && keys.empty()) return "only a passkey is asked to sign";
    return std::nullopt;
}

} // namespace

std::optional<std::string> check_invariants(const account& value) {
    if (value.id.empty()) return "an account has an id";
    if (value.email.empty()) return "an account has an e-mail address";
    if (value.pending_email == value.email) return "a pending address differs from the present one";

    const auto codes = value.code_methods();
    if (value.preferred && std::ranges::find(codes, *value.preferred) == codes.end())
        return "the preferred method is one with codes that is on";
    if (!value.preferred && !codes.empty())
        return "an account with a second factor of codes prefers one";
    if (value.totp.empty() && value.passkeys.empty() && !value.backup_code_hashes.empty())
        return "backup codes stand beside a TOTP device or a passkey only";
    if (const auto broken = check_passkeys(value)) return broken;
    for (const auto& device : value.totp)
        if (device.id.empty() || device.sealed_secret.empty())
            return "a TOTP device has an id and a sealed secret";
    if (!unique_by(value.totp, &totp_device::id)) return "TOTP devices have ids of their own";
    if (value.enrolment)
        for (const auto& device : value.totp)
            if (device.id == value.enrolment->device.id)
                return "a pending enrolment is not an enrolled device";

    if (!value.name.ends_with(value.family_name)) return "a name ends with the family's name";

    if (value.notification_addresses.size() > notification_addresses_max ||
        !unique_by(value.notification_addresses, std::identity{}))
        return "notification addresses are few, and none of them twice";

    if (!unique_by(value.codes, &mailed_code::purpose)) return "one live code per purpose";
    if (!unique_by(value.challenges, &challenge::id)) return "challenges have ids of their own";
    if (!unique_by(value.sessions, &session::id)) return "sessions have ids of their own";
    for (const auto& one : value.sessions)
        if (value.has_second_factor() && one.assurance < assurance_level::aal2)
            return "no session is below the account's second factor";
    if (!unique_by(value.api_tokens, &api_token::id)) return "API tokens have ids of their own";
    for (const auto& open : value.challenges) {
        if (open.purpose == challenge_purpose::login && !open.session.empty())
            return "a pending login has no session yet";
        if (open.purpose == challenge_purpose::step_up && open.session.empty())
            return "a pending step-up belongs to a session";
        if (open.purpose == challenge_purpose::step_up && !open.replaces.empty())
            return "a step-up replaces no session";
    }
    if (!std::ranges::is_sorted(value.unanswered, {}, &begun_challenges::at))
        return "unanswered challenges are kept oldest first";
    for (const auto& begun : value.unanswered)
        if (begun.count < 1) return "unanswered challenges are counted from one";
    if (!std::ranges::is_sorted(value.mails, {}, &sent_mail::at))
        return "sent mails are kept oldest first";
    if (value.factor_attempts.misses < 0 || value.password_attempts.misses < 0)
        return "misses are counted from zero";
    return std::nullopt;
}

} // namespace countersign::core
