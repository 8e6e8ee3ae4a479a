// A request's body as it arrives, for a handler that reads one of any length in constant memory.
#pragma once

#include "core/result.hpp"
#include "store/event_loop.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <string_view>

namespace countersign::net {

using core::throw_exception_from_error;

// Why the rest of a body will never arrive. Whatever the handler then replies is sent if it still
// can be, and the connection is closed. strictness.hpp's explain() has status and sentence of each.
enum class body_problem : std::uint8_t {
    client_gone, // it has closed or reset the connection, or the server is terminating
    malformed,   // the chunks are not what RFC 9112 section 7.1 says: 400
    too_large,   // more than body_plan::size_max: 413
    too_slow,    // not a byte of it within deadlines::body: 408
};

// Lives as long as the request that it belongs to; used by one coroutine, on the request's thread.
class body_source {
public:
    using piece = boost::system::result<std::string_view, body_problem>;

    virtual ~body_source() = default;

    // The next bytes of the body, in their order and without framing, cut anywhere; valid until the
    // next call. Empty at the end of the body, and ever after; a failure also stays. The first call
    // invites the body of a client that waits for it (100-continue). Only a body that was read up
    // to the empty piece leaves the connection open for another request.
    [[nodiscard]] virtual awaitable<piece> next() = 0;
};

} // namespace countersign::net
