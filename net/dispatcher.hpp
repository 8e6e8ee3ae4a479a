// The seam between the transport and the API families: a request in, a reply out.
#pragma once

#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/transport_problem.hpp"
#include "store/event_loop.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace countersign::net {

// How a request's body is to be read, decided from its header section alone.
struct body_plan {
    enum class delivery {
        whole,    // before dispatch(), into request::body()
        streamed, // by dispatch(), from request::stream
    };
    delivery how = delivery::whole;
    // In bytes; 413 beyond it. Nothing: limits::body_size_max_bytes for a whole body, and no bound
    // for a streamed one.
    std::optional<std::size_t> size_max;
};

// One per worker thread, made by the factory on that thread, and used and destroyed there, before
// the thread's io_context goes.
class dispatcher {
public:
    virtual ~dispatcher() = default;

    // The header section of `head` is accepted; its body has not been read. The place to route:
    // `head.route` and the path parameters may be set for dispatch(). Does not block.
    virtual body_plan accept_head([[maybe_unused]] request& head) { return {}; }

    // Answers one request, which stays valid until the returned coroutine has ended. An exception
    // that escapes is logged once and answered with problem(internal_error). While the server
    // terminates, the awaits inside may end with operation_aborted.
    virtual awaitable<reply> dispatch(const request& value) = 0;

    // The reply to a request that never became one, in the shape of the family that `target`
    // belongs to. `method` and `target` are empty if they could not be read; `detail` is a sentence
    // that may be shown to the client. The connection is closed after it. Must not throw.
    virtual reply problem(transport_problem problem, std::string_view method,
                          std::string_view target, std::string_view detail) = 0;

    // Called once, on its thread, when the drain has ended: stop what still uses the io_context.
    virtual awaitable<void> stop() = 0;
};

using dispatcher_factory = std::function<std::unique_ptr<dispatcher>(
    boost::asio::io_context& context, std::size_t thread_index)>;

} // namespace countersign::net
