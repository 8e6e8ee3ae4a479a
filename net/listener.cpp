#include "net/listener.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/socket_base.hpp>
#include <spdlog/spdlog.h>

#include <sys/socket.h>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::milliseconds pause{100};
constexpr std::chrono::seconds log_interval{1};

// What a connection that failed before it was accepted leaves behind; the next one may be fine.
bool is_of_one_connection(const error_code& error) noexcept {
    return error == asio::error::connection_aborted || error == asio::error::connection_reset ||
           error == asio::error::interrupted || error == asio::error::try_again;
}

} // namespace

tcp_acceptor listen_on(asio::io_context& context, const asio::ip::tcp::endpoint& endpoint,
                       bool shared) {
    using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    tcp_acceptor acceptor(context);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    if (shared) acceptor.set_option(reuse_port(true));
    acceptor.bind(endpoint);
    acceptor.listen(asio::socket_base::max_listen_connections);
    return acceptor;
}

listener::listener(tcp_acceptor acceptor, connection_set& connections, task_group& tasks)
    : acceptor_(std::move(acceptor)), connections_(connections), tasks_(tasks) {}

void listener::close() {
    error_code ignored;
    acceptor_.close(ignored);
    connections_.slot_freed.cancel();
}

awaitable<void> listener::run() {
    while (acceptor_.is_open()) {
        if (connections_.open.size() >= connections_.bounds.connections_per_thread_max) {
            co_await wait_for_room();
            continue;
        }
        tcp_socket socket(acceptor_.get_executor());
        error_code error;
        co_await acceptor_.async_accept(socket, asio::redirect_error(asio::deferred, error));
        if (error) {
            if (acceptor_.is_open() && !is_of_one_connection(error)) co_await pause_after(error);
            continue;
        }
        connections_.counted->accepted.add();
        error_code ignored; // a client that has left already is noticed at the first read
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        socket.non_blocking(true, ignored);
        tasks_.spawn("connection", serve(std::move(socket), connections_));
    }
}

awaitable<void> listener::wait_for_room() {
    connections_.counted->at_the_cap.add();
    error_code ignored;
    connections_.slot_freed.expires_at(std::chrono::steady_clock::time_point::max());
    co_await connections_.slot_freed.async_wait(asio::redirect_error(asio::deferred, ignored));
}

// EMFILE, ENFILE, ENOBUFS, ENOMEM: accepting again at once would spin, and ending would be worse.
awaitable<void> listener::pause_after(error_code error) {
    connections_.counted->out_of_resources.add();
    const auto now = std::chrono::steady_clock::now();
    if (now - logged_at_ >= log_interval) {
        logged_at_ = now;
        spdlog::warn("cannot accept connections for now: {}", error.message());
    }
    error_code ignored;
    steady_timer timer(acceptor_.get_executor(), pause);
    co_await timer.async_wait(asio::redirect_error(asio::deferred, ignored));
}

} // namespace countersign::net
