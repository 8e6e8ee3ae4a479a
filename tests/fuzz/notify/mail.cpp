// Whole mails of hostile events: the header section and the parts are those that we write, whatever
// stands in the event. The input's records: the event as JSON, and the code or link that it
// carries.
#include "notify/mail.hpp"
#include "notify/mime.hpp"
#include "notify/mime_reader.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace countersign::fuzz {
namespace {

const core::key_ring& keys() {
    static const auto ring = [] {
        std::vector<core::encryption_key> made;
        made.push_back({"k1", core::secret_key(std::array<std::byte, 32>{})});
        return core::key_ring(std::move(made));
    }();
    return ring;
}

const notify::renderer& renderer() {
    static const notify::renderer made({.from_address = "security@countersign.example",
                                        .app_name = "Countersign",
                                        .base_uri = "https://id.example.org",
                                        .default_locale = "en"},
                                       keys());
    return made;
}

void check_header_section(std::string_view section) {
    static const std::vector<std::string> expected{
        "Message-ID",  "Date",         "From",           "To",
        "Subject",     "MIME-Version", "Auto-Submitted", "X-Auto-Response-Suppress",
        "Content-Type"};
    std::vector<std::string> names;
    while (!section.empty()) {
        const auto line = section.substr(0, section.find("\r\n"));
        section.remove_prefix(std::min(line.size() + 2, section.size()));
        require(line.find_first_of("\r\n") == std::string_view::npos, "lines end in CRLF");
        require(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }),
                "headers are printable ASCII");
        require(line.size() <= 998, "a line is within RFC 5322");
        if (!line.starts_with(' ')) names.emplace_back(line.substr(0, line.find(':')));
    }
    require(names == expected, "the headers are those that we write");
}

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
        ++found;
    return found;
}

// The same event with a harmless word for everything that somebody chose. A name that resembles a
// link is not repeated, so there are two kinds of harmless names.
core::event harmless(core::event event, std::string name) {
    for (auto* value : {&event.method, &event.label, &event.ip, &event.browser, &event.os,
                        &event.old_email, &event.new_email})
        *value = notify::one_line(*value).empty() ? "" : "x";
    event.name = notify::one_line(event.name).empty() ? "" : std::move(name);
    return event;
}

bool has_markup_of(std::string_view html, const core::event& event, const std::string& recipient) {
    const auto twin = renderer().render(event, recipient);
    require(twin.has_value(), "what somebody chose does not decide whether there is a mail");
    const auto expected = notify::read_part(twin->mime, "text/html");
    return expected && count(*expected, "<") == count(html, "<") &&
           count(*expected, "\"") == count(html, "\"");
}

void check(const core::event& event, const std::string& recipient) {
    const auto made = renderer().render(event, recipient);
    if (made.has_error()) {
        require(!notify::to_string(made.error()).empty(), "a refusal has a name");
        return;
    }
    const std::string_view mime = made->mime;
    const auto end = mime.find("\r\n\r\n");
    require(end != std::string_view::npos, "a header section ends");
    check_header_section(mime.substr(0, end + 2));
    require(count(mime, "\r\n--=_" + event.id.value()) == 3, "a mail has two parts");
    require(count(mime, "\n") == count(mime, "\r\n") && count(mime, "\r") == count(mime, "\n"),
            "lines end in CRLF");
    const auto html = notify::read_part(mime, "text/html");
    const auto plain = notify::read_part(mime, "text/plain");
    require(html && plain, "both parts can be read");
    require(made->name.find_first_of("/\r\n") == std::string::npos, "the file's name is one");

    require(has_markup_of(*html, harmless(event, "x"), recipient) ||
                has_markup_of(*html, harmless(event, "x/y"), recipient),
            "the markup is that which we write");
}

void mail(std::string_view input) {
    records in(input);
    auto event = core::event_from_json(in.next());
    if (event.has_error()) return;
    const auto secret = in.next();
    if (!secret.empty())
        event->sealed_secret =
            keys().seal(secret, core::secret_context(event->account, event->type), {std::byte{3}});
    for (const auto& recipient : event->recipients)
        check(*event, recipient);
}

const registration here("mail", mail);

} // namespace
} // namespace countersign::fuzz
