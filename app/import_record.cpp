#include "app/import_record.hpp"

#include "core/text.hpp"

#include <array>
#include <utility>

namespace countersign::app {

namespace {

constexpr std::array formats = {import_format::ndjson, import_format::otpauth,
                                import_format::authelia, import_format::keycloak};

// A name that may be printed on a terminal as it is.
std::string printable(std::string_view name) {
    return core::is_valid_subject(name) ? std::string(name) : std::string();
}

fallible<core::email_address> address_of(const imported_user& user, const import_options& options) {
    const bool has_own = !user.email.empty();
    const bool name_is_one = user.username.find('@') != std::string::npos;
    if (!has_own && !name_is_one && options.email_domain.empty())
        return problem{"it has no e-mail address: name the domain of your users' addresses with "
                       "--email-domain"};
    const std::string text = has_own       ? user.email
                             : name_is_one ? user.username
                                           : user.username + '@' + options.email_domain;
    auto address = core::email_address::parse(text);
    if (address) return *std::move(address);
    return problem{has_own || name_is_one
                       ? "its e-mail address is none that can be used: one in ASCII is needed"
                       : "its user name and --email-domain make no e-mail address"};
}

} // namespace

std::string_view to_string(import_format format) noexcept {
    switch (format) {
    case import_format::ndjson:
        return "ndjson";
    case import_format::otpauth:
        return "otpauth";
    case import_format::authelia:
        return "authelia";
    case import_format::keycloak:
        return "keycloak";
    }
    return "";
}

std::optional<import_format> import_format_from(std::string_view name) noexcept {
    for (const auto format : formats)
        if (to_string(format) == name) return format;
    return std::nullopt;
}

import_record skipped_record(std::uint64_t number, std::string_view who, std::string sentence) {
    return {.number = number,
            .what = import_record::kind::skipped,
            .line = {},
            .sentence = std::move(sentence),
            .who = printable(who)};
}

import_record rejected_record(std::uint64_t number, std::string_view who, std::string sentence) {
    return {.number = number,
            .what = import_record::kind::rejected,
            .line = {},
            .sentence = std::move(sentence),
            .who = printable(who)};
}

import_record record_of(std::uint64_t number, imported_user user, const import_options& options) {
    const std::string who = user.username.empty() ? user.subject : user.username;
    auto email = address_of(user, options);
    if (!email) return rejected_record(number, who, email.error().sentence);

    core::import_line line{.subject = std::move(user.subject),
                           .email = *std::move(email),
                           .name = {},
                           .locale = {},
                           .totp = std::move(user.devices),
                           .backup_code_digests = {}};
    if (core::is_valid_display_name(user.name)) line.name = std::move(user.name);
    if (const auto locale = core::locale_tag::parse(user.locale)) line.locale = locale->value();

    // What an import refuses is known in one place: where a line is read.
    std::string text = core::to_json(line);
    const auto checked = core::parse_import_line(text);
    if (!checked) {
        core::wipe(text);
        return rejected_record(number, who, std::string(core::describe(checked.error())));
    }
    return {.number = number,
            .what = import_record::kind::line,
            .line = core::secret_string(std::move(text)),
            .sentence = {},
            .who = printable(who)};
}

} // namespace countersign::app
