// What belongs to an event loop: its executor, the coroutines that run on it, and their timers. One
// type of executor is used throughout, and it is named: the one that Asio's names stand for by
// default (any_io_executor) hides which kind it is, and pays for that with a virtual call wherever
// one is copied, which is a dozen times in each wait.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>

namespace countersign {

using loop_executor = boost::asio::io_context::executor_type;

template <typename T>
using awaitable = boost::asio::awaitable<T, loop_executor>;

using steady_timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, loop_executor>;

} // namespace countersign
