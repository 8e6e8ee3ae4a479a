// One HTTP reply as the families make it, and its bytes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::net {

// The transport adds Date, Content-Length, Connection, X-Content-Type-Options: nosniff, and
// Cache-Control: no-store unless `headers` has a Cache-Control. A reply with status 204 or 304 has
// neither body nor Content-Type.
struct reply {
    unsigned status = 200;
    std::string body;
    std::string_view content_type = "application/json";       // of static storage
    std::vector<std::pair<std::string, std::string>> headers; // in this order; may repeat names
    bool close = false; // close the connection after this reply
};

struct reply_framing {
    std::string_view date; // an IMF-fixdate
    bool close = false;
    bool http_1_0 = false; // keeping the connection must be said to such a client
    bool head = false;     // the request was HEAD: Content-Length of the body, but no body
};

// Appends the reply to `out`. False, with `out` as it was, if a header could not be sent as it is:
// a name that is no token, a value with a control character, or a field that the transport sets.
[[nodiscard]] bool serialise(const reply& value, const reply_framing& framing, std::string& out);

// The IMF-fixdate of RFC 9110 section 5.6.7, e.g. "Sun, 06 Nov 1994 08:49:37 GMT".
[[nodiscard]] std::string http_date(std::chrono::sys_seconds time);

} // namespace countersign::net
