// A connection to a mail relay, ready for MAIL: libcurl connects, greets, begins TLS and
// authenticates; the commands that follow are sent here one at a time, so that each reply is known
// to answer its command, and has a deadline of its own.
#pragma once

#include "notify/smtp_options.hpp"
#include "notify/transport.hpp"

#include <boost/system/result.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::notify {

// What became of a command. Without a reply that counts, `code` is 0 and `problem` says why.
struct smtp_answer {
    int code = 0;
    std::string text; // the reply's last line
    std::string_view problem;

    [[nodiscard]] bool is_positive() const noexcept { return code >= 200 && code <= 299; }
};

// Deadlines, cut short once the program ends.
class smtp_patience {
public:
    using time_point = std::chrono::steady_clock::time_point;

    smtp_patience(std::stop_token stop, std::chrono::milliseconds stopping)
        : stop_(std::move(stop)), stopping_(stopping) {}

    // `deadline`, or earlier.
    [[nodiscard]] time_point limit(time_point deadline);

private:
    std::stop_token stop_;
    std::chrono::milliseconds stopping_;
    std::optional<time_point> ends_; // from when stopping was noticed
};

// Of one thread. A connection is of no more use after an answer with a problem, or with 421.
class smtp_connection {
public:
    // Blocks. Every failure is one of the relay. The options and the patience outlive the
    // connection.
    [[nodiscard]] static boost::system::result<std::unique_ptr<smtp_connection>, delivery_failure>
    open(const smtp_options& options, smtp_patience& patience);
    // Says QUIT where the relay still listens.
    ~smtp_connection();
    smtp_connection(const smtp_connection&) = delete;
    smtp_connection& operator=(const smtp_connection&) = delete;

    // Sends a line (without its CRLF) and waits for the reply. What the relay said before it was
    // asked is never taken for the reply: then nothing is sent, and the answer has a problem.
    [[nodiscard]] smtp_answer ask(std::string_view line, std::chrono::milliseconds deadline);
    // Sends a part of a message. Code 0 without a problem: it went out. With a problem, the code is
    // that of a refusal which came meanwhile.
    [[nodiscard]] smtp_answer send(std::string_view bytes, std::chrono::milliseconds deadline);

private:
    struct impl;
    explicit smtp_connection(std::unique_ptr<impl> opened);
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::notify
