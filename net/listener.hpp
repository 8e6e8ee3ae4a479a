// One thread's listening socket: accepts connections as long as there is room for them, and goes on
// when the system runs out of descriptors or memory for a while.
#pragma once

#include "net/connection.hpp"
#include "net/task_group.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>

namespace countersign::net {

using tcp_acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                        boost::asio::io_context::executor_type>;

// An acceptor that listens on `endpoint`, which several of them can share (SO_REUSEPORT). Throws
// boost::system::system_error.
[[nodiscard]] tcp_acceptor listen_on(boost::asio::io_context& context,
                                     const boost::asio::ip::tcp::endpoint& endpoint, bool shared);

class listener {
public:
    // All of them outlive the listener's task.
    listener(tcp_acceptor acceptor, connection_set& connections, task_group& tasks);

    // Accepts until close(), spawning one task for each connection.
    awaitable<void> run();
    void close();

private:
    awaitable<void> wait_for_room();
    awaitable<void> pause_after(boost::system::error_code error);

    tcp_acceptor acceptor_;
    connection_set& connections_;
    task_group& tasks_;
    std::chrono::steady_clock::time_point logged_at_{};
};

} // namespace countersign::net
