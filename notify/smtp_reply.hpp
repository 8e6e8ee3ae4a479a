// Replies of an SMTP server, read as they arrive (RFC 5321 section 4.2). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::notify {

struct smtp_reply {
    int code = 0;     // 200 to 599
    std::string text; // the last line without its end, cut at `smtp_reply_text_max`
};
inline constexpr std::size_t smtp_reply_text_max = 512; // RFC 5321 section 4.5.3.1.5
inline constexpr std::size_t smtp_reply_size_max = 1 << 20;

// One reply, of as many lines as it has; made anew for the next. A line may end in a bare LF, which
// is harmless in this direction, and be of any length; only its beginning is kept. Malformed is a
// line without a code, lines of different codes, and more than `smtp_reply_size_max` bytes.
class smtp_reply_reader {
public:
    enum class progress : std::uint8_t { incomplete, complete, malformed };

    // Removes from `bytes` what belongs to the reply, and leaves what follows it.
    [[nodiscard]] progress take(std::string& bytes);
    // Of a complete reply.
    [[nodiscard]] const smtp_reply& reply() const noexcept { return reply_; }

private:
    [[nodiscard]] progress end_line();

    smtp_reply reply_;
    std::string line_; // so far, cut
    std::size_t size_ = 0;
};

} // namespace countersign::notify
