#include "core/text.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace countersign::core {
namespace {

constexpr std::size_t email_size_min_bytes = 3;
constexpr std::size_t email_size_max_bytes = 255;
constexpr std::size_t local_part_size_max_bytes = 64;
constexpr std::size_t label_size_max_bytes = 63;
constexpr std::size_t locale_size_max_bytes = 35;
constexpr std::size_t display_name_length_max = 100;

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
    return is_upper(c) || (c >= 'a' && c <= 'z');
}
constexpr bool is_letter_or_digit(char c) {
    return is_letter(c) || is_digit(c);
}
constexpr char lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char upper(char c) {
    return is_letter(c) && !is_upper(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find_first_of(separators);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

// Takes one code point off the front of `text`, which is not empty. Nullopt if it is not UTF-8.
std::optional<char32_t> take_code_point(std::string_view& text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0 // a continuation, or the lead of an overlong form
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || length > text.size()) {
        return std::nullopt;
    }
    char32_t point = length == 1 ? lead : lead & (0x7fU >> length);
    for (const char c : text.substr(1, length - 1)) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0U) != 0x80U) {
            return std::nullopt;
        }
        point = (point << 6U) | (byte & 0x3fU);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (overlong || surrogate || point > 0x10ffff) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return point;
}

constexpr bool is_control(char32_t point) {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029;
}

constexpr bool changes_direction(char32_t point) {
    return (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

// RFC 5322 section 3.2.3
constexpr bool is_atom_character(char c) {
    return is_letter_or_digit(c) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dot_atom(std::string_view text) {
    return std::ranges::all_of(split(text, "."), [](std::string_view atom) {
        return !atom.empty() && std::ranges::all_of(atom, is_atom_character);
    });
}

// RFC 1035 section 2.3.1, with the leading digit that RFC 1123 section 2.1 allows.
bool is_domain_label(std::string_view label) {
    return !label.empty() && label.size() <= label_size_max_bytes && label.front() != '-' &&
           label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_mail_domain(std::string_view domain) {
    const auto labels = split(domain, ".");
    return (labels.size() > 1 || domain == "localhost") &&
           std::ranges::all_of(labels, is_domain_label);
}

bool is_variant(std::string_view subtag) {
    return std::ranges::all_of(subtag, is_letter_or_digit) &&
           ((subtag.size() >= 5 && subtag.size() <= 8) ||
            (subtag.size() == 4 && is_digit(subtag.front())));
}

bool is_region(std::string_view subtag) {
    return (subtag.size() == 2 && std::ranges::all_of(subtag, is_letter)) ||
           (subtag.size() == 3 && std::ranges::all_of(subtag, is_digit));
}

bool is_script(std::string_view subtag) {
    return subtag.size() == 4 && std::ranges::all_of(subtag, is_letter);
}

bool is_language(std::string_view subtag) {
    return (subtag.size() == 2 || subtag.size() == 3) && std::ranges::all_of(subtag, is_letter);
}

} // namespace

std::string to_lower_ascii(std::string_view text) {
    std::string lowered(text);
    std::ranges::transform(lowered, lowered.begin(), lower);
    return lowered;
}

std::optional<std::size_t> code_point_count(std::string_view text) noexcept {
    std::size_t count = 0;
    while (!text.empty()) {
        if (!take_code_point(text)) {
            return std::nullopt;
        }
        ++count;
    }
    return count;
}

bool is_valid_utf8(std::string_view text) noexcept {
    const auto* const beyond_ascii =
        std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80U; });
    text.remove_prefix(static_cast<std::size_t>(beyond_ascii - text.begin()));
    return code_point_count(text).has_value();
}

bool is_valid_display_name(std::string_view text) noexcept {
    std::size_t length = 0;
    while (!text.empty()) {
        const auto point = take_code_point(text);
        if (!point || is_control(*point) || changes_direction(*point) ||
            ++length > display_name_length_max) {
            return false;
        }
    }
    return length > 0;
}

boost::system::result<email_address, email_error> email_address::parse(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find_last_not_of(' ') + 1);
    if (text.size() < email_size_min_bytes || text.size() > email_size_max_bytes) {
        return email_error::wrong_length;
    }
    if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 0x7f; })) {
        return email_error::not_ascii;
    }
    if (std::ranges::count(text, '@') != 1) {
        return email_error::no_single_at;
    }
    std::string lowered = to_lower_ascii(text);
    const std::string_view address = lowered;
    const std::size_t at = address.find('@');
    if (at > local_part_size_max_bytes || !is_dot_atom(address.substr(0, at))) {
        return email_error::malformed_local_part;
    }
    if (!is_mail_domain(address.substr(at + 1))) {
        return email_error::malformed_domain;
    }
    return email_address(std::move(lowered));
}

std::optional<locale_tag> locale_tag::parse(std::string_view text) {
    if (text.size() > locale_size_max_bytes) {
        return std::nullopt;
    }
    const auto subtags = split(text, "-_");
    auto subtag = subtags.begin();
    if (!is_language(*subtag)) {
        return std::nullopt;
    }
    std::string value = to_lower_ascii(*subtag++);
    if (subtag != subtags.end() && is_script(*subtag)) {
        std::string script = to_lower_ascii(*subtag++);
        script.front() = upper(script.front());
        value += '-' + script;
    }
    if (subtag != subtags.end() && is_region(*subtag)) {
        value += '-';
        std::ranges::transform(*subtag++, std::back_inserter(value), upper);
    }
    for (; subtag != subtags.end(); ++subtag) {
        if (!is_variant(*subtag)) {
            return std::nullopt;
        }
        value += '-' + to_lower_ascii(*subtag);
    }
    return locale_tag(std::move(value));
}

std::string_view locale_tag::language() const noexcept {
    return std::string_view(value_).substr(0, value_.find('-'));
}

} // namespace countersign::core
