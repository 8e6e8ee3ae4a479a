// A small, real SMTP server in a thread of the test, which keeps what it is given and fails where
// the test asks it to.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

struct received_mail {
    std::string from, to; // the envelope's, without angle brackets
    std::string data;     // with CRLF line ends, dots unstuffed
};

// What the sink answers to one command. No reply: the usual one.
struct sink_answer {
    std::string reply;                 // e.g. "451 4.3.0 try again"; empty: the usual one
    std::chrono::milliseconds delay{}; // before answering
    bool close = false;                // the connection, instead of answering

    // For relays that do not keep to the rules.
    bool raw = false;                     // `reply` goes out as it is, without a CRLF behind it
    std::chrono::milliseconds per_byte{}; // a pause before each byte of the reply
    std::string then;                     // sent as it is, after `then_after`
    std::chrono::milliseconds then_after{};
    bool close_after = false; // the connection, once all that was sent
    bool take = false;        // ".": the mail counts as taken, whatever the answer
};

// Called on the sink's thread for every command line, for "." (the message's end) and for
// "CONNECT"; for a command, `line` is the whole line.
using sink_cue = std::function<sink_answer(std::string_view line)>;

struct smtp_sink_options {
    sink_cue cue;
    bool offer_auth = false;                // takes user "user", password "pass word"
    std::string auth_mechanism = "PLAIN";   // or "LOGIN"
    bool offer_start_tls = true;            // where there is a certificate
    int tls_version_max = 0;                // e.g. TLS1_1_VERSION, with its weak ciphers; 0: any
    std::string certificate_file, key_file; // PEM; given: STARTTLS is offered
    bool implicit_tls = false;              // with a certificate: TLS from the first byte
    std::uint16_t port = 0;                 // 0: the kernel chooses
};

class smtp_sink {
public:
    explicit smtp_sink(smtp_sink_options options = {});
    ~smtp_sink();

    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] std::string url() const; // smtp://127.0.0.1:<port>
    [[nodiscard]] std::vector<received_mail> mails() const;
    // True once `count` mails have been taken.
    [[nodiscard]] bool wait_for(std::size_t count, std::chrono::milliseconds timeout) const;
    [[nodiscard]] int connections() const; // accepted so far

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

// Decoded pieces of a mail; empty if there is no such piece.
[[nodiscard]] std::string text_part(std::string_view data);
[[nodiscard]] std::string html_part(std::string_view data);
[[nodiscard]] std::string header(std::string_view data, std::string_view name);
// The first run of exactly six digits.
[[nodiscard]] std::optional<std::string> find_six_digits(std::string_view text);
// The value of the first `?token=`.
[[nodiscard]] std::optional<std::string> find_token(std::string_view text);

} // namespace countersign::tests
