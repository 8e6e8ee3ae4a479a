// Pieces of an Internet message: header values, encodings, dates, and the cleaning and escaping of
// values that a stranger chose. Pure functions over strings; mail.cpp puts a whole message
// together.
#pragma once

#include "core/types.hpp"

#include <string>
#include <string_view>

namespace countersign::notify {

// A value of the user's, fit to stand in a line of text: well-formed UTF-8 (U+FFFD elsewhere), no
// control, line-breaking or bidirectional-override characters, white space collapsed, at most
// `length_max` code points.
[[nodiscard]] std::string one_line(std::string_view value, std::size_t length_max = 200);

// For element content and double-quoted attribute values.
[[nodiscard]] std::string html_escaped(std::string_view text);

// The last check before an address stands in an envelope or a header, whatever was checked before:
// one `@` with something on both sides, at most 254 bytes, nothing but visible ASCII (SMTPUTF8 is
// not offered), no `<`, `>`, quote, comma or semicolon.
[[nodiscard]] bool is_safe_address(std::string_view address) noexcept;
// What stands after the `@`.
[[nodiscard]] std::string_view domain_of(std::string_view address) noexcept;

// A whole header line with its CRLF. Text that is not plain ASCII, or is too long for one line,
// becomes folded encoded words (RFC 2047), each line at most 76 bytes.
[[nodiscard]] std::string text_header(std::string_view name, std::string_view text);
// `name: "Display Name" <address>`; the display name may be empty.
[[nodiscard]] std::string mailbox_header(std::string_view name, std::string_view display_name,
                                         std::string_view address);
// RFC 5322 section 3.3, in UTC, whatever the process's locale: Fri, 02 Jan 2026 03:04:05 +0000.
[[nodiscard]] std::string message_date(core::unix_time time);

// RFC 2045 section 6.7: lines of at most 76 bytes, ended by CRLF. `text` has LF line ends.
[[nodiscard]] std::string quoted_printable(std::string_view text);

} // namespace countersign::notify
