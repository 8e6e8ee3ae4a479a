#include "bench/load.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <exception>
#include <memory>
#include <string_view>
#include <thread>

namespace countersign::bench {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

// What the connections of one thread share.
struct lane {
    const std::vector<std::string>& requests;
    std::atomic<std::size_t>& next; // over all lanes
    bool repeat;
    clock::time_point end;
    std::uint16_t port;
    std::size_t failures = 0;
    std::vector<std::uint32_t> latencies_us;
    std::string first_failure;

    void note_failure(std::string_view reply) {
        if (failures++ == 0) first_failure = reply;
    }
    const std::string* take() {
        const auto index = next.fetch_add(1, std::memory_order_relaxed);
        if (index < requests.size()) return &requests[index];
        return repeat ? &requests[index % requests.size()] : nullptr;
    }
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

asio::awaitable<void> run_connection(lane& lane) {
    asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
    const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), lane.port);
    const auto [refused] = co_await socket.async_connect(server, no_throw);
    if (refused) {
        lane.note_failure("the connection was refused");
        co_return;
    }
    socket.set_option(asio::ip::tcp::no_delay(true));
    std::array<char, 8192> buffer{};
    while (clock::now() < lane.end) {
        const auto* request = lane.take();
        if (request == nullptr) co_return;
        const auto sent = clock::now();
        const auto [unsent, _] =
            co_await asio::async_write(socket, asio::buffer(*request), no_throw);
        std::size_t filled = 0;
        bool broken = static_cast<bool>(unsent);
        while (!broken && reply_size({buffer.data(), filled}) == 0) {
            const auto [error, count] = co_await socket.async_read_some(
                asio::buffer(buffer.data() + filled, buffer.size() - filled), no_throw);
            broken = error || filled + count == buffer.size();
            filled += count;
        }
        if (broken) {
            lane.note_failure("the connection broke");
            co_return;
        }
        const auto took = clock::now() - sent;
        lane.latencies_us.push_back(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
        constexpr std::string_view good = "HTTP/1.1 200";
        const std::string_view reply(buffer.data(), filled);
        if (!reply.starts_with(good)) lane.note_failure(reply);
    }
}

void run_lane(lane& lane, std::size_t connections) {
    asio::io_context context(1);
    for (std::size_t index = 0; index < connections; ++index)
        asio::co_spawn(context, run_connection(lane), [](std::exception_ptr failure) {
            if (failure) std::rethrow_exception(failure);
        });
    context.run();
}

} // namespace

double load_result::percentile_ms(double share) const {
    if (latencies_us.empty()) return 0;
    const auto last = static_cast<double>(latencies_us.size() - 1);
    return latencies_us[static_cast<std::size_t>(share * last)] / 1000.0;
}

load_result run_load(const load_options& options, const std::vector<std::string>& requests,
                     bool repeat) {
    std::atomic<std::size_t> next{0};
    const auto begin = clock::now();
    std::vector<std::unique_ptr<lane>> lanes;
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < options.threads; ++index) {
        lanes.push_back(std::make_unique<lane>(
            lane{requests, next, repeat, begin + options.duration, options.port, 0, {}, {}}));
        threads.emplace_back(run_lane, std::ref(*lanes.back()),
                             options.connections / options.threads);
    }
    for (auto& thread : threads)
        thread.join();

    load_result result;
    result.seconds = std::chrono::duration<double>(clock::now() - begin).count();
    for (const auto& lane : lanes) {
        result.failures += lane->failures;
        if (result.first_failure.empty()) result.first_failure = lane->first_failure;
        result.latencies_us.insert(result.latencies_us.end(), lane->latencies_us.begin(),
                                   lane->latencies_us.end());
    }
    result.replies = result.latencies_us.size();
    std::ranges::sort(result.latencies_us);
    return result;
}

} // namespace countersign::bench
