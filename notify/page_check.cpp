#include "notify/page_check.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace countersign::notify {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view white_space = " \t\r\n\f";

// What loads, runs or asks for something, and what holds text by rules of its own.
constexpr std::array<std::string_view, 23> refused_elements{
    "applet", "audio",  "button", "embed",    "form",     "frame",    "frameset", "iframe",
    "input",  "link",   "math",   "object",   "noembed",  "noframes", "noscript", "plaintext",
    "script", "select", "svg",    "template", "textarea", "video",    "xmp"};
// They name what a reader fetches by itself.
constexpr std::array<std::string_view, 10> loading_attributes{
    "src",  "srcset",     "background", "poster", "data",
    "ping", "xlink:href", "lowsrc",     "dynsrc", "longdesc"};
constexpr std::array<std::string_view, 5> link_targets{"https://", "http://",
                                                       "mailto:", "tel:", "#"};
// Functions of CSS that take the address of something.
constexpr std::array<std::string_view, 5> loading_functions{"url(", "src(", "image(", "image-set(",
                                                            "expression("};

bool is_letter(char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(white_space);
    return first == npos ? std::string_view()
                         : text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

bool holds_a_picture(std::string_view address) {
    return trimmed(address).starts_with("data:image/");
}

class page_reader {
public:
    explicit page_reader(std::string_view page) : page_(page), lower_(core::to_lower_ascii(page)) {
        out_.is_content.assign(page.size(), false);
    }

    page_reading read() && {
        read_markup(0, page_.size(), true);
        return std::move(out_);
    }

private:
    void fault(std::size_t at, std::string sentence) {
        if (!out_.fault) {
            out_.fault = page_finding{at, std::move(sentence)};
        }
    }
    [[nodiscard]] std::string_view lower(std::size_t begin, std::size_t end) const {
        return std::string_view(lower_).substr(begin, end - begin);
    }

    void read_markup(std::size_t at, std::size_t end, bool shown) {
        while (at < end && !out_.fault) {
            if (lower(at, end).starts_with("<!--")) {
                at = read_comment(at, end);
            } else if (begins_tag(at, end)) {
                at = read_tag(at, end);
            } else {
                out_.is_content[at++] = shown;
            }
        }
    }

    [[nodiscard]] bool begins_tag(std::size_t at, std::size_t end) const {
        return page_[at] == '<' && at + 1 < end &&
               (is_letter(page_[at + 1]) || page_[at + 1] == '/' || page_[at + 1] == '!' ||
                page_[at + 1] == '?');
    }

    // Outlook reads what stands in a conditional comment, so it is read here too.
    std::size_t read_comment(std::size_t at, std::size_t end) {
        const auto close = lower(0, end).find("-->", at + 4);
        if (close == npos) {
            fault(at, "a comment is not closed: end it with -->");
            return end;
        }
        read_markup(at + 4, close, false);
        return close + 3;
    }

    std::size_t read_tag(std::size_t at, std::size_t end) {
        const auto name_begin = at + 1;
        const auto name_end = std::min(lower(0, end).find_first_of(" \t\r\n\f/>", at + 2), end);
        const auto name = lower(name_begin, name_end);
        if (std::ranges::find(refused_elements, name) != refused_elements.end()) {
            fault(at, "<" + std::string(name) + "> has no place in a mail: remove it");
            return end;
        }
        if (name.starts_with('!') || name.starts_with('?')) {
            // A conditional comment for all other readers ends in half of one: <!--[if !mso]><!-->
            const auto close = lower(0, end).find('>', at);
            return close == npos ? end : close + 1;
        }
        auto next = name_end;
        while (next < end && page_[next] != '>') {
            next = read_attribute(name, next, end);
        }
        if (next >= end) {
            fault(at, "a tag is not closed: end it with >");
            return end;
        }
        if (name == "title") {
            check_title(next + 1, end);
        }
        return name == "style" ? read_style_sheet(next + 1, end) : next + 1;
    }

    void check_title(std::size_t at, std::size_t end) {
        const auto tag = lower(0, end).find('<', at);
        if (tag == npos || !lower(tag, end).starts_with("</title>")) {
            fault(at, "a title holds text only: end it with </title>, without other tags");
        }
    }

    std::size_t read_attribute(std::string_view element, std::size_t at, std::size_t end) {
        const auto text = lower(0, end);
        const auto begin = text.find_first_not_of(" \t\r\n\f/", at);
        if (begin == npos || page_[begin] == '>') {
            return std::min(begin, end);
        }
        const auto name_end = std::min(text.find_first_of(" \t\r\n\f/>=", begin + 1), end);
        const auto name = lower(begin, name_end);
        const auto equals = text.find_first_not_of(white_space, name_end);
        if (equals == npos || page_[equals] != '=') {
            check_attribute(element, name, {}, begin);
            return name_end;
        }
        const auto value = text.find_first_not_of(white_space, equals + 1);
        if (value == npos) {
            return end;
        }
        if (page_[value] == '"' || page_[value] == '\'') {
            const auto close = text.find(page_[value], value + 1);
            if (close == npos) {
                return end;
            }
            check_attribute(element, name, lower(value + 1, close), begin);
            return close + 1;
        }
        const auto value_end = std::min(text.find_first_of(" \t\r\n\f>", value), end);
        check_attribute(element, name, lower(value, value_end), begin);
        return value_end;
    }

    void check_attribute(std::string_view element, std::string_view name, std::string_view value,
                         std::size_t at) {
        if (name.starts_with("on")) {
            fault(at, "the attribute " + std::string(name) +
                          " would run a script, which mail readers do not: remove it");
        } else if (std::ranges::find(loading_attributes, name) != loading_attributes.end() &&
                   (name == "srcset" || !holds_a_picture(value))) {
            fault(at, "the attribute " + std::string(name) +
                          " would load something from elsewhere, which tells that the mail was "
                          "read: put the picture itself there (data:image/…) or remove it");
        } else if (name == "href" && std::ranges::none_of(link_targets, [&](auto beginning) {
                       return trimmed(value).starts_with(beginning);
                   })) {
            fault(at, "a link must begin with https://, http://, mailto:, tel: or #");
        } else if (name == "href" && element != "a" && element != "area") {
            fault(at, "only <a> and <area> may have the attribute href");
        } else if (name == "http-equiv" && value == "refresh") {
            fault(at,
                  "a mail does not lead elsewhere by itself: remove the http-equiv=\"refresh\"");
        } else if (name == "style") {
            check_declarations(value, at);
        }
    }

    // Quotes are the one thing that has to be written as an entity there.
    void check_declarations(std::string_view value, std::size_t at) {
        std::string css(value);
        for (auto found = css.find("&quot;"); found != npos; found = css.find("&quot;")) {
            css.replace(found, 6, "\"");
        }
        if (css.find('&') != npos) {
            fault(at,
                  "a style attribute may hold no entity but &quot;: write the character itself");
        }
        check_css(css, at);
    }

    std::size_t read_style_sheet(std::size_t at, std::size_t end) {
        const auto text = lower(0, end);
        auto close = text.find("</style", at);
        while (close != npos && text.find_first_of(" \t\r\n\f/>", close + 7) != close + 7) {
            close = text.find("</style", close + 7);
        }
        if (close == npos) {
            fault(at, "a style sheet is not closed: end it with </style>");
            return end;
        }
        check_css(lower(at, close), at);
        return close;
    }

    void check_css(std::string_view css, std::size_t at) {
        if (const auto escape = css.find('\\'); escape != npos) {
            fault(at, "CSS in mails may hold no backslash: write the character itself");
        }
        if (css.find("@import") != npos) {
            fault(at, "@import would load a style sheet from elsewhere: put its rules here");
        }
        for (const auto function : loading_functions) {
            for (auto found = css.find(function); found != npos;
                 found = css.find(function, found + 1)) {
                auto value = trimmed(css.substr(found + function.size()));
                if (value.starts_with('"') || value.starts_with('\'')) {
                    value.remove_prefix(1);
                }
                if ((function != "url(" && function != "src(") || !holds_a_picture(value)) {
                    fault(at, "in CSS " + std::string(function) +
                                  "…) would load something from elsewhere, which tells that "
                                  "the mail was read: use a picture that stands in it "
                                  "(data:image/…) or remove it");
                }
            }
        }
    }

    std::string_view page_;
    std::string lower_;
    page_reading out_;
};

} // namespace

page_reading read_page(std::string_view page) {
    return page_reader(page).read();
}

} // namespace countersign::notify
