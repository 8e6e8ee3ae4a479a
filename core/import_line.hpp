// One line of an import: a subject of another system with the second factors that it has there, as
// JSON: {"subject", "email", "name"?, "locale"?, "totp"?: [otpauth URI, …], "backupCodes"?:
// [digest, …]}. A backup code comes as the SHA-256 of its text, 64 hexadecimal digits, also written
// "sha256:<digits>".
#pragma once

#include "core/otpauth.hpp"
#include "core/policy.hpp"
#include "core/text.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

inline constexpr std::size_t import_line_size_max = 16'384; // bytes
inline constexpr std::size_t imported_backup_codes_max = 50;
// Issuer and account name of a device are only shown; what is longer is cut.
inline constexpr std::size_t imported_device_name_size_max = 100; // bytes

struct import_line {
    std::string subject; // as is_valid_subject() says
    email_address email;
    std::string name;          // a display name; where the line has none, the subject's beginning
    std::string locale;        // BCP 47 in canonical case, or empty
    std::vector<otpauth> totp; // no secret twice
    std::vector<std::string> backup_code_digests; // SHA-256, lower-case hexadecimal, none twice
};

enum class import_line_error : std::uint8_t {
    malformed_json,  // not UTF-8, not JSON, no object, a member twice
    line_too_long,   // more than import_line_size_max
    unknown_member,  // a member that imports do not know
    invalid_subject, // absent, not as is_valid_subject() says, or an account's id
    invalid_email,   // absent or no address
    invalid_name,    // no display name
    invalid_locale,  // no language tag
    invalid_totp,    // no array of good otpauth URIs of type totp, or more than totp_devices_max
    duplicate_totp,  // one secret twice: a code would count twice (T-01)
    invalid_backup_code, // no array of SHA-256 digests, one twice, too many, or without a device
    secret_too_short,    // shorter than policy allows
    period_too_long,     // longer than policy allows
};
// The stable name, as in the report of an import: "invalid_email".
[[nodiscard]] std::string_view to_string(import_line_error error) noexcept;
// What the line must be instead: a sentence without a full stop, and without anything of the line.
[[nodiscard]] std::string_view describe(import_line_error error) noexcept;

// What a backend may call a user: 1 to 128 bytes of printable ASCII without a slash; no space at
// its ends, and neither "." nor "..", which would not survive as a part of a path.
[[nodiscard]] bool is_valid_subject(std::string_view text) noexcept;

// The first error in the order of the enumeration's members from `subject` on.
[[nodiscard]] boost::system::result<import_line, import_line_error>
parse_import_line(std::string_view text);

// Why policy does not take a line that is well formed; nullopt: it does.
[[nodiscard]] std::optional<import_line_error> check_import(const import_line& line,
                                                            const policy& policy) noexcept;

// The line that parse_import_line() reads back to the same value; without a line feed. Contains
// secrets: never log it.
[[nodiscard]] std::string to_json(const import_line& line);

// What to call a device: "issuer (account name)", or the one of them that there is, or nothing.
[[nodiscard]] std::string device_label(const otpauth& device);

} // namespace countersign::core
