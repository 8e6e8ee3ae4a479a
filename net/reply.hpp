// One HTTP reply as the families make it, and its bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net {

// Content that is made, or fetched, while it is being sent. Used on the request's thread, and
// destroyed when it has been sent or the client is gone.
class reply_stream {
public:
    virtual ~reply_stream() = default;
    // Bytes in all; always the same.
    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // Fills the front of `into`, which is not empty, with what comes next, and returns how much;
    // 0 at the end. What it throws, like an end before size(), is logged once and cuts the
    // connection, so that the client sees that something is missing.
    [[nodiscard]] virtual std::size_t read(std::span<char> into) = 0;
};

// The transport adds Date, Content-Length, Connection, X-Content-Type-Options: nosniff,
// Strict-Transport-Security under TLS, and Cache-Control: no-store unless `headers` has a
// Cache-Control. A reply with status 204 or 304 has
// neither body nor Content-Type.
struct reply {
    unsigned status = 200;
    std::string body;
    std::string_view content_type = "application/json";       // of static storage
    std::vector<std::pair<std::string, std::string>> headers; // in this order; may repeat names
    bool close = false;                   // close the connection after this reply
    std::unique_ptr<reply_stream> stream; // the content, in place of `body`
};

struct reply_framing {
    std::string_view date; // an IMF-fixdate
    bool close = false;
    bool http_1_0 = false; // keeping the connection must be said to such a client
    bool tls = false;      // browsers are told to come by https only (RFC 6797)
    bool head = false;     // the request was HEAD: Content-Length of the body, but no body
};

// Whether content follows the header section.
[[nodiscard]] bool sends_content(const reply& value, const reply_framing& framing) noexcept;

// Appends the reply to `out`; of one with a stream, the header section. False, with `out` as it
// was, if a header could not be sent as it is: a name that is no token, a value with a control
// character, or a field that the transport sets; or if there are both a body and a stream.
[[nodiscard]] bool serialise(const reply& value, const reply_framing& framing, std::string& out);

// The IMF-fixdate of RFC 9110 section 5.6.7, e.g. "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(std::chrono::sys_seconds time);

} // namespace countersign::net
