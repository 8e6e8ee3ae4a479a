#include "notify/mime_reader.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

namespace countersign::notify {
namespace {

constexpr auto npos = std::string_view::npos;

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(),
                      [](char left, char right) { return lower(left) == lower(right); });
}

int hex_value(char letter) {
    if (letter >= '0' && letter <= '9') {
        return letter - '0';
    }
    const char small = lower(letter);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// `=XX` at the start of `text`, or nothing.
std::optional<char> hex_escape(std::string_view text) {
    if (text.size() < 3 || text[0] != '=') {
        return std::nullopt;
    }
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    if (high < 0 || low < 0) {
        return std::nullopt;
    }
    return static_cast<char>(high * 16 + low);
}

std::string decode_base64(std::string_view text) {
    std::vector<unsigned char> out(text.size() / 4 * 3 + 3);
    const int length =
        EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
    if (length < 0) {
        return {};
    }
    const auto padding = static_cast<std::size_t>(std::ranges::count(text, '='));
    return {out.begin(), out.begin() + length - static_cast<std::ptrdiff_t>(padding)};
}

std::string decode_q(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (const auto byte = hex_escape(text)) {
            out += *byte;
            text.remove_prefix(3);
            continue;
        }
        out += text.front() == '_' ? ' ' : text.front();
        text.remove_prefix(1);
    }
    return out;
}

// RFC 2047: white space between two encoded words is not part of the text.
std::string decode_words(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto start = text.find("=?");
        const auto charset_end = start == npos ? npos : text.find('?', start + 2);
        const auto end = charset_end == npos ? npos : text.find("?=", charset_end + 3);
        if (end == npos) {
            return out.append(text);
        }
        out.append(text.substr(0, start));
        const auto content = text.substr(charset_end + 3, end - charset_end - 3);
        out += lower(text[charset_end + 1]) == 'b' ? decode_base64(content) : decode_q(content);
        text.remove_prefix(end + 2);
        const auto next = text.find_first_not_of(" \t");
        if (next != npos && text.substr(next).starts_with("=?")) {
            text.remove_prefix(next);
        }
    }
    return out;
}

std::string with_lf(std::string_view text) {
    std::string out(text);
    std::erase(out, '\r');
    return out;
}

struct split_message {
    std::string_view head, body;
};
split_message split(std::string_view message) {
    const auto end = message.find("\n\n");
    if (end == npos) {
        return {message, {}};
    }
    return {message.substr(0, end + 1), message.substr(end + 2)};
}

// Header lines with LF ends.
std::optional<std::string> raw_header(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const auto line_end = head.find('\n');
        std::string line(head.substr(0, line_end));
        head.remove_prefix(line_end == npos ? head.size() : line_end + 1);
        while (!head.empty() && (head.front() == ' ' || head.front() == '\t')) {
            const auto more_end = head.find('\n');
            line += head.substr(0, more_end);
            head.remove_prefix(more_end == npos ? head.size() : more_end + 1);
        }
        if (line.size() > name.size() && line[name.size()] == ':' &&
            starts_with_any_case(line, name)) {
            const auto start = line.find_first_not_of(" \t", name.size() + 1);
            return start == std::string::npos ? std::string() : line.substr(start);
        }
    }
    return std::nullopt;
}

std::string boundary_of(std::string_view content_type) {
    constexpr std::string_view mark = "boundary=";
    const auto start = content_type.find(mark);
    if (start == npos) {
        return {};
    }
    auto value = content_type.substr(start + mark.size());
    if (value.starts_with('"')) {
        value.remove_prefix(1);
        return std::string(value.substr(0, value.find('"')));
    }
    return std::string(value.substr(0, value.find(';')));
}

std::optional<std::string> part_of(std::string_view message, std::string_view content_type) {
    const auto [head, body] = split(message);
    const auto type = raw_header(head, "Content-Type").value_or("text/plain");
    if (starts_with_any_case(type, content_type)) {
        const auto encoding = raw_header(head, "Content-Transfer-Encoding").value_or("7bit");
        return encoding == "quoted-printable" ? decode_quoted_printable(body) : std::string(body);
    }
    const std::string boundary = boundary_of(type);
    if (boundary.empty()) {
        return std::nullopt;
    }
    const std::string delimiter = "--" + boundary;
    auto start = body.find(delimiter);
    while (start != npos) {
        const auto from = body.find('\n', start);
        if (from == npos) {
            break;
        }
        start = body.find(delimiter, from);
        // The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
        const auto until = start == npos ? body.size() : start - 1;
        if (auto found = part_of(body.substr(from + 1, until - from - 1), content_type)) {
            return found;
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string> read_header(std::string_view message, std::string_view name) {
    const std::string text = with_lf(message);
    const auto value = raw_header(split(text).head, name);
    if (!value) {
        return std::nullopt;
    }
    return decode_words(*value);
}

std::optional<std::string> read_part(std::string_view message, std::string_view content_type) {
    return part_of(with_lf(message), content_type);
}

std::string decode_quoted_printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (text.starts_with("=\n")) {
            text.remove_prefix(2);
        } else if (text.starts_with("=\r\n")) {
            text.remove_prefix(3);
        } else if (const auto byte = hex_escape(text)) {
            out += *byte;
            text.remove_prefix(3);
        } else {
            out += text.front();
            text.remove_prefix(1);
        }
    }
    return out;
}

} // namespace countersign::notify
