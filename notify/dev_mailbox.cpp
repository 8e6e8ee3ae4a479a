#include "notify/dev_mailbox.hpp"

#include "core/event.hpp"
#include "notify/mime.hpp"
#include "notify/mime_reader.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

namespace countersign::notify {
namespace {

constexpr std::string_view extension = ".eml";
constexpr std::size_t name_length_max = 128;

// <time>-<event id>-<recipient>.eml: no dot but the extension's, so no way out of the folder.
bool is_name(std::string_view name) {
    if (name.size() > name_length_max || !name.ends_with(extension)) {
        return false;
    }
    name.remove_suffix(extension.size());
    return !name.empty() && std::ranges::all_of(name, [](char letter) {
        return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= 'a' && letter <= 'z') || letter == '-' || letter == '_';
    });
}

// What stands behind the last hyphen, if it is an event's type.
std::string event_in(std::string_view name) {
    name.remove_suffix(extension.size());
    const auto type = core::event_type_from(name.substr(name.rfind('-') + 1));
    return type ? std::string(core::to_string(*type)) : std::string();
}

// On a narrow screen the rows of the list become blocks.
constexpr std::string_view style_sheet = R"(
:root { color-scheme: light dark; --line: #d5d9e0; --dim: #5b6472; --link: #1f5fbf; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a424e; --dim: #a4adba; --link: #8ab4f8; }
}
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 16px; max-width: 960px; }
h1 { font-size: 22px; line-height: 1.3; overflow-wrap: anywhere; }
a { color: var(--link); }
nav a { display: inline-block; padding: 8px 12px 8px 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 8px 16px 8px 0; vertical-align: top; overflow-wrap: anywhere; }
th, .dim { color: var(--dim); font-weight: normal; }
tr { border-bottom: 1px solid var(--line); }
code, pre { font: 14px/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 12px; border: 1px solid var(--line);
  border-radius: 6px; }
iframe { display: block; width: 100%; height: 75vh; border: 1px solid var(--line);
  border-radius: 6px; }
@media (max-width: 640px) {
  .list tr { display: block; padding: 8px 0; }
  .list tr:first-child { display: none; }
  .list td { display: block; padding: 1px 0; }
  .list td:first-child { font-weight: 600; }
}
)";

std::string page(std::string_view title, std::string_view head, std::string_view body) {
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    out.append(head).append("<title>").append(html_escaped(title)).append("</title>\n<style>");
    out.append(style_sheet).append("</style>\n</head>\n<body>\n");
    return out.append(body).append("</body>\n</html>\n");
}

std::string row(std::string_view label, std::string_view value) {
    return "<tr><th>" + std::string(label) + "</th><td>" + html_escaped(value) + "</td></tr>\n";
}

std::string link(std::string_view url, std::string_view text) {
    return "<a href=\"" + html_escaped(url) + "\">" + html_escaped(text) + "</a>";
}

} // namespace

dev_mailbox::dev_mailbox(std::filesystem::path directory, std::string base_path)
    : directory_(std::move(directory)), base_path_(std::move(base_path)) {}

std::vector<dev_mailbox::summary> dev_mailbox::list() const {
    std::vector<std::string> names;
    std::error_code failure;
    for (const auto& file : std::filesystem::directory_iterator(directory_, failure)) {
        auto name = file.path().filename().string();
        if (is_name(name)) {
            names.push_back(std::move(name));
        }
    }
    std::ranges::sort(names, std::greater<>()); // a name begins with its time
    names.resize(std::min(names.size(), listed_max));
    std::vector<summary> out;
    for (auto& name : names) {
        const auto source = message_source(name);
        if (!source) {
            continue;
        } // removed meanwhile
        auto event = event_in(name);
        out.push_back({std::move(name), std::move(event), read_header(*source, "To").value_or(""),
                       read_header(*source, "Subject").value_or(""),
                       read_header(*source, "Date").value_or("")});
    }
    return out;
}

std::string dev_mailbox::index_html() const {
    const auto mails = list();
    std::string body =
        "<h1>Mails</h1>\n<p class=\"dim\">No mail.url is set, so mails stay here. This page "
        "refreshes itself.</p>\n";
    body += mails.empty() ? "<p>There is none yet: register, or ask for a code.</p>\n"
                          : "<table class=\"list\">\n<tr><th>Subject</th><th>Event</th><th>To</th>"
                            "<th>Date</th></tr>\n";
    for (const auto& mail : mails) {
        body += "<tr><td>" +
                link(base_path_ + "/" + mail.name,
                     mail.subject.empty() ? "(no subject)" : mail.subject) +
                "</td><td><code>" + html_escaped(mail.event) + "</code></td><td>" +
                html_escaped(mail.to) + "</td><td class=\"dim\">" + html_escaped(mail.date) +
                "</td></tr>\n";
    }
    if (!mails.empty()) {
        body += "</table>\n";
    }
    return page("Mails", "<meta http-equiv=\"refresh\" content=\"3\">\n", body);
}

std::string dev_mailbox::index_json() const {
    boost::json::array out;
    for (const auto& mail : list()) {
        out.push_back(boost::json::object{{"name", mail.name},
                                          {"event", mail.event},
                                          {"to", mail.to},
                                          {"subject", mail.subject},
                                          {"date", mail.date}});
    }
    return boost::json::serialize(out);
}

std::optional<std::string> dev_mailbox::message_source(std::string_view name) const {
    if (!is_name(name)) {
        return std::nullopt;
    }
    const auto path = directory_ / name;
    std::error_code failure;
    if (std::filesystem::symlink_status(path, failure).type() !=
        std::filesystem::file_type::regular) {
        return std::nullopt;
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<std::string> dev_mailbox::message_text(std::string_view name) const {
    const auto source = message_source(name);
    return source ? read_part(*source, "text/plain") : std::nullopt;
}

std::optional<std::string> dev_mailbox::message_html(std::string_view name) const {
    const auto source = message_source(name);
    return source ? read_part(*source, "text/html") : std::nullopt;
}

std::optional<std::string> dev_mailbox::message_page(std::string_view name) const {
    const auto source = message_source(name);
    if (!source) {
        return std::nullopt;
    }
    const auto subject = read_header(*source, "Subject").value_or("");
    const std::string here = base_path_ + "/" + std::string(name);
    const bool has_html = read_part(*source, "text/html").has_value();
    std::string body = "<nav>" + link(base_path_, "All mails") + "\n";
    if (has_html) {
        body += link(here + "/html", "HTML alone") + "\n";
    }
    body += link(here + "/text", "Text alone") + "\n" + link(here + "/source", "Raw") + "</nav>\n";
    body += "<h1>" + html_escaped(subject) + "</h1>\n<table>\n";
    for (const std::string_view header : {"From", "To", "Date", "Message-ID"}) {
        body += row(header, read_header(*source, header).value_or(""));
    }
    body += row("Event", event_in(name)) + "</table>\n";
    if (has_html) {
        body += "<h2>HTML</h2>\n<iframe title=\"The mail\" "
                "sandbox=\"allow-popups allow-popups-to-escape-sandbox\" src=\"" +
                html_escaped(here) + "/html\"></iframe>\n";
    }
    body += "<h2>Text</h2>\n<pre dir=\"auto\">" +
            html_escaped(read_part(*source, "text/plain").value_or("")) + "</pre>\n";
    return page(subject, {}, body);
}

} // namespace countersign::notify
