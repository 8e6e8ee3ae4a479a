// A small blocking HTTP/1.1 client for tests, plain or over TLS: well-formed requests in one call,
// and raw bytes for the other kind. Every operation has a deadline; what goes wrong is thrown as
// std::runtime_error.
#pragma once

#include "tests/support/tls_client.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::tests {

using http_headers = std::vector<std::pair<std::string, std::string>>;

struct http_response {
    unsigned status = 0;
    http_headers headers; // in the order of arrival
    std::string body;

    // The first field of that name, compared without regard to case.
    [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
    // Name and value of every Set-Cookie field, without attributes. A cookie that is being deleted
    // has an empty value.
    [[nodiscard]] std::map<std::string, std::string> set_cookies() const;
};

// One kept connection. Not for two threads at once.
class http_connection {
public:
    explicit http_connection(std::uint16_t port, const std::string& address = "127.0.0.1",
                             std::chrono::milliseconds deadline = std::chrono::seconds(10));
    // Over TLS; after the handshake.
    http_connection(std::uint16_t port, const tls_wish& wish,
                    std::chrono::milliseconds deadline = std::chrono::seconds(10));
    ~http_connection();
    http_connection(http_connection&& other) noexcept;
    http_connection& operator=(http_connection&&) = delete;

    // Sends one request and returns its reply. Host is added unless given, Content-Length if there
    // is a body, and Content-Type: application/json if there is a body and none is given.
    http_response request(std::string_view method, std::string_view target,
                          const http_headers& headers = {}, std::string_view body = {});

    void send(std::string_view bytes);
    void finish_sending(); // the server sees the end of the stream
    // The next reply; informational ones (1xx) are returned like others.
    http_response receive(bool to_head_request = false);
    // Everything until the server closes.
    std::string receive_until_closed();
    // True if the server closes, or has closed, without sending another byte.
    bool is_closed_by_server();
    // Of a connection over TLS.
    [[nodiscard]] tls_client& tls() { return *tls_; }
    // The socket, for what is below HTTP and TLS.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    bool receive_more(); // false at the end of the stream

    int descriptor_ = -1;
    std::chrono::milliseconds deadline_;
    std::string received_; // not yet returned
    std::unique_ptr<tls_client> tls_;
};

// One request on a connection of its own.
http_response http_request(std::uint16_t port, std::string_view method, std::string_view target,
                           const http_headers& headers = {}, std::string_view body = {});

} // namespace countersign::tests
