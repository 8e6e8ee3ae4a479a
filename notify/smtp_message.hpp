// What the wire asks of a message, whatever made it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace countersign::notify {

// CRLF ends every line and stands nowhere else, no NUL, at most 998 octets in a line (RFC 5322
// sections 2.1.1 and 2.3): what a relay could read as the message's end, or as another message,
// cannot be in it.
[[nodiscard]] bool is_sendable(std::string_view message) noexcept;

// With a dot before each line that begins with one (RFC 5321 section 4.5.2). Of a sendable message.
[[nodiscard]] std::string dot_stuffed(std::string_view message);

} // namespace countersign::notify
