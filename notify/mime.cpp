#include "notify/mime.hpp"

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>

namespace countersign::notify {
namespace {

constexpr std::size_t line_max = 76;         // RFC 2045 section 6.7 (5), RFC 2047 section 2
constexpr std::size_t encoded_word_max = 75; // RFC 2047 section 2

bool is_printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) { return letter >= ' ' && letter <= '~'; });
}

bool is_invisible_or_breaking(UChar32 letter) {
    switch (u_charType(letter)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR: // bidirectional overrides and zero-width characters
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
        return true;
    default: // ICU's enum, not ours
        return false;
    }
}

void append_hex(std::string& out, char letter) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(letter);
    out += '=';
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

std::size_t utf8_length(char first) {
    const auto byte = static_cast<unsigned char>(first);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The letters that RFC 2047 section 5 (3) allows in a phrase too, so one encoder serves all
// headers.
std::string encoded_letter(std::string_view letter) {
    const char first = letter.front();
    const bool alphanumeric = (first >= '0' && first <= '9') || (first >= 'A' && first <= 'Z') ||
                              (first >= 'a' && first <= 'z');
    if (alphanumeric || first == '-' || first == '!' || first == '*' || first == '+') {
        return std::string(1, first);
    }
    if (first == ' ') {
        return "_";
    }
    std::string out;
    for (const char byte : letter) {
        append_hex(out, byte);
    }
    return out;
}

// Encoded words joined by folding white space; `used` bytes of the first line are taken. A
// character is never split over two words (RFC 2047 section 5).
std::string encoded_words(std::string_view text, std::size_t used) {
    constexpr std::string_view open = "=?UTF-8?Q?";
    constexpr std::string_view close = "?=";
    std::string out(open);
    std::size_t room = std::min(encoded_word_max, line_max - used) - open.size() - close.size();
    while (!text.empty()) {
        const std::size_t length = std::min(utf8_length(text.front()), text.size());
        const std::string letter = encoded_letter(text.substr(0, length));
        if (letter.size() > room) {
            out.append(close).append("\r\n ").append(open);
            room = encoded_word_max - open.size() - close.size();
        }
        out += letter;
        room -= letter.size();
        text.remove_prefix(length);
    }
    return out.append(close);
}

bool needs_encoding(std::string_view text, std::size_t used) {
    return !is_printable_ascii(text) || used + text.size() > line_max ||
           text.find("=?") != std::string_view::npos;
}

} // namespace

std::string one_line(std::string_view value, std::size_t length_max) {
    const auto text = icu::UnicodeString::fromUTF8(
        icu::StringPiece(value.data(), static_cast<std::int32_t>(value.size())));
    icu::UnicodeString out;
    bool space_due = false;
    std::size_t length = 0;
    for (std::int32_t index = 0; index < text.length(); index = text.moveIndex32(index, 1)) {
        const UChar32 letter = text.char32At(index);
        if (u_isUWhiteSpace(letter) || u_charType(letter) == U_CONTROL_CHAR) {
            space_due = !out.isEmpty();
            continue;
        }
        if (is_invisible_or_breaking(letter)) {
            continue;
        }
        if (length + (space_due ? 2 : 1) > length_max) {
            break;
        }
        if (space_due) {
            out.append(u' ');
            ++length;
        }
        out.append(letter);
        ++length;
        space_due = false;
    }
    std::string utf8;
    return out.toUTF8String(utf8);
}

std::string html_escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char letter : text) {
        switch (letter) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            out += letter;
        }
    }
    return out;
}

bool is_safe_address(std::string_view address) noexcept {
    const auto at = address.find('@');
    return address.size() <= 254 && at != std::string_view::npos && at > 0 &&
           at + 1 < address.size() && address.find('@', at + 1) == std::string_view::npos &&
           std::ranges::none_of(address, [](char letter) {
               const auto byte = static_cast<unsigned char>(letter);
               return byte <= ' ' || byte >= 0x7F ||
                      std::string_view("<>\"\\,;:()[]").find(letter) != std::string_view::npos;
           });
}

std::string_view domain_of(std::string_view address) noexcept {
    return address.substr(std::min(address.size(), address.rfind('@') + 1));
}

std::string text_header(std::string_view name, std::string_view text) {
    std::string out(name);
    out += ": ";
    if (needs_encoding(text, out.size())) {
        out += encoded_words(text, out.size());
    } else {
        out += text;
    }
    return out += "\r\n";
}

std::string mailbox_header(std::string_view name, std::string_view display_name,
                           std::string_view address) {
    std::string out(name);
    out += ": ";
    if (display_name.empty()) {
        return out.append(address).append("\r\n");
    }
    std::string quoted = "\"";
    for (const char letter : display_name) {
        if (letter == '"' || letter == '\\') {
            quoted += '\\';
        }
        quoted += letter;
    }
    quoted += '"';
    out += needs_encoding(quoted, out.size()) ? encoded_words(display_name, out.size()) : quoted;
    return out.append("\r\n <").append(address).append(">\r\n");
}

std::string message_date(core::unix_time time) {
    constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    std::array<char, 64> out{};
    const int length = std::snprintf(
        out.data(), out.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
        days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
        months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()));
    return {out.data(), static_cast<std::size_t>(length)};
}

std::string quoted_printable(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    std::size_t used = 0;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const char letter = text[index];
        if (letter == '\n') {
            out += "\r\n";
            used = 0;
            continue;
        }
        const bool line_ends = index + 1 == text.size() || text[index + 1] == '\n';
        const bool blank = letter == ' ' || letter == '\t';
        const bool plain =
            (letter > ' ' && letter <= '~' && letter != '=') || (blank && !line_ends);
        const std::size_t needed = plain ? 1 : 3;
        // A last `=` has to fit after it, unless the line ends here anyway.
        if (used + needed > line_max - (line_ends ? 0 : 1)) {
            out += "=\r\n";
            used = 0;
        }
        if (plain) {
            out += letter;
        } else {
            append_hex(out, letter);
        }
        used += needed;
    }
    if (used > 0) {
        out += "\r\n";
    }
    return out;
}

} // namespace countersign::notify
