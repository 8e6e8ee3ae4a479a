#include "notify/mail_template.hpp"

#include "notify/page_check.hpp"

#include <algorithm>
#include <span>

namespace countersign::notify {
namespace {

constexpr std::array<std::string_view, placeholder_count> names{
    "language",         "direction", "start",   "end",     "accent",  "accent_text", "accent_dark",
    "accent_dark_text", "logo",      "subject", "heading", "content", "closing"};

using enum placeholder;
constexpr std::array needed_by_pages{language, direction, heading, content, closing};
constexpr std::array needed_by_texts{heading, content, closing};

std::string mark_of(placeholder which) {
    return "{{" + std::string(names[static_cast<std::size_t>(which)]) + "}}";
}

bool is_text(placeholder which) {
    return which >= logo;
}

std::string all_marks(bool for_a_page) {
    std::string out;
    for (std::size_t index = 0; index < placeholder_count; ++index) {
        const auto which = static_cast<placeholder>(index);
        if (for_a_page || is_text(which)) {
            out += (out.empty() ? "" : ", ") + mark_of(which);
        }
    }
    return out;
}

std::string at_line(std::string_view source, std::size_t at) {
    const auto line = std::ranges::count(source.substr(0, at), '\n') + 1;
    return "line " + std::to_string(line) + ": ";
}

struct gap_found {
    std::size_t begin, end; // with its braces
    placeholder which;
};

// The places to fill, or what is wrong with one.
boost::system::result<std::vector<gap_found>, std::string> find_gaps(std::string_view source,
                                                                     bool for_a_page) {
    std::vector<gap_found> out;
    for (auto at = source.find("{{"); at != std::string_view::npos; at = source.find("{{", at)) {
        const auto close = source.find("}}", at);
        const auto line_end = source.find('\n', at);
        if (close == std::string_view::npos || close > line_end) {
            return at_line(source, at) + "a {{ is not closed: end the placeholder with }}";
        }
        const auto name = source.substr(at + 2, close - at - 2);
        const auto found = std::ranges::find(names, name);
        const auto which = static_cast<placeholder>(found - names.begin());
        if (found == names.end() || (!for_a_page && !is_text(which))) {
            return at_line(source, at) + "there is no placeholder {{" + std::string(name) +
                   "}} here; use " + all_marks(for_a_page);
        }
        out.push_back({at, close + 2, which});
        at = close + 2;
    }
    return out;
}

std::string missing_from(const std::vector<gap_found>& gaps, std::span<const placeholder> needed) {
    for (const auto which : needed) {
        if (std::ranges::find(gaps, which, &gap_found::which) == gaps.end()) {
            return "lacks " + mark_of(which) + ": put it where the mail is to have it";
        }
    }
    return {};
}

std::vector<template_piece> cut(std::string_view source, const std::vector<gap_found>& gaps) {
    std::vector<template_piece> out;
    std::size_t begin = 0;
    for (const auto& gap : gaps) {
        out.push_back({std::string(source.substr(begin, gap.begin - begin)), gap.which});
        begin = gap.end;
    }
    out.push_back({std::string(source.substr(begin)), std::nullopt});
    return out;
}

} // namespace

boost::system::result<mail_template, std::string> mail_template::of_page(std::string_view source) {
    const auto gaps = find_gaps(source, true);
    if (gaps.has_error()) {
        return gaps.error();
    }
    const auto page = read_page(source);
    if (page.fault) {
        return at_line(source, page.fault->at) + page.fault->sentence;
    }
    for (const auto& gap : gaps.unsafe_value()) {
        // Directly behind a < anything may become a tag.
        const bool begins_tag = gap.begin > 0 && source[gap.begin - 1] == '<';
        if (begins_tag || (is_text(gap.which) && !page.is_content[gap.begin])) {
            return at_line(source, gap.begin) + mark_of(gap.which) +
                   " must stand between tags, not inside a tag, a style sheet or a comment";
        }
    }
    if (auto missing = missing_from(gaps.unsafe_value(), needed_by_pages); !missing.empty()) {
        return missing;
    }
    return mail_template(cut(source, gaps.unsafe_value()));
}

boost::system::result<mail_template, std::string> mail_template::of_text(std::string_view source) {
    const auto gaps = find_gaps(source, false);
    if (gaps.has_error()) {
        return gaps.error();
    }
    if (auto missing = missing_from(gaps.unsafe_value(), needed_by_texts); !missing.empty()) {
        return missing;
    }
    return mail_template(cut(source, gaps.unsafe_value()));
}

std::string mail_template::fill(const placeholder_values& values) const {
    std::string out;
    for (const auto& piece : pieces_) {
        out += piece.text;
        if (piece.gap) {
            out += values[*piece.gap];
        }
    }
    return out;
}

} // namespace countersign::notify
