// Which kind of failure an SMTP dialogue ended in: the stage it had reached and the relay's reply
// decide (RFC 5321 section 4.2.1). The table with its reasons: docs/outbox.md. Pure.
#pragma once

#include "notify/transport.hpp"

#include <cstdint>
#include <string_view>

namespace countersign::notify {

// The last thing that was sent, or awaited.
enum class smtp_stage : std::uint8_t {
    connect,      // TCP, and the greeting
    hello,        // EHLO, HELO
    start_tls,    // STARTTLS and the handshake; of smtps too
    authenticate, // AUTH and what follows it
    sender,       // MAIL FROM
    recipient,    // RCPT TO
    data,         // DATA and the message, without its end
    message,      // the message's end: without a reply, nobody knows whether it was taken
};
[[nodiscard]] std::string_view to_string(smtp_stage stage) noexcept;
// Sets the stage that a command line up to AUTH begins; false, and nothing set, for one that begins
// none (a continued AUTH).
bool begin_stage(std::string_view command, smtp_stage& stage) noexcept;

// `code` is the reply to the last command, or 0 if there was none (lost connection, time-out) or
// none that makes sense there.
[[nodiscard]] failure_kind classify(smtp_stage stage, int code) noexcept;

// For the operator: the stage and the reply (or, without one, `problem`), cut, printable ASCII
// only, and without the addresses that relays like to repeat.
[[nodiscard]] std::string failure_reason(smtp_stage stage, std::string_view reply,
                                         std::string_view problem);

} // namespace countersign::notify
