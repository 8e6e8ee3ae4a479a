#include "notify/mail_theme.hpp"

#include "core/text.hpp"
#include "notify/embedded.hpp"
#include "notify/mime.hpp"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace countersign::notify {
namespace {

constexpr std::string_view page_name = "mail.html";
constexpr std::string_view text_name = "mail.txt";
constexpr std::string_view catalogue_folder = "catalogues/";
constexpr std::string_view catalogue_extension = ".json";
constexpr colour dark_card{0x1e, 0x23, 0x2b}; // of templates/mail.html

using checked = boost::system::result<void, std::string>;

std::string_view built_in_template(std::string_view name) {
    const std::string path = "templates/" + std::string(name);
    const auto files = embedded_files();
    const auto found = std::ranges::find(files, path, &embedded_file::name);
    if (found == files.end()) {
        throw std::logic_error("a mail template is not embedded");
    }
    return found->text;
}

// LF line ends, no byte order mark; nothing if it is not UTF-8 or holds control characters.
std::optional<std::string> as_text(std::string_view source) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (source.starts_with(byte_order_mark)) {
        source.remove_prefix(byte_order_mark.size());
    }
    std::string out(source);
    for (auto at = out.find("\r\n"); at != std::string::npos; at = out.find("\r\n", at)) {
        out.erase(at, 1);
    }
    const bool clean = std::ranges::all_of(out, [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return (byte >= 0x20 && byte != 0x7f) || letter == '\n' || letter == '\t';
    });
    return clean && core::is_valid_utf8(out) ? std::optional(std::move(out)) : std::nullopt;
}

// The language tag of `catalogues/<tag>.json`, as it is written; empty: no such name.
std::string_view tag_of(std::string_view name) {
    if (!name.starts_with(catalogue_folder) || !name.ends_with(catalogue_extension)) {
        return {};
    }
    name.remove_prefix(catalogue_folder.size());
    name.remove_suffix(std::min(name.size(), catalogue_extension.size()));
    return name;
}

// The parts while they are put together.
struct parts {
    catalogues texts;
    std::string page{built_in_template(page_name)};
    std::string text{built_in_template(text_name)};

    checked take(const theme_file& file) {
        auto text_of_file = as_text(file.text);
        if (!text_of_file) {
            return std::string("is not plain UTF-8 text: save it as UTF-8, without control "
                               "characters");
        }
        if (file.name == page_name) {
            page = *std::move(text_of_file);
        } else if (file.name == text_name) {
            text = *std::move(text_of_file);
        } else if (const auto tag = tag_of(file.name); !tag.empty()) {
            return texts.replace(tag, *text_of_file);
        } else {
            return std::string("is no file of a mail: remove it, or name it mail.html, mail.txt or "
                               "catalogues/<language tag>.json");
        }
        return {};
    }
};

void replace_all(std::string& text, std::string_view mark, std::string_view value) {
    for (auto at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + value.size())) {
        text.replace(at, mark.size(), value);
    }
}

// For element content: an isolate is an element there, which every mail reader keeps.
std::string html_text(std::string_view text) {
    std::string out = html_escaped(text);
    replace_all(out, isolate_begin, "<bdi>");
    replace_all(out, isolate_end, "</bdi>");
    return out;
}

std::string html_paragraph(std::string_view text) {
    return "<p>" + html_text(text) + "</p>\n";
}

std::string html_facts(const mail_content& content) {
    if (content.facts.empty()) {
        return {};
    }
    std::string out = "<table role=\"presentation\">\n";
    for (const auto& [label, value] : content.facts) {
        out += "<tr><th>" + html_text(label) + "</th><td>" + html_text(value) + "</td></tr>\n";
    }
    return out + "</table>\n";
}

std::string html_button(const button& action, bool right_to_left) {
    const std::string url = html_escaped(action.url);
    std::string out =
        "<p><a class=\"button\" href=\"" + url + "\">" + html_text(action.label) + "</a></p>\n";
    if (action.is_link()) {
        out += "<p class=\"small\">" + html_text(action.fallback) + "<br>" +
               (right_to_left ? "<bdi>" + url + "</bdi>" : url) + "</p>\n";
    }
    return out;
}

