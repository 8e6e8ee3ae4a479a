// otpauth:// URIs, the form in which authenticator apps exchange TOTP secrets (the "Key Uri Format"
// of the Google Authenticator wiki).
#pragma once

#include "core/crypto/secret.hpp"
#include "core/result.hpp"
#include "core/totp.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace countersign::core {

// What to write into a URI; views of the caller's own values.
struct otpauth_fields {
    std::string_view issuer; // may be empty
    std::string_view account_name;
    std::span<const std::byte> secret;
    totp_parameters parameters;
};

// What was read from a URI.
struct otpauth {
    std::string issuer; // empty where the URI names none
    std::string account_name;
    secret_bytes secret;
    totp_parameters parameters;
};

enum class otpauth_error {
    malformed,             // not an otpauth URI, bad percent-encoding or text, a parameter twice
    unsupported_type,      // not totp
    missing_secret,        // no secret, or an empty one
    invalid_secret,        // not base32, or longer than 128 bytes
    secret_too_short,      // less than 10 bytes
    unsupported_algorithm, // not SHA1, SHA256 or SHA512
    unsupported_digits,    // not 6 to 8
    unsupported_period,    // not 1 to 300 seconds
};

// Label `Issuer:account`, `issuer=` as well; algorithm, digits and period only where they differ
// from SHA1, 6 and 30. The result contains the secret: show it to its owner only, never log it.
[[nodiscard]] std::string make_otpauth_uri(const otpauth_fields& fields);

// The label may come with or without its issuer; where it disagrees with `issuer=`, the parameter
// wins. Unknown parameters are ignored.
[[nodiscard]] boost::system::result<otpauth, otpauth_error> parse_otpauth_uri(std::string_view uri);

} // namespace countersign::core
