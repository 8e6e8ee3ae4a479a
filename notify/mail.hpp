// One finished mail: an event rendered for one recipient as an Internet message (RFC 5322, MIME).
// The same event gives the same bytes every time, so a mail sent twice after a crash is
// recognisable by its Message-ID and Date.
#pragma once

#include "core/crypto/aead.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "notify/mail_theme.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::notify {

struct mail {
    std::string from, to;   // the envelope's addresses
    std::string message_id; // with its angle brackets
    // Of a file for it: <time>-<event id>-<recipient>-<event type>, no extension.
    std::string name;
    std::string mime; // CRLF line ends; may hold a code or a link: never logged
};

// Who the mails come from; settings `mail.from`, `app.name`, `app.base_uri`, `app.default_locale`.
struct mail_identity {
    std::string from_address;
    std::string app_name;
    std::string base_uri; // https://host[/path]; the only origin that links lead to
    std::string default_locale;
};

enum class render_error : std::uint8_t {
    unsafe_address,    // the recipient's or the sender's cannot stand in an envelope
    malformed_event,   // an id that cannot stand in a header
    secret_unreadable, // missing, sealed under a key that is gone, or of another account or purpose
};
[[nodiscard]] std::string_view to_string(render_error error) noexcept;
using core::throw_exception_from_error;

// How such a name begins, so that names sort by time: 20260102T030405678Z.
[[nodiscard]] std::string file_time(core::unix_time time);

// Immutable: render() may be called from any thread. The key ring outlives it.
class renderer {
public:
    renderer(mail_identity identity, mail_theme theme, const core::key_ring& keys);
    // With the built-in look and texts.
    renderer(mail_identity identity, const core::key_ring& keys);

    // Opens the event's secret just for the time of the call.
    [[nodiscard]] boost::system::result<mail, render_error>
    render(const core::event& event, const std::string& recipient) const;

private:
    mail_identity identity_;
    const core::key_ring& keys_;
    mail_theme theme_;
};

} // namespace countersign::notify
