#include "core/json_fields.hpp"

#include <charconv>
#include <cstring>

namespace countersign::core {

namespace {

bool is_special(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

// is_special() of any of eight characters at once. A byte below `bound` borrows when `bound` is
// subtracted, which sets its high bit; one that is equal to a character is zero after XOR with it.
bool any_special(std::uint64_t eight) {
    constexpr std::uint64_t ones = 0x0101010101010101, high = ones * 0x80;
    const auto has_less = [](std::uint64_t bytes, std::uint64_t bound) {
        return (bytes - ones * bound) & ~bytes & high;
    };
    return (has_less(eight, 0x20) | has_less(eight ^ (ones * '"'), 1) |
            has_less(eight ^ (ones * '\\'), 1)) != 0;
}

std::size_t length_without_escapes(std::string_view value) {
    std::size_t at = 0;
    for (std::uint64_t eight = 0; at + sizeof eight <= value.size(); at += sizeof eight) {
        std::memcpy(&eight, value.data() + at, sizeof eight);
        if (any_special(eight)) break;
    }
    while (at < value.size() && !is_special(value[at]))
        ++at;
    return at;
}

} // namespace

void append_json_number(std::string& text, std::int64_t value) {
    char digits[20]; // of the least one, with its sign
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    text.append(digits, end);
}

void append_json_string(std::string& text, std::string_view value) {
    text += '"';
    for (;;) {
        const auto plain = length_without_escapes(value);
        text.append(value.substr(0, plain));
        if (plain == value.size()) break;
        const char special = value[plain];
        value.remove_prefix(plain + 1);
        text += '\\';
        if (special == '"' || special == '\\') {
            text += special;
        } else {
            constexpr std::string_view hex = "0123456789abcdef";
            text += "u00";
            text += hex[static_cast<unsigned char>(special) >> 4];
            text += hex[static_cast<unsigned char>(special) & 0x0f];
        }
    }
    text += '"';
}

} // namespace countersign::core
