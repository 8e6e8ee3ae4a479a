// One client connection: reads requests, has them answered, writes the replies, one after the
// other, until one side has enough.
#pragma once

#include "net/body_stream.hpp"
#include "net/client_address.hpp"
#include "net/client_stream.hpp"
#include "net/counters.hpp"
#include "net/dispatcher.hpp"
#include "net/limits.hpp"
#include "net/request_parser.hpp"
#include "net/strictness.hpp"
#include "net/tls.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::net {

class connection;

// The connections of one thread and what they share. Outlives them; used on its thread only.
struct connection_set {
    explicit connection_set(boost::asio::io_context& context) : slot_freed(context) {}

    // Enforces the deadlines; called every deadlines::check_interval. One timer for all connections
    // instead of one each, and no clock call per request.
    void check();
    // From here on connections close when their current request is answered; idle ones at once.
    void begin_drain();

    limits bounds;
    deadlines time;
    trusted_proxies proxies;
    std::optional<tls_context> tls; // of connections that begin now; none: plain
    dispatcher* handler = nullptr;
    connection_counters* counted = nullptr; // of the thread; outlives it
    std::list<connection*> open;
    steady_timer slot_freed; // cancelled whenever a connection has closed
    std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
    std::chrono::sys_seconds date_second{};
    std::string date; // of date_second, for the Date field
    bool draining = false;
};

class connection {
public:
    // `set` outlives the connection. The socket is non-blocking and connected.
    connection(tcp_socket socket, connection_set& set);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Until the connection is closed.
    awaitable<void> run();

    // What connection_set does to each.
    void check_deadline();
    void close_if_idle();

private:
    enum class phase { handshake, idle, header, body, handler, write, linger };
    enum class outcome {
        ready,   // go on
        refused, // reply_ says what was wrong; send it and close
        gone,    // the client has left, or is to be left
    };

    // What a request with a streamed body has beyond others. It parses on demand: nothing is read,
    // and next to nothing allocated, before the handler asks for the first piece.
    struct streamed_body final : body_source {
        explicit streamed_body(connection& connection) : owner(connection) {}
        awaitable<piece> next() override;

        connection& owner;
        std::vector<char> head; // the header section's buffer, once buffer_ is the body's window
        std::string arrived;    // the piece in the handler's hands
        std::optional<body_problem> problem;
    };

    void enter(phase next);
    void begin_request();
    void refuse(const violation& found);
    [[nodiscard]] outcome parse_head();
    [[nodiscard]] outcome accept_head();
    [[nodiscard]] outcome parse_body();
    [[nodiscard]] boost::system::error_code feed_parser();
    void identify_client();

    awaitable<bool> shake_hands();
    awaitable<outcome> read_head();
    awaitable<outcome> read_body();
    awaitable<outcome> receive();
    awaitable<void> dispatch();
    awaitable<outcome> send_reply();
    awaitable<outcome> send(std::string_view bytes);
    awaitable<void> linger();

    // connection_streams.cpp
    void begin_stream();
    void open_window();
    void end_stream();
    awaitable<std::optional<body_problem>> read_piece();
    awaitable<outcome> send_stream(reply_stream& content);

    [[nodiscard]] std::string_view received() const noexcept { return {buffer_.data(), used_}; }

    client_stream client_;
    connection_set& set_;
    std::list<connection*>::iterator place_;
    boost::asio::ip::address peer_;
    bool peer_trusted_ = false;

    phase phase_ = phase::idle;
    bool expired_ = false; // the current phase's deadline has passed
    std::chrono::steady_clock::time_point deadline_;

    // The current request's header section at the front, what arrived after it behind. While a body
    // is streamed, only the latter.
    std::vector<char> buffer_;
    std::size_t used_ = 0;
    std::size_t written_ = 0;    // what was in use since the last request; not below used_
    std::size_t body_begin_ = 0; // where what arrived after the header section begins
    std::size_t consumed_ = 0;   // where the next request begins, once this one is complete
    header_scan scan_;
    std::optional<request_parser> parser_;
    request request_;
    std::unique_ptr<streamed_body> stream_; // of a request with a streamed body only
    bool expects_continue_ = false;

    reply reply_;
    std::string out_;
    bool close_ = false; // after the reply in hand
    std::size_t served_ = 0;
};

// The task of a listener: owns the connection until it is closed.
awaitable<void> serve(tcp_socket socket, connection_set& set);

} // namespace countersign::net
