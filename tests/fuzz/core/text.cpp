// What people type: addresses, names, languages. What is accepted is canonical and holds nothing
// that could break out of a header, an envelope or a path.
#include "core/text.hpp"
#include "core/import_line.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace countersign::fuzz {
namespace {

bool is_visible_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 0x7F; });
}

void address(std::string_view input) {
    const auto read = core::email_address::parse(input);
    if (read.has_error()) return;
    const auto& value = read->value();
    require(is_visible_ascii(value) && value.find_first_of("<>()[]\\,;:\"") == std::string::npos,
            "an address has nothing to break out with");
    require(std::ranges::count(value, '@') == 1 && value.size() >= 3 && value.size() <= 255,
            "an address has one @ and a length");
    const auto again = core::email_address::parse(value);
    require(again.has_value() && *again == *read, "an address is canonical");
    require(core::to_lower_ascii(value) == value, "an address is in lower case");
}

void language(std::string_view input) {
    const auto read = core::locale_tag::parse(input);
    if (!read) return;
    require(read->value().size() <= 35 &&
                read->value().find_first_not_of(
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
                    std::string::npos,
            "a language tag is of its letters");
    const auto again = core::locale_tag::parse(read->value());
    require(again && *again == *read, "a language tag is canonical");
    require(read->value().starts_with(read->language()), "a tag begins with its language");
}

void text(std::string_view input) {
    address(input);
    language(input);
    const auto points = core::code_point_count(input);
    require(points.has_value() == core::is_valid_utf8(input), "what is UTF-8 can be counted");
    const auto starts = static_cast<std::size_t>(
        std::ranges::count_if(input, [](char byte) { return (byte & 0xC0) != 0x80; }));
    require(!points || *points == starts, "every code point begins with one byte");
    if (core::is_valid_display_name(input)) {
        require(points && *points >= 1 && *points <= 100, "a name has 1 to 100 code points");
        require(std::ranges::none_of(
                    input, [](char byte) { return (byte >= 0 && byte < ' ') || byte == 0x7F; }),
                "a name has no control characters");
    }
    if (core::is_valid_subject(input))
        require(input.size() <= 128 && input.find('/') == std::string_view::npos && input != ".." &&
                    std::ranges::all_of(input, [](char c) { return c >= ' ' && c < 0x7F; }),
                "a subject survives as a part of a path");
    const auto lower = core::to_lower_ascii(input);
    require(core::to_lower_ascii(lower) == lower && lower.size() == input.size(),
            "lower case is lower case");
}

const registration here("text", text);

} // namespace
} // namespace countersign::fuzz
