#include "core/event.hpp"

#include "core/json_fields.hpp"

#include <boost/json/parse.hpp>

#include <array>

namespace countersign::core {

namespace {

struct type_row {
    event_type type;
    std::string_view name;
    mail_lane lane;
};

constexpr std::array<type_row, event_type_count> type_rows{{
    {event_type::one_time_code, "one_time_code", mail_lane::code},
    {event_type::email_verification, "email_verification", mail_lane::code},
    {event_type::password_reset, "password_reset", mail_lane::code},
    {event_type::email_verification_code, "email_verification_code", mail_lane::code},
    {event_type::password_reset_code, "password_reset_code", mail_lane::code},
    {event_type::two_factor_added, "two_factor_added", mail_lane::alert},
    {event_type::two_factor_removed, "two_factor_removed", mail_lane::alert},
    {event_type::recovery_code_used, "recovery_code_used", mail_lane::alert},
    {event_type::password_changed, "password_changed", mail_lane::alert},
    {event_type::email_changed, "email_changed", mail_lane::alert},
    {event_type::new_login, "new_login", mail_lane::alert},
    {event_type::registration_with_existing_email, "registration_with_existing_email",
     mail_lane::alert},
    {event_type::sign_in_blocked, "sign_in_blocked", mail_lane::alert},
    {event_type::recovery_codes_created, "recovery_codes_created", mail_lane::alert},
    {event_type::second_factor_reset, "second_factor_reset", mail_lane::alert},
    {event_type::api_token_created, "api_token_created", mail_lane::alert},
    {event_type::recovery_codes_low, "recovery_codes_low", mail_lane::alert},
    {event_type::second_factor_failed, "second_factor_failed", mail_lane::alert},
    {event_type::code_reused, "code_reused", mail_lane::alert},
    {event_type::sessions_ended, "sessions_ended", mail_lane::alert},
    {event_type::account_deleted, "account_deleted", mail_lane::alert},
    {event_type::notification_addresses_changed, "notification_addresses_changed",
     mail_lane::alert},
}};

} // namespace

std::string_view to_string(event_type type) noexcept {
    return type_rows[static_cast<std::size_t>(type)].name;
}

std::optional<event_type> event_type_from(std::string_view name) noexcept {
    for (const auto& row : type_rows)
        if (row.name == name) return row.type;
    return std::nullopt;
}

mail_lane lane_of(event_type type) noexcept {
    return type_rows[static_cast<std::size_t>(type)].lane;
}

std::string secret_context(const account_id& account, event_type type) {
    return account.value() + "|mail|" + std::string(to_string(type));
}

std::string to_json(const event& value) {
    std::string text;
    json_writer out(text);
    out.put("id", value.id.value());
    out.put("type", to_string(value.type));
    out.put("account", value.account.value());
    out.put("at", value.at);
    out.put("recipients", value.recipients);
    out.put("name", value.name);
    out.put("locale", value.locale);
    out.put("method", value.method);
    out.put("label", value.label);
    out.put("ip", value.ip);
    out.put("browser", value.browser);
    out.put("os", value.os);
    out.put("old_email", value.old_email);
    out.put("new_email", value.new_email);
    out.put("remaining_codes", value.remaining_codes);
    out.put("sealed_secret", value.sealed_secret);
    out.put("expires_at", value.expires_at);
    out.finish();
    return text;
}

boost::system::result<event, event_error> event_from_json(std::string_view text) {
    boost::system::error_code error;
    const auto parsed = boost::json::parse(text, error);
    if (error || !parsed.is_object()) return event_error::malformed;

    json_reader in(parsed.get_object());
    std::string type_name;
    event value;
    in.get("type", type_name);
    const auto type = event_type_from(type_name);
    if (!in.ok() || type_name.empty()) return event_error::malformed;
    if (!type) return event_error::unknown_type;
    value.type = *type;
    in.get("id", value.id);
    in.get("account", value.account);
    in.get("at", value.at);
    in.get("recipients", value.recipients);
    in.get("name", value.name);
    in.get("locale", value.locale);
    in.get("method", value.method);
    in.get("label", value.label);
    in.get("ip", value.ip);
    in.get("browser", value.browser);
    in.get("os", value.os);
    in.get("old_email", value.old_email);
    in.get("new_email", value.new_email);
    in.get("remaining_codes", value.remaining_codes);
    in.get("sealed_secret", value.sealed_secret);
    in.get("expires_at", value.expires_at);
    if (!in.ok() || value.id.empty() || value.account.empty()) return event_error::malformed;
    return value;
}

} // namespace countersign::core
