#include "notify/mail.hpp"

#include "notify/content.hpp"
#include "notify/mime.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace countersign::notify {
namespace {

bool is_token_letter(char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= 'a' && letter <= 'z') || letter == '-' || letter == '_';
}

bool carries_secret(core::event_type type) {
    switch (type) {
    case core::event_type::one_time_code:
    case core::event_type::email_verification:
    case core::event_type::password_reset:
    case core::event_type::email_verification_code:
    case core::event_type::password_reset_code:
        return true;
    case core::event_type::two_factor_added:
    case core::event_type::two_factor_removed:
    case core::event_type::recovery_code_used:
    case core::event_type::password_changed:
    case core::event_type::email_changed:
    case core::event_type::new_login:
    case core::event_type::registration_with_existing_email:
    case core::event_type::sign_in_blocked:
    case core::event_type::recovery_codes_created:
    case core::event_type::second_factor_reset:
    case core::event_type::api_token_created:
    case core::event_type::recovery_codes_low:
    case core::event_type::second_factor_failed:
    case core::event_type::code_reused:
    case core::event_type::sessions_ended:
    case core::event_type::account_deleted:
    case core::event_type::notification_addresses_changed:
        return false;
    }
    return false;
}

// Codes are digits, link tokens base64url or JWS: anything else was not made by us.
bool is_well_formed_secret(std::string_view secret) {
    return !secret.empty() && std::ranges::all_of(secret, [](char letter) {
        return is_token_letter(letter) || letter == '.' || letter == '~';
    });
}

// FNV-1a: tells the recipients of one event apart, and says nothing more.
std::string recipient_tag(std::string_view recipient) {
    std::uint32_t hash = 2166136261U;
    for (const char letter : recipient) {
        hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
    }
    std::array<char, 9> out{};
    std::snprintf(out.data(), out.size(), "%08x", hash);
    return out.data();
}

std::string part(std::string_view boundary, std::string_view type, std::string_view text) {
    std::string out = "--";
    out.append(boundary).append("\r\nContent-Type: ").append(type);
    out += "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    return out += quoted_printable(text);
}

std::string message(const mail& envelope, const core::event& event, const mail_identity& identity,
                    const mail_theme& theme, const mail_content& content) {
    const std::string boundary = "=_" + event.id.value();
    std::string out = "Message-ID: " + envelope.message_id + "\r\n";
    out += "Date: " + message_date(event.at) + "\r\n";
    out += mailbox_header("From", one_line(identity.app_name), envelope.from);
    out += mailbox_header("To", {}, envelope.to);
    out += text_header("Subject", content.subject);
    out += "MIME-Version: 1.0\r\n";
    out += "Auto-Submitted: auto-generated\r\n"; // RFC 3834: no out-of-office replies
    out += "X-Auto-Response-Suppress: All\r\n";
    out += "Content-Type: multipart/alternative;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
    out += part(boundary, "text/plain", theme.plain(content));
    out += part(boundary, "text/html", theme.html(content));
    return out += "--" + boundary + "--\r\n";
}

} // namespace

std::string_view to_string(render_error error) noexcept {
    switch (error) {
    case render_error::unsafe_address:
        return "an address that cannot stand in an envelope";
    case render_error::malformed_event:
        return "a malformed event";
    case render_error::secret_unreadable:
        return "its secret cannot be opened";
    }
    return "unknown";
}

std::string file_time(core::unix_time time) {
    std::string out = core::to_rfc3339(time);
    std::erase_if(out, [](char letter) { return letter == '-' || letter == ':' || letter == '.'; });
    return out;
}

renderer::renderer(mail_identity identity, mail_theme theme, const core::key_ring& keys)
    : identity_(std::move(identity)), keys_(keys), theme_(std::move(theme)) {
    while (identity_.base_uri.ends_with('/')) {
        identity_.base_uri.pop_back();
    }
}

renderer::renderer(mail_identity identity, const core::key_ring& keys)
    : renderer(identity, mail_theme::built_in(identity.default_locale, identity.app_name), keys) {}

boost::system::result<mail, render_error> renderer::render(const core::event& event,
                                                           const std::string& recipient) const {
    if (!is_safe_address(recipient) || !is_safe_address(identity_.from_address)) {
        return render_error::unsafe_address;
    }
    const std::string& id = event.id.value();
    if (id.empty() || id.size() > 64 || !std::ranges::all_of(id, is_token_letter)) {
        return render_error::malformed_event;
    }
    core::secret_string secret;
    if (carries_secret(event.type)) {
        auto opened =
            keys_.open(event.sealed_secret, core::secret_context(event.account, event.type));
        if (!opened || !is_well_formed_secret(opened->reveal())) {
            return render_error::secret_unreadable;
        }
        secret = std::move(*opened);
    }
    const std::string tag = recipient_tag(recipient);
    mail made{.from = identity_.from_address,
              .to = recipient,
              .message_id =
                  "<" + id + "." + tag + "@" + std::string(domain_of(identity_.from_address)) + ">",
              .name = file_time(event.at) + "-" + id + "-" + tag + "-" +
                      std::string(core::to_string(event.type)),
              .mime = {}};
    const content_context context{.recipient = recipient,
                                  .app_name = identity_.app_name,
                                  .base_uri = identity_.base_uri,
                                  .secret = secret.reveal()};
    made.mime = message(made, event, identity_, theme_, content_of(event, context, theme_.texts()));
    return made;
}

} // namespace countersign::notify
