// Loops that run as long as the program: one that ends by an exception is a fault, and is said.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace countersign::store {

// `name` is a literal: what the log says has ended.
void run_in_background(const boost::asio::any_io_executor& executor,
                       boost::asio::awaitable<void> loop, const char* name);

} // namespace countersign::store
