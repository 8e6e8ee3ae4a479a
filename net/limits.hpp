// Every bound of the transport in one place. Each has a defined answer when it is reached.
#pragma once

#include <chrono>
#include <cstddef>

namespace countersign::net {

struct limits {
    std::size_t header_size_max_bytes = 8 * 1024;      // request line and fields; beyond it: 431
    std::size_t header_fields_max = 64;                // beyond it: 431
    std::size_t body_size_max_bytes = 16 * 1024;       // unless the dispatcher says otherwise; 413
    std::size_t chunk_extensions_max_bytes = 1024;     // of all chunks of a message together; 400
    std::size_t requests_per_connection_max = 100'000; // the last one is answered with `close`
    // Of each thread; at the cap it accepts no more until one closes. The server lowers it so that
    // all threads together stay below RLIMIT_NOFILE.
    std::size_t connections_per_thread_max = 16'384;
};

// One per phase, never per read: a client that trickles bytes gains nothing. They are looked at
// every `check_interval`, so each may be that much late. What has no bound in size can have none in
// time: a body that the handler streams is given `body` for each piece that the handler waits for,
// a reply with a stream is given `write` for every 64 KiB.
struct deadlines {
    std::chrono::milliseconds handshake{5'000}; // of TLS, the whole of it; closed silently
    std::chrono::milliseconds idle{30'000}; // between requests; the connection is closed silently
    std::chrono::milliseconds header{
        10'000};                            // first byte of a request to the end of its header; 408
    std::chrono::milliseconds body{10'000}; // end of the header to the end of the body; 408
    std::chrono::milliseconds write{10'000}; // the whole reply; the connection is closed
    std::chrono::milliseconds linger{1'000}; // waiting for the client to close after the last reply
    std::chrono::milliseconds tls_linger{2'000}; // the same under TLS, with its close_notify
    std::chrono::milliseconds check_interval{100};
    // How long one key seals session tickets; for as long again it opens them.
    std::chrono::milliseconds ticket_key{std::chrono::hours(12)};
};

} // namespace countersign::net
