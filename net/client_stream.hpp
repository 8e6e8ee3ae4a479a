// A client's socket, plain or under TLS: what a connection reads from and writes to. It is an
// asynchronous stream as Asio understands it, so the connection's code is the same for both, and
// the plain one costs no more than the socket. Reads and writes do not overlap.
#pragma once

#include "net/tls.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace countersign::net {

using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

class client_stream {
public:
    using executor_type = tcp_socket::executor_type;

    // The socket is non-blocking and connected. With `tls`, which outlives the handshake, nothing
    // can be read or written before that is done.
    client_stream(tcp_socket socket, const tls_context* tls)
        : socket_(std::move(socket)), context_(tls) {}

    [[nodiscard]] bool is_tls() const noexcept { return context_ != nullptr; }
    [[nodiscard]] tcp_socket& socket() noexcept { return socket_; }
    [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }

    // False if there is nobody to talk to; problem() says why. Throws std::bad_alloc.
    awaitable<bool> handshake();
    // OpenSSL's words, of static storage; empty where all is well.
    [[nodiscard]] std::string_view problem() const noexcept;
    // The client sees the end of the stream behind what was written. What it still sends is to be
    // read from the socket, and is of no meaning.
    awaitable<void> end_sending();
    // The same without waiting, as far as the socket takes it.
    void end_sending_now() noexcept;
    // What is being waited for ends with operation_aborted.
    void cancel() noexcept;

    // What can be written without waiting; would_block if that is nothing, and then the same bytes
    // are to be written.
    std::size_t write_some(boost::asio::const_buffer bytes, boost::system::error_code& error);

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return boost::asio::async_initiate<Token, signature>(
            [](auto handler, client_stream* self, const Buffers& buffers) {
                if (!self->is_tls())
                    self->socket_.async_read_some(buffers, std::move(handler));
                else
                    self->start(reading{first_of<boost::asio::mutable_buffer>(buffers)},
                                std::move(handler));
            },
            token, this, into);
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return boost::asio::async_initiate<Token, signature>(
            [](auto handler, client_stream* self, const Buffers& buffers) {
                if (!self->is_tls())
                    self->socket_.async_write_some(buffers, std::move(handler));
                else
                    self->start(writing{first_of<boost::asio::const_buffer>(buffers)},
                                std::move(handler));
            },
            token, this, from);
    }

private:
    using signature = void(boost::system::error_code, std::size_t);

    struct reading {
        boost::asio::mutable_buffer into;
        tls_session::step operator()(tls_session& session) const {
            return session.read({static_cast<char*>(into.data()), into.size()});
        }
    };
    struct writing {
        boost::asio::const_buffer from;
        tls_session::step operator()(tls_session& session) const {
            return session.write({static_cast<const char*>(from.data()), from.size()});
        }
    };

    template <typename Buffer, typename Buffers>
    static Buffer first_of(const Buffers& buffers) {
        return *boost::asio::buffer_sequence_begin(buffers);
    }

    // Makes a step until it is done, and completes behind its initiation, never within it.
    template <typename Step>
    struct operation {
        client_stream& stream;
        Step step;
        std::optional<tls_session::step> made{};
        bool initiated = false;

        template <typename Self>
        void operator()(Self& self, boost::system::error_code error = {}) {
            if (!error && self.cancelled() != boost::asio::cancellation_type::none)
                error = boost::asio::error::operation_aborted;
            if (error) return self.complete(error, 0);
            if (!made) made = step(*stream.tls_);
            auto& socket = stream.socket_;
            const auto now = made->now;
            const bool waits = now == tls_session::state::readable ||
                               now == tls_session::state::writable ||
                               now == tls_session::state::again;
            if (!waits && initiated) return self.complete(error_of(now), made->size);
            if (waits) made.reset();
            initiated = true;
            if (now == tls_session::state::readable)
                socket.async_wait(tcp_socket::wait_read, std::move(self));
            else if (now == tls_session::state::writable)
                socket.async_wait(tcp_socket::wait_write, std::move(self));
            else
                boost::asio::post(socket.get_executor(), std::move(self));
        }
    };

    template <typename Step, typename Handler>
    void start(Step step, Handler handler) {
        boost::asio::async_compose<Handler, signature>(operation<Step>{*this, step}, handler,
                                                       socket_);
    }

    [[nodiscard]] static boost::system::error_code error_of(tls_session::state state) noexcept;
    awaitable<bool> finish(tls_session::step (tls_session::*step)());

    tcp_socket socket_;
    const tls_context* context_; // null: plain
    // Made when the client has begun to speak: who is silent costs next to nothing.
    std::unique_ptr<tls_session> tls_;
};

} // namespace countersign::net
