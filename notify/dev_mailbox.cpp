#include "notify/dev_mailbox.hpp"

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

std::string page(std::string_view title, std::string_view head, std::string_view body) {
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n";
    out.append(head).append("<title>").append(html_escaped(title)).append("</title>\n");
    out += "<style>\nbody { font: 16px/1.5 system-ui, sans-serif; margin: 24px auto; "
           "max-width: 900px; padding: 0 16px; }\n"
           "table { border-collapse: collapse; width: 100%; }\n"
           "th, td { text-align: left; padding: 6px 12px 6px 0; vertical-align: top; }\n"
           "iframe { width: 100%; height: 70vh; border: 1px solid #888; border-radius: 6px; }\n"
           "</style>\n</head>\n<body>\n";
    return out.append(body).append("</body>\n</html>\n");
}

std::string row(std::string_view label, std::string_view value) {
    return "<tr><th>" + std::string(label) + "</th><td>" + html_escaped(value) + "</td></tr>\n";
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
        out.push_back({std::move(name), read_header(*source, "To").value_or(""),
                       read_header(*source, "Subject").value_or(""),
                       read_header(*source, "Date").value_or("")});
    }
    return out;
}

std::string dev_mailbox::index_html() const {
    std::string body = "<h1>Mails</h1>\n<p>No mail.url is set, so mails stay here. This page "
                       "refreshes itself.</p>\n<table>\n"
                       "<tr><th>Subject</th><th>To</th><th>Date</th></tr>\n";
    for (const auto& mail : list()) {
        body += "<tr><td><a href=\"" + html_escaped(base_path_ + "/" + mail.name) + "\">" +
                html_escaped(mail.subject) + "</a></td><td>" + html_escaped(mail.to) + "</td><td>" +
                html_escaped(mail.date) + "</td></tr>\n";
    }
    return page("Mails", "<meta http-equiv=\"refresh\" content=\"3\">\n", body + "</table>\n");
}

std::string dev_mailbox::index_json() const {
    boost::json::array out;
    for (const auto& mail : list()) {
        out.push_back(boost::json::object{
            {"name", mail.name}, {"to", mail.to}, {"subject", mail.subject}, {"date", mail.date}});
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

// The mail's own HTML is shown without scripts and without this page's origin.
std::optional<std::string> dev_mailbox::message_html(std::string_view name) const {
    const auto source = message_source(name);
    if (!source) {
        return std::nullopt;
    }
    const auto subject = read_header(*source, "Subject").value_or("");
    const std::string here = html_escaped(base_path_ + "/" + std::string(name));
    std::string body = "<p><a href=\"" + html_escaped(base_path_) +
                       "\">All mails</a> · <a href=\"" + here + "/text\">Text</a> · <a href=\"" +
                       here + "/source\">Source</a></p>\n";
    body += "<h1>" + html_escaped(subject) + "</h1>\n<table>\n";
    for (const std::string_view header : {"From", "To", "Date", "Message-ID"}) {
        body += row(header, read_header(*source, header).value_or(""));
    }
    body += "</table>\n<iframe sandbox=\"allow-popups allow-popups-to-escape-sandbox\" srcdoc=\"" +
            html_escaped(read_part(*source, "text/html").value_or("")) + "\"></iframe>\n";
    return page(subject, {}, body);
}

} // namespace countersign::notify
