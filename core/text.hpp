// Text that people type: e-mail addresses, names, languages. Checked once, at the boundary, and
// from then on carried in types that cannot hold anything else.
#pragma once

#include "core/result.hpp"

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::core {

// Bytes outside A to Z stay as they are.
[[nodiscard]] std::string to_lower_ascii(std::string_view text);

// The number of code points, or nullopt if the text is not UTF-8 (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
[[nodiscard]] std::optional<std::size_t> code_point_count(std::string_view text) noexcept;
[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

// 1 to 100 code points of UTF-8, without control characters, line separators and characters that
// embed, override or isolate the direction of writing.
[[nodiscard]] bool is_valid_display_name(std::string_view text) noexcept;

enum class email_error {
    wrong_length,         // not 3 to 255 bytes
    not_ascii,            // SMTPUTF8 (RFC 6531) is not offered
    no_single_at,         // not exactly one @
    malformed_local_part, // not 1 to 64 bytes of dot-atom
    malformed_domain,     // not LDH labels with a dot, nor localhost
};

// A mailbox of RFC 5321 section 4.1.2 in the unquoted form that people use, in lower case.
// Canonical by construction: two addresses are the same if and only if they compare equal. Contains
// nothing that could break out of an envelope or a header.
class email_address {
public:
    // Spaces at the ends are trimmed.
    [[nodiscard]] static boost::system::result<email_address, email_error>
    parse(std::string_view text);

    [[nodiscard]] const std::string& value() const noexcept { return value_; }

    friend bool operator==(const email_address&, const email_address&) = default;
    friend auto operator<=>(const email_address&, const email_address&) = default;

private:
    explicit email_address(std::string value) : value_(std::move(value)) {}

    std::string value_;
};

// A well-formed language tag of BCP 47 (RFC 5646 section 2.1), of language, script, region and
// variants only, in canonical case: `de`, `de-AT`, `zh-Hant-TW`, `de-CH-1996`.
class locale_tag {
public:
    // At most 35 bytes, separated by - or _, in any case.
    [[nodiscard]] static std::optional<locale_tag> parse(std::string_view text);

    [[nodiscard]] const std::string& value() const noexcept { return value_; }
    // The first subtag: `de` of `de-AT`. Valid as long as this object.
    [[nodiscard]] std::string_view language() const noexcept;

    friend bool operator==(const locale_tag&, const locale_tag&) = default;

private:
    explicit locale_tag(std::string value) : value_(std::move(value)) {}

    std::string value_;
};

} // namespace countersign::core
