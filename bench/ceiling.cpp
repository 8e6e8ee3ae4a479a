#include "bench/ceiling.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detail/socket_option.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace countersign::bench {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

void report(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

asio::awaitable<void> answer(tcp::socket socket, std::string body) {
    boost::beast::tcp_stream stream(std::move(socket));
    stream.socket().set_option(tcp::no_delay(true));
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request_parser<http::string_body> parser;
        stream.expires_after(std::chrono::seconds(30));
        const auto [unread, read] = co_await http::async_read(stream, buffer, parser, no_throw);
        if (unread) co_return;
        http::response<http::string_body> reply(http::status::ok, 11);
        reply.set(http::field::content_type, "application/json");
        reply.set(http::field::cache_control, "no-store");
        reply.body() = body;
        reply.prepare_payload();
        const auto [unsent, sent] = co_await http::async_write(stream, reply, no_throw);
        if (unsent) co_return;
    }
}

asio::awaitable<void> listen(tcp::acceptor acceptor, std::string body) {
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(no_throw);
        if (error) co_return;
        asio::co_spawn(acceptor.get_executor(), answer(std::move(socket), body), report);
    }
}

} // namespace

struct ceiling::impl {
    std::vector<std::unique_ptr<asio::io_context>> contexts;
    std::vector<std::thread> threads;
    std::uint16_t port = 0;
};

ceiling::ceiling(std::size_t threads, std::size_t body_size) : impl_(std::make_unique<impl>()) {
    for (std::size_t index = 0; index < threads; ++index) {
        auto& context = *impl_->contexts.emplace_back(std::make_unique<asio::io_context>(1));
        tcp::acceptor acceptor(context, tcp::v4());
        acceptor.set_option(reuse_port(true));
        acceptor.bind({asio::ip::address_v4::loopback(), impl_->port});
        acceptor.listen();
        impl_->port = acceptor.local_endpoint().port();
        asio::co_spawn(context, listen(std::move(acceptor), std::string(body_size, 'x')), report);
        impl_->threads.emplace_back([&context] { context.run(); });
    }
}

ceiling::~ceiling() {
    for (const auto& context : impl_->contexts)
        context->stop();
    for (auto& thread : impl_->threads)
        thread.join();
}

std::uint16_t ceiling::port() const noexcept {
    return impl_->port;
}

} // namespace countersign::bench
