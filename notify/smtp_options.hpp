// How and where mails are handed in by SMTP.
#pragma once

#include "notify/mail_url.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace countersign::notify {

// How long the relay is waited for. Each is for the whole of its part, so a relay that trickles
// gains nothing. Before the message's end they are shorter than RFC 5321 section 4.5.3.2 allows a
// relay to take: giving up there costs another try. After it, giving up costs a second copy of the
// mail, so that is the RFC's full ten minutes.
struct smtp_deadlines {
    std::chrono::milliseconds connect{60'000};      // TCP, greeting, EHLO, TLS and AUTH together
    std::chrono::milliseconds command{60'000};      // the reply to MAIL; to RCPT
    std::chrono::milliseconds data{120'000};        // the reply to DATA
    std::chrono::milliseconds message{180'000};     // sending the message
    std::chrono::milliseconds final_reply{600'000}; // the reply to the message's end
    std::chrono::milliseconds stopping{10'000};     // all that is left, once asked to stop

    // One mail at the very most: MAIL is sent twice where a kept connection turns out to be dead.
    [[nodiscard]] constexpr std::chrono::milliseconds longest() const noexcept {
        return connect + 3 * command + data + message + final_reply;
    }
};

struct smtp_options {
    std::shared_ptr<const mail_url> url; // shared by the workers
    std::string hello_name;              // for EHLO; empty: this host's name
    std::string ca_file;                 // PEM; the only authorities trusted; empty: the system's
    smtp_deadlines deadlines;
    // Told what is said, line by line, on the thread that submits: `> ` by us, `< ` by the relay,
    // `! ` a fault; no credentials, no message. Empty: nobody listens.
    std::function<void(std::string_view line)> transcript;
    std::stop_token stop; // requested: what is under way has `deadlines.stopping` left
};

// Whether the file can be read and holds at least one certificate (PEM).
[[nodiscard]] bool holds_certificates(const std::string& file);

} // namespace countersign::notify
