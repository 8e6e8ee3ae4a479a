#include "core/import_line.hpp"

#include "core/decide/subjects.hpp"
#include "core/json_fields.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace countersign::core {

namespace {

constexpr std::size_t subject_size_max = 128;
constexpr std::size_t default_name_size_max = 100; // what a display name may have
constexpr std::size_t digest_size = 64;            // hexadecimal digits
constexpr std::string_view digest_prefix = "sha256:";
// Enough for an ordinary line's values; larger ones go on to the heap.
constexpr std::size_t scratch_size = 8192;

constexpr std::array<std::string_view, 6> member_names = {"subject", "email", "name",
                                                          "locale",  "totp",  "backupCodes"};

// The members of the outermost object, those counted that come twice: the parser keeps the last of
// them without a word. `json` is well-formed and not empty of members.
std::size_t written_members(std::string_view json) {
    std::size_t commas = 0;
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (c == ',' && depth == 1) ++commas;
    }
    return commas + 1;
}

std::optional<import_line_error> check_members(const boost::json::object& members,
                                               std::string_view text) {
    for (const auto& member : members) {
        if (std::ranges::find(member_names, std::string_view(member.key())) == member_names.end())
            return import_line_error::unknown_member;
    }
    if (!members.empty() && written_members(text) != members.size())
        return import_line_error::malformed_json;
    return std::nullopt;
}

// The text of a member; nullopt if it is absent or no string.
std::optional<std::string_view> text_in(const boost::json::object& members, std::string_view key) {
    const auto* value = members.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string());
}

void cut(std::string& text, std::size_t size_max) {
    if (text.size() <= size_max) return;
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
    };
    while (size_max > 0 && continues(size_max))
        --size_max;
    text.resize(size_max);
}

bool is_showable(std::string_view text) {
    return text.empty() || is_valid_display_name(text);
}

// Makes the names of a device what a URI can carry there and back; false if they must not be shown.
bool settle_names(otpauth& device) {
    auto& account = device.account_name;
    account.erase(0, std::min(account.find_first_not_of(' '), account.size()));
    cut(account, imported_device_name_size_max);
    cut(device.issuer, imported_device_name_size_max);
    // A label that begins with two colons: what stands before the second would be read as an
    // issuer.
    if (device.issuer.empty() && account.find(':') != std::string::npos) return false;
    return is_showable(account) && is_showable(device.issuer);
}

std::optional<import_line_error> read_totp(const boost::json::object& members,
                                           std::vector<otpauth>& out) {
    const auto* value = members.if_contains("totp");
    if (value == nullptr) return std::nullopt;
    const auto* list = value->if_array();
    if (list == nullptr || list->size() > totp_devices_max) return import_line_error::invalid_totp;
    out.reserve(list->size());
    for (const auto& element : *list) {
        const auto* uri = element.if_string();
        if (uri == nullptr) return import_line_error::invalid_totp;
        auto device = parse_otpauth_uri(*uri);
        if (!device || !settle_names(*device)) return import_line_error::invalid_totp;
        if (std::ranges::find(out, device->secret, &otpauth::secret) != out.end())
            return import_line_error::duplicate_totp;
        out.push_back(*std::move(device));
    }
    return std::nullopt;
}

bool is_hexadecimal(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

std::optional<import_line_error> read_backup_codes(const boost::json::object& members,
                                                   bool has_device, std::vector<std::string>& out) {
    constexpr auto invalid = import_line_error::invalid_backup_code;
    const auto* value = members.if_contains("backupCodes");
    if (value == nullptr) return std::nullopt;
    const auto* list = value->if_array();
    if (list == nullptr || list->size() > imported_backup_codes_max) return invalid;
    if (!list->empty() && !has_device) return invalid;
    out.reserve(list->size());
    for (const auto& element : *list) {
        if (!element.is_string()) return invalid;
        std::string digest = to_lower_ascii(std::string_view(element.get_string()));
        if (digest.starts_with(digest_prefix)) digest.erase(0, digest_prefix.size());
        if (digest.size() != digest_size || !std::ranges::all_of(digest, is_hexadecimal))
            return invalid;
        if (std::ranges::find(out, digest) != out.end()) return invalid;
        out.push_back(std::move(digest));
    }
    return std::nullopt;
}

boost::system::result<import_line, import_line_error>
read_members(const boost::json::object& members) {
    const auto subject = text_in(members, "subject");
    if (!subject || !is_valid_subject(*subject) || names_an_account(*subject))
        return import_line_error::invalid_subject;

    const auto address = text_in(members, "email");
    if (!address) return import_line_error::invalid_email;
    auto email = email_address::parse(*address);
    if (!email) return import_line_error::invalid_email;
    import_line line{.subject = std::string(*subject),
                     .email = *std::move(email),
                     .name = std::string(subject->substr(0, default_name_size_max)),
                     .locale = {},
                     .totp = {},
                     .backup_code_digests = {}};

    if (members.contains("name")) {
        const auto name = text_in(members, "name");
        if (!name || !is_valid_display_name(*name)) return import_line_error::invalid_name;
        line.name = *name;
    }
    if (members.contains("locale")) {
        const auto text = text_in(members, "locale");
        const auto locale = text ? locale_tag::parse(*text) : std::nullopt;
        if (!locale) return import_line_error::invalid_locale;
        line.locale = locale->value();
    }
    if (const auto error = read_totp(members, line.totp)) return *error;
    const auto error = read_backup_codes(members, !line.totp.empty(), line.backup_code_digests);
    if (error) return *error;
    return line;
}

} // namespace

