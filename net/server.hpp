// The HTTP server: threads that share nothing, each with its own event loop, listening socket,
// connections and dispatcher.
#pragma once

#include "net/client_address.hpp"
#include "net/counters.hpp"
#include "net/dispatcher.hpp"
#include "net/limits.hpp"
#include "net/tls_identity.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::net {

struct server_options {
    std::string address = "127.0.0.1"; // an IPv4 or IPv6 address
    std::uint16_t port = 0;            // 0: the system chooses
    std::size_t threads = 1;           // at least one
    trusted_proxies proxies;
    limits bounds;
    deadlines time;
    std::optional<tls_identity> tls; // none: plain
    // Of each thread, by its index; empty, or as many as threads, and they outlive the server.
    std::vector<connection_counters*> counters;
};

// start(), stop() and show() are called by one thread; port() and accepting() by any.
class server {
public:
    server(server_options options, dispatcher_factory factory);
    ~server(); // stops without patience if stop() was not called
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    // Returns once every thread accepts connections. Throws std::system_error, with a sentence for
    // the operator, if it cannot listen, and what the factory throws. At most once.
    void start();

    // What TLS handshakes that begin from here on show; connections that are open stay as they are.
    // Only between start() and stop(), and of a server that speaks TLS. If it throws
    // std::runtime_error, nothing has changed.
    void show(const tls_identity& identity);

    // The port that is listened on, after start().
    [[nodiscard]] std::uint16_t port() const noexcept;

    // True from start() until stop() is called: what readiness answers.
    [[nodiscard]] bool accepting() const noexcept;

    // Stops accepting, closes idle connections, waits up to `patience` for the requests in hand and
    // then cancels them; stops the dispatchers and joins the threads. Returns false if something
    // did not end even when cancelled; its memory is then left behind rather than pulled away.
    bool stop(std::chrono::milliseconds patience);

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::net
