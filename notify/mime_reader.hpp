// Reads back what a mail says: one header, one part. For the dev mailbox and for tests; it
// understands what mail.cpp writes (and the like), not every message there is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace countersign::notify {

// The value of the first header of that name (any case), unfolded, encoded words decoded.
[[nodiscard]] std::optional<std::string> read_header(std::string_view message,
                                                     std::string_view name);
// The decoded content, with LF line ends, of the first part of that type, e.g. "text/plain".
[[nodiscard]] std::optional<std::string> read_part(std::string_view message,
                                                   std::string_view content_type);
[[nodiscard]] std::string decode_quoted_printable(std::string_view text);

} // namespace countersign::notify
