// A server whose dispatcher answers with what it understood of the request, for transport tests.
#pragma once

#include "net/server.hpp"
#include "store/event_loop.hpp"
#include "tests/net/transport.hpp"
#include "tests/support/http_client.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace countersign::tests {

// What the dispatchers of one server saw, over all threads.
struct echo_record {
    std::atomic<int> dispatched{0};
    std::atomic<int> stopped{0};
};

// GET /slow/<ms> answers after that time; /throw throws; /bad-reply replies with a header that must
// not be sent; /large replies with a mebibyte; /empty with 204; all else answers
// "<method> <target>|<client ip>|<https?>|<Authorization>|<X-Test>|<body>".
class echo_dispatcher final : public net::dispatcher {
public:
    echo_dispatcher(boost::asio::io_context& context, std::shared_ptr<echo_record> record)
        : context_(context), record_(std::move(record)) {}

    net::body_plan accept_head(net::request& head) override {
        if (head.path == "/import") return {.size_max = 1024 * 1024};
        return {};
    }

    awaitable<net::reply> dispatch(const net::request& request) override {
        ++record_->dispatched;
        net::reply reply;
        reply.content_type = "text/plain";
        if (request.path == "/throw") throw std::runtime_error("as asked");
        if (request.path == "/bad-reply")
            reply.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b=c");
        if (request.path == "/large") reply.body.assign(1024 * 1024, 'x');
        if (request.path == "/empty") reply.status = 204;
        if (request.path.starts_with("/slow/")) co_await wait(request.path.substr(6));
        if (!reply.body.empty()) co_return reply;
        reply.body = std::string(boost::beast::http::to_string(request.method)) + " ";
        reply.body += request.target();
        reply.body += "|" + request.client_ip + (request.secure ? "|https|" : "|http|");
        reply.body += request.authorization();
        reply.body += "|" + std::string(request.header("x-test").value_or("")) + "|";
        reply.body += request.body();
        co_return reply;
    }

    net::reply problem(net::transport_problem problem, std::string_view, std::string_view,
                       std::string_view detail) override {
        net::reply reply;
        reply.status = net::status_of(problem);
        reply.content_type = "text/plain";
        reply.body = detail;
        return reply;
    }

    awaitable<void> stop() override {
        ++record_->stopped;
        co_return;
    }

private:
    awaitable<void> wait(std::string_view milliseconds) {
        steady_timer timer(context_,
                           std::chrono::milliseconds(std::stoi(std::string(milliseconds))));
        co_await timer.async_wait(boost::asio::deferred);
    }

    boost::asio::io_context& context_;
    std::shared_ptr<echo_record> record_;
};

struct echo_server {
    explicit echo_server(net::server_options options = {}, transport over = transport::plain)
        : over(over), server(on(over, std::move(options)),
                             [seen = record](boost::asio::io_context& context, std::size_t) {
                                 return std::make_unique<echo_dispatcher>(context, seen);
                             }) {
        server.start();
    }

    [[nodiscard]] http_connection connect() const { return tests::connect(server.port(), over); }
    // What the server answers to this.
    [[nodiscard]] std::string echo(std::string_view request, std::string_view body = {}) const {
        std::string text(request);
        text += over == transport::tls ? "|127.0.0.1|https|||" : "|127.0.0.1|http|||";
        return text.append(body);
    }

    transport over;
    std::shared_ptr<echo_record> record = std::make_shared<echo_record>();
    net::server server;
};

} // namespace countersign::tests