std::string html_content(const mail_content& content) {
    std::string out = html_paragraph(content.greeting) + html_paragraph(content.body);
    if (!content.code.empty()) {
        out += "<div class=\"code\">" + html_escaped(content.code) + "</div>\n";
    }
    out += html_facts(content);
    // A link is what such a mail is for; an alert is read first.
    if (content.action && content.action->is_link()) {
        out += html_button(*content.action, content.right_to_left);
    }
    for (const auto& paragraph : content.after) {
        out += html_paragraph(paragraph);
    }
    if (content.action && !content.action->is_link()) {
        out += html_button(*content.action, content.right_to_left);
    }
    return out;
}

std::string plain_content(const mail_content& content) {
    std::string out = content.greeting + "\n\n" + content.body;
    if (!content.code.empty()) {
        out += "\n\n    " + content.code;
    }
    if (!content.facts.empty()) {
        out += "\n";
    }
    for (const auto& [label, value] : content.facts) {
        out.append("\n").append(label).append(content.label_end).append(value);
    }
    if (content.action && content.action->is_link()) {
        out += "\n\n" + content.action->url;
    }
    for (const auto& paragraph : content.after) {
        out += "\n\n" + paragraph;
    }
    if (content.action && !content.action->is_link()) {
        // A mark beside an address would be taken for part of it, so it has none.
        out += "\n\n" + content.action->label + content.label_end + content.action->url;
    }
    return out;
}

} // namespace

mail_theme::mail_theme(catalogues texts, mail_template page, mail_template text,
                       const theme_options& options)
    : texts_(std::move(texts)), page_(std::move(page)), text_(std::move(text)),
      logo_text_(one_line(options.logo_text)) {
    const colour dark = options.accent_dark.value_or(lightened_over(dark_card, options.accent));
    colours_[placeholder::accent] = options.accent.text();
    colours_[placeholder::accent_text] = text_colour_on(options.accent).text();
    colours_[placeholder::accent_dark] = dark.text();
    colours_[placeholder::accent_dark_text] = text_colour_on(dark).text();
}

boost::system::result<mail_theme, std::string> mail_theme::make(const theme_options& options) {
    parts all{.texts = catalogues::embedded(options.default_locale)};
    for (const auto& file : options.files) {
        if (auto taken = all.take(file); taken.has_error()) {
            return file.name + ": " + taken.error();
        }
    }
    auto page = mail_template::of_page(all.page);
    if (page.has_error()) {
        return std::string(page_name) + ": " + page.error();
    }
    auto text = mail_template::of_text(all.text);
    if (text.has_error()) {
        return std::string(text_name) + ": " + text.error();
    }
    return mail_theme(std::move(all.texts), std::move(page).unsafe_value(),
                      std::move(text).unsafe_value(), options);
}

mail_theme mail_theme::built_in(std::string default_locale, std::string logo_text) {
    theme_options options;
    options.default_locale = std::move(default_locale);
    options.logo_text = std::move(logo_text);
    auto made = make(options);
    if (made.has_error()) {
        throw std::logic_error(made.error());
    }
    return std::move(made).unsafe_value();
}

std::string mail_theme::plain(const mail_content& content) const {
    placeholder_values values;
    values[placeholder::logo] = logo_text_;
    values[placeholder::subject] = content.subject;
    values[placeholder::heading] = content.heading;
    values[placeholder::content] = plain_content(content);
    values[placeholder::closing] = content.closing;
    return text_.fill(values);
}

std::string mail_theme::html(const mail_content& content) const {
    placeholder_values values = colours_;
    values[placeholder::language] = html_escaped(content.language);
    values[placeholder::direction] = content.right_to_left ? "rtl" : "ltr";
    values[placeholder::start] = content.right_to_left ? "right" : "left";
    values[placeholder::end] = content.right_to_left ? "left" : "right";
    values[placeholder::logo] = html_escaped(logo_text_);
    values[placeholder::subject] = html_escaped(content.subject);
    values[placeholder::heading] = html_text(content.heading);
    values[placeholder::content] = html_content(content);
    values[placeholder::closing] = html_text(content.closing);
    return page_.fill(values);
}

} // namespace countersign::notify
