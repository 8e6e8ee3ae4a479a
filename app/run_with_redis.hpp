// For commands that need Redis for a moment: an event loop and a connection for one coroutine.
#pragma once

#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace countersign::app {

namespace detail {

template <typename T>
awaitable<void> keep(awaitable<T> work, std::optional<T>& result) {
    result.emplace(co_await std::move(work));
}

} // namespace detail

// Runs `work(connection)`, a coroutine, to its end on this thread and returns what it returned.
// `name` is the connection's, for the operator of Redis.
template <typename Work>
[[nodiscard]] auto run_with_redis(const store::redis_address& address, std::string name,
                                  Work work) {
    using result_type = typename decltype(work(std::declval<store::connection&>()))::value_type;
    boost::asio::io_context context(1);
    store::connection redis(context.get_executor(), {.address = address, .name = std::move(name)});
    redis.start();
    std::optional<result_type> result;
    std::exception_ptr failure;
    boost::asio::co_spawn(context, detail::keep(work(redis), result),
                          [&](std::exception_ptr thrown) {
                              failure = std::move(thrown);
                              redis.stop();
                          });
    context.run();
    if (failure) std::rethrow_exception(failure);
    return *std::move(result);
}

} // namespace countersign::app
