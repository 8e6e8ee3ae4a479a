#include "app/clock_watch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/redirect_error.hpp>
#include <spdlog/spdlog.h>

#include <charconv>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::minutes looks_each{1};
// An answer that took longer tells too little.
constexpr milliseconds answer_max{1'000};

std::optional<std::int64_t> number_in(const store::reply_value& part) {
    const auto* text = part.text();
    if (text == nullptr) return std::nullopt;
    std::int64_t number = 0;
    const auto end = text->data() + text->size();
    const auto [stopped, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

// Redis' TIME: seconds and microseconds.
std::optional<core::unix_time> time_in(const store::reply_value& reply) {
    const auto* parts = reply.list();
    if (parts == nullptr || parts->size() != 2) return std::nullopt;
    const auto seconds = number_in(parts->front()), micros = number_in(parts->back());
    if (!seconds || !micros) return std::nullopt;
    return core::unix_time(milliseconds(*seconds * 1'000 + *micros / 1'000));
}

} // namespace

awaitable<std::optional<milliseconds>> compare_clocks(store::connection& redis,
                                                      std::function<core::unix_time()> now) {
    // The first answer waits for the connection, too.
    std::vector<std::string> first{"PING"};
    if ((co_await redis.command(std::move(first))).has_error()) co_return std::nullopt;
    const auto before = now();
    std::vector<std::string> second{"TIME"};
    const auto reply = co_await redis.command(std::move(second));
    const auto after = now();
    if (reply.has_error() || after < before || after - before > answer_max) co_return std::nullopt;
    const auto theirs = time_in(*reply);
    if (!theirs) co_return std::nullopt;
    co_return before + (after - before) / 2 - *theirs;
}

clock_watch::clock_watch(asio::io_context& context, store::redis_address redis,
                         std::function<core::unix_time()> now, clock_counters& counted)
    : context_(context), timer_(context),
      redis_(context.get_executor(), {.address = std::move(redis), .name = "countersign-clock"}),
      now_(std::move(now)), counted_(counted) {}

clock_watch::~clock_watch() {
    timer_.cancel();
    redis_.stop();
    context_.restart();
    context_.poll(); // both end
}

void clock_watch::keep() {
    redis_.start();
    asio::co_spawn(context_, run(), [](const std::exception_ptr& thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const std::exception& exception) {
            spdlog::error("the clocks are no longer compared: {}", exception.what());
        }
    });
}

awaitable<void> clock_watch::run() {
    for (boost::system::error_code ended; !ended;) {
        // That Redis is away is told elsewhere.
        if (const auto offset = co_await compare_clocks(redis_, now_)) {
            counted_.offset_ms.set(offset->count());
            counted_.known.set(1);
            if (std::chrono::abs(*offset) > offset_warned_of)
                spdlog::warn("this machine's clock is {} ms {} Redis': codes of apps are refused "
                             "where it is this one that is wrong; set both by NTP",
                             std::chrono::abs(*offset).count(),
                             *offset > milliseconds(0) ? "ahead of" : "behind");
        }
        timer_.expires_after(looks_each);
        co_await timer_.async_wait(asio::redirect_error(asio::deferred, ended));
    }
}

} // namespace countersign::app
