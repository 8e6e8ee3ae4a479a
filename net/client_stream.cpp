#include "net/client_stream.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/socket_base.hpp>

namespace countersign::net {

namespace asio = boost::asio;
using boost::system::error_code;

error_code client_stream::error_of(tls_session::state state) noexcept {
    switch (state) {
    case tls_session::state::done:
        return {};
    case tls_session::state::readable:
    case tls_session::state::writable:
    case tls_session::state::again:
        return asio::error::would_block;
    case tls_session::state::closed:
        return asio::error::eof;
    case tls_session::state::failed:
        return asio::error::connection_reset;
    }
    return asio::error::connection_reset;
}

awaitable<bool> client_stream::finish(tls_session::step (tls_session::*step)()) {
    for (;;) {
        error_code error;
        switch ((*tls_.*step)().now) {
        case tls_session::state::done:
            co_return true;
        case tls_session::state::closed:
        case tls_session::state::failed:
            co_return false;
        case tls_session::state::readable:
            co_await socket_.async_wait(tcp_socket::wait_read,
                                        asio::redirect_error(asio::deferred, error));
            break;
        case tls_session::state::writable:
            co_await socket_.async_wait(tcp_socket::wait_write,
                                        asio::redirect_error(asio::deferred, error));
            break;
        case tls_session::state::again:
            co_await asio::post(socket_.get_executor(), asio::deferred);
            break;
        }
        if (error) co_return false;
    }
}

awaitable<bool> client_stream::handshake() {
    error_code error;
    co_await socket_.async_wait(tcp_socket::wait_read, asio::redirect_error(asio::deferred, error));
    if (error) co_return false;
    tls_ = context_->accept(socket_.native_handle());
    co_return co_await finish(&tls_session::handshake);
}

std::string_view client_stream::problem() const noexcept {
    return tls_ ? tls_->problem() : std::string_view{};
}

awaitable<void> client_stream::end_sending() {
    if (tls_) (void)co_await finish(&tls_session::end);
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void client_stream::end_sending_now() noexcept {
    if (tls_) (void)tls_->end();
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

void client_stream::cancel() noexcept {
    error_code ignored;
    socket_.cancel(ignored);
}

std::size_t client_stream::write_some(asio::const_buffer bytes, error_code& error) {
    if (!is_tls()) return socket_.write_some(bytes, error);
    const auto made = tls_->write({static_cast<const char*>(bytes.data()), bytes.size()});
    error = error_of(made.now);
    return made.size;
}

} // namespace countersign::net
