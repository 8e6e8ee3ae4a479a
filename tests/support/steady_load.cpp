#include "tests/support/steady_load.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <string_view>

namespace countersign::tests {

namespace {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

constexpr auto no_throw = asio::as_tuple(asio::deferred);
constexpr std::size_t reply_size_max = 65'536;

struct schedule {
    const std::vector<std::string>& requests;
    std::vector<timed_request>& done;
    clock::time_point begin;
    std::chrono::duration<double> interval;
    std::uint16_t port;
    std::size_t next = 0;
};

// The size of the first whole reply in `bytes`, or zero if it is not complete yet.
std::size_t reply_size(std::string_view bytes) {
    const auto head = bytes.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    constexpr std::string_view name = "Content-Length: ";
    const auto field = bytes.substr(0, head).find(name);
    std::size_t length = 0;
    if (field != std::string_view::npos)
        std::from_chars(bytes.data() + field + name.size(), bytes.data() + head, length);
    const auto size = head + 4 + length;
    return bytes.size() >= size ? size : 0;
}

unsigned status_of(std::string_view reply) {
    constexpr std::string_view start = "HTTP/1.1 ";
    unsigned status = 0;
    if (reply.starts_with(start))
        std::from_chars(reply.data() + start.size(), reply.data() + reply.size(), status);
    return status;
}

awaitable<unsigned> exchange(asio::ip::tcp::socket& socket, const std::string& request) {
    const auto [unsent, size] = co_await asio::async_write(socket, asio::buffer(request), no_throw);
    if (unsent) co_return 0;
    std::string reply;
    while (reply_size(reply) == 0) {
        if (reply.size() > reply_size_max) co_return 0;
        const auto filled = reply.size();
        reply.resize(filled + 4'096);
        const auto [error, count] = co_await socket.async_read_some(
            asio::buffer(reply.data() + filled, reply.size() - filled), no_throw);
        if (error) co_return 0;
        reply.resize(filled + count);
    }
    co_return status_of(reply);
}

awaitable<void> run_connection(schedule& plan) {
    const auto executor = co_await asio::this_coro::executor;
    const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), plan.port);
    asio::ip::tcp::socket socket(executor);
    steady_timer timer(executor);
    bool connected = false;
    while (plan.next < plan.requests.size()) {
        const auto index = plan.next++;
        auto& mine = plan.done[index];
        mine.due = plan.begin + std::chrono::duration_cast<clock::duration>(
                                    plan.interval * static_cast<double>(index));
        timer.expires_at(mine.due);
        co_await timer.async_wait(no_throw);
        if (!connected) {
            socket = asio::ip::tcp::socket(executor);
            const auto [refused] = co_await socket.async_connect(server, no_throw);
            connected = !refused;
            if (connected) socket.set_option(asio::ip::tcp::no_delay(true));
        }
        if (connected) mine.status = co_await exchange(socket, plan.requests[index]);
        connected = mine.status != 0;
        mine.replied = clock::now();
    }
}

} // namespace

std::vector<timed_request> run_steady_load(const steady_load_options& options,
                                           const std::vector<std::string>& requests) {
    std::vector<timed_request> done(requests.size());
    asio::io_context context(1);
    schedule plan{requests, done, clock::now() + std::chrono::milliseconds(50),
                  std::chrono::duration<double>(1 / options.per_second), options.port};
    for (std::size_t index = 0; index < options.connections; ++index)
        asio::co_spawn(context, run_connection(plan), [](const std::exception_ptr& failure) {
            if (failure) std::rethrow_exception(failure);
        });
    context.run();
    return done;
}

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

} // namespace countersign::tests
