// What a mail says, before it has a form: the words of an event in the reader's language.
#pragma once

#include "core/event.hpp"
#include "notify/catalogue.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::notify {

struct button {
    std::string label, url;
    std::string fallback; // the sentence above the address written out; empty: not written out

    // A link that the mail is for, as opposed to one that an alert offers.
    [[nodiscard]] bool is_link() const noexcept { return !fallback.empty(); }
};

// Around a value in a text that runs from right to left, so that its letters, digits and dots keep
// their order (Unicode UAX #9, first strong isolate). No value holds them itself: one_line() drops
// them.
inline constexpr std::string_view isolate_begin = "\u2068";
inline constexpr std::string_view isolate_end = "\u2069";

// All plain text: nothing in it is escaped for HTML yet.
struct mail_content {
    std::string language;       // BCP 47, of the texts
    bool right_to_left = false; // as the language; the texts then hold isolates, the subject none
    std::string label_end;      // between a label and its value, a colon as the language writes it
    std::string subject;        // one line
    std::string heading, greeting, body;
    std::string code;                                       // shown large; empty: none
    std::vector<std::pair<std::string, std::string>> facts; // label, value
    std::optional<button> action;
    std::vector<std::string> after; // paragraphs below
    std::string closing;
};

// What the mail needs from outside the event. `secret` is the opened code or token, or empty.
struct content_context {
    std::string_view recipient, app_name, base_uri, secret;
};

[[nodiscard]] mail_content content_of(const core::event& event, const content_context& context,
                                      const catalogues& texts);

} // namespace countersign::notify
