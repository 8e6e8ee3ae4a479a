// A second reading of HTTP/1.1 requests (RFC 9112), as strict as can be and made for nothing else:
// it knows none of the server's code, so what both take for a message is one to every other reader
// too.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::fuzz {

struct message {
    std::string method, target, body;

    friend bool operator==(const message&, const message&) = default;
};

namespace reading {

inline std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return out;
}

inline std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// A line without its CRLF; nullopt where there is none, or a CR or LF stands alone.
inline std::optional<std::string_view> take_line(std::string_view& bytes) {
    const auto end = bytes.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = bytes.substr(0, end);
    if (line.find_first_of("\r\n") != std::string_view::npos) return std::nullopt;
    bytes.remove_prefix(end + 2);
    return line;
}

struct framing {
    int hosts = 0, lengths = 0, codings = 0;
    std::string length, coding;
};

// A folded line (RFC 9112 section 5.2) is no field; where fields are dropped it does not matter.
enum class folded { refused, passed_over };

inline bool take_fields(std::string_view& bytes, framing& found, folded lines) {
    for (;;) {
        const auto line = take_line(bytes);
        if (!line) return false;
        if (line->empty()) return true;
        if (lines == folded::passed_over && (line->front() == ' ' || line->front() == '\t'))
            continue;
        const auto colon = line->find(':');
        if (colon == std::string_view::npos || colon == 0) return false;
        const auto name = line->substr(0, colon);
        if (std::ranges::any_of(name, [](char c) { return c <= ' ' || c == 0x7F; })) return false;
        const auto value = without_blanks(line->substr(colon + 1));
        if (lower(name) == "host") ++found.hosts;
        if (lower(name) == "content-length") ++found.lengths, found.length = value;
        if (lower(name) == "transfer-encoding") ++found.codings, found.coding = lower(value);
    }
}

// At most `digits_max` digits of the base, and nothing else.
inline std::optional<std::uint64_t> number(std::string_view text, unsigned base,
                                           std::size_t digits_max) {
    if (text.empty() || text.size() > digits_max) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = std::string_view("0123456789abcdef").find(lower({&c, 1}).front());
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
    }
    return value;
}

inline bool take_bytes(std::string_view& bytes, std::uint64_t size, std::string& body) {
    if (bytes.size() < size) return false;
    body += bytes.substr(0, size);
    bytes.remove_prefix(size);
    return true;
}

inline bool take_chunks(std::string_view& bytes, std::string& body) {
    for (;;) {
        const auto line = take_line(bytes);
        if (!line) return false;
        const auto size = number(without_blanks(line->substr(0, line->find(';'))), 16, 16);
        if (!size) return false;
        if (*size == 0) {
            framing trailers; // of no meaning, but they must be fields
            return take_fields(bytes, trailers, folded::passed_over);
        }
        if (!take_bytes(bytes, *size, body) || !bytes.starts_with("\r\n")) return false;
        bytes.remove_prefix(2);
    }
}

} // namespace reading

// The message at the front of `bytes`, which is taken off it; nullopt: it is not there as a whole,
// or two readers could take it for different ones.
inline std::optional<message> take_message(std::string_view& bytes) {
    const auto line = reading::take_line(bytes);
    if (!line || std::ranges::count(*line, ' ') != 2) return std::nullopt;
    const auto first = line->find(' '), second = line->rfind(' ');
    message read{.method = std::string(line->substr(0, first)),
                 .target = std::string(line->substr(first + 1, second - first - 1)),
                 .body = {}};
    const auto version = line->substr(second + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return std::nullopt;

    reading::framing found;
    if (!reading::take_fields(bytes, found, reading::folded::refused) || found.hosts != 1)
        return std::nullopt;
    if (found.lengths + found.codings > 1) return std::nullopt;
    if (found.codings == 1) {
        if (found.coding != "chunked" || version != "HTTP/1.1") return std::nullopt;
        if (!reading::take_chunks(bytes, read.body)) return std::nullopt;
    }
    if (found.lengths == 1) {
        const auto size = reading::number(found.length, 10, 10);
        if (!size || !reading::take_bytes(bytes, *size, read.body)) return std::nullopt;
    }
    return read;
}

} // namespace countersign::fuzz
