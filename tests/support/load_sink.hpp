// An SMTP server for load and for kills: one thread for all connections, no faults, and it
// remembers which connection a mail came on and how that connection ended. For a relay that
// misbehaves: smtp_sink.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace countersign::tests {

struct taken_mail {
    std::uint64_t connection = 0; // number of it, from 1
    // When the message's end was read, before it was answered with 250.
    std::chrono::steady_clock::time_point arrived;
    std::string to;   // the envelope's, without angle brackets
    std::string data; // as it went over the wire: CRLF, dots still stuffed
};

struct ended_connection {
    std::uint64_t connection = 0;
    std::chrono::steady_clock::time_point at;
    bool said_quit = false; // else it was just closed
};

struct load_sink_options {
    std::uint16_t port = 0;                                         // 0: the kernel chooses
    std::size_t data_max = std::numeric_limits<std::size_t>::max(); // kept of each mail's data
};

class load_sink {
public:
    explicit load_sink(load_sink_options options = {});
    ~load_sink();
    load_sink(const load_sink&) = delete;
    load_sink& operator=(const load_sink&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] std::string url() const;   // smtp://127.0.0.1:<port>
    [[nodiscard]] std::size_t count() const; // of all mails so far
    // True once `count` mails have been taken in all.
    [[nodiscard]] bool wait_for(std::size_t count, std::chrono::milliseconds timeout) const;
    // Those since the last call, in the order of arrival.
    [[nodiscard]] std::vector<taken_mail> take_mails();
    [[nodiscard]] std::vector<ended_connection> take_ends();
    // Seconds of processor time that its thread has used.
    [[nodiscard]] double processor_seconds() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::tests