std::string_view to_string(import_line_error error) noexcept {
    switch (error) {
    case import_line_error::malformed_json:
        return "malformed_json";
    case import_line_error::line_too_long:
        return "line_too_long";
    case import_line_error::unknown_member:
        return "unknown_member";
    case import_line_error::invalid_subject:
        return "invalid_subject";
    case import_line_error::invalid_email:
        return "invalid_email";
    case import_line_error::invalid_name:
        return "invalid_name";
    case import_line_error::invalid_locale:
        return "invalid_locale";
    case import_line_error::invalid_totp:
        return "invalid_totp";
    case import_line_error::duplicate_totp:
        return "duplicate_totp";
    case import_line_error::invalid_backup_code:
        return "invalid_backup_code";
    case import_line_error::secret_too_short:
        return "secret_too_short";
    case import_line_error::period_too_long:
        return "period_too_long";
    }
    return "";
}

std::string_view describe(import_line_error error) noexcept {
    switch (error) {
    case import_line_error::malformed_json:
        return "a line is one JSON object in UTF-8, with no member twice";
    case import_line_error::line_too_long:
        return "a line has at most 16384 bytes";
    case import_line_error::unknown_member:
        return "the members are subject, email, name, locale, totp and backupCodes, and no others";
    case import_line_error::invalid_subject:
        return "subject is 1 to 128 printable ASCII characters without a slash, with no space at "
               "its ends, and not written as an account's id";
    case import_line_error::invalid_email:
        return "email is one e-mail address in ASCII";
    case import_line_error::invalid_name:
        return "name is 1 to 100 characters without control characters";
    case import_line_error::invalid_locale:
        return "locale is a language tag such as de or pt-BR";
    case import_line_error::invalid_totp:
        return "totp is an array of at most 10 otpauth://totp/ URIs, each with a base32 secret of "
               "10 to 128 bytes, SHA1, SHA256 or SHA512, 6 to 8 digits, a period of 1 to 300 "
               "seconds, and names that can be shown";
    case import_line_error::duplicate_totp:
        return "a secret may be in one device only";
    case import_line_error::invalid_backup_code:
        return "backupCodes is an array of at most 50 SHA-256 digests of 64 hexadecimal digits, "
               "none twice, beside at least one TOTP device";
    case import_line_error::secret_too_short:
        return "this server takes no TOTP secret of fewer bits than policy.import_secret_bits_min "
               "says";
    case import_line_error::period_too_long:
        return "this server takes no TOTP period longer than policy.import_period_max says";
    }
    return "";
}

bool is_valid_subject(std::string_view text) noexcept {
    if (text.empty() || text.size() > subject_size_max) return false;
    if (text.front() == ' ' || text.back() == ' ' || text == "." || text == "..") return false;
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '/'; });
}

boost::system::result<import_line, import_line_error> parse_import_line(std::string_view text) {
    if (text.size() > import_line_size_max) return import_line_error::line_too_long;
    boost::system::error_code error;
    std::array<unsigned char, scratch_size> scratch;
    boost::json::monotonic_resource memory(scratch.data(), scratch.size());
    const auto parsed = boost::json::parse(text, error, &memory);
    if (error || !parsed.is_object()) return import_line_error::malformed_json;
    const auto& members = parsed.get_object();
    if (const auto wrong = check_members(members, text)) return *wrong;
    return read_members(members);
}

std::optional<import_line_error> check_import(const import_line& line,
                                              const policy& policy) noexcept {
    for (const auto& device : line.totp) {
        if (std::cmp_less(device.secret.reveal().size() * 8, policy.import_secret_bits_min))
            return import_line_error::secret_too_short;
        if (device.parameters.period_s > policy.import_period_max.count())
            return import_line_error::period_too_long;
    }
    return std::nullopt;
}

std::string to_json(const import_line& line) {
    std::vector<std::string> uris;
    uris.reserve(line.totp.size());
    for (const auto& device : line.totp)
        uris.push_back(make_otpauth_uri({.issuer = device.issuer,
                                         .account_name = device.account_name,
                                         .secret = device.secret.reveal(),
                                         .parameters = device.parameters}));
    std::string text;
    json_writer out(text);
    out.put("subject", line.subject);
    out.put("email", line.email.value());
    out.put("name", line.name);
    out.put("locale", line.locale);
    out.put("totp", uris);
    out.put("backupCodes", line.backup_code_digests);
    out.finish();
    return text;
}

std::string device_label(const otpauth& device) {
    if (device.issuer.empty()) return device.account_name;
    if (device.account_name.empty()) return device.issuer;
    return device.issuer + " (" + device.account_name + ")";
}

} // namespace countersign::core
