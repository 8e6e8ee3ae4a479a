// Runs a coroutine from a test that is none.
#pragma once

#include "store/event_loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

namespace countersign::tests {

// Runs the context until the coroutine is done, and returns its result or throws what it threw.
// Throws std::runtime_error at the deadline; the coroutine stays suspended in the context then.
template <typename T>
T run_coroutine(boost::asio::io_context& context, awaitable<T> work,
                std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
    constexpr bool is_void = std::is_void_v<T>;
    struct outcome {
        std::exception_ptr failure;
        std::optional<std::conditional_t<is_void, bool, T>> value;
        bool done = false;
    };
    const auto reached = std::make_shared<outcome>();
    if constexpr (is_void) {
        boost::asio::co_spawn(
            context, std::move(work),
            [reached](const std::exception_ptr& failure) { *reached = {failure, true, true}; });
    } else {
        boost::asio::co_spawn(context, std::move(work),
                              [reached](const std::exception_ptr& failure, T value) {
                                  reached->failure = failure;
                                  reached->value.emplace(std::move(value));
                                  reached->done = true;
                              });
    }
    const auto until = std::chrono::steady_clock::now() + deadline;
    context.restart();
    while (!reached->done && context.run_one_until(until) != 0) {
    }
    if (!reached->done) throw std::runtime_error("the coroutine was not done by its deadline");
    if (reached->failure) std::rethrow_exception(reached->failure);
    if constexpr (!is_void) return std::move(*reached->value);
}

// Runs all of them at the same time and returns their results in the order of `work`.
template <typename T>
std::vector<T> run_coroutines(boost::asio::io_context& context, std::vector<awaitable<T>> work,
                              std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
    const auto results = std::make_shared<std::vector<std::optional<T>>>(work.size());
    const auto missing = std::make_shared<std::size_t>(work.size());
    for (std::size_t i = 0; i < work.size(); ++i) {
        boost::asio::co_spawn(context, std::move(work[i]),
                              [results, missing, i](const std::exception_ptr& failure, T value) {
                                  if (!failure) (*results)[i].emplace(std::move(value));
                                  --*missing;
                              });
    }
    const auto until = std::chrono::steady_clock::now() + deadline;
    context.restart();
    while (*missing != 0 && context.run_one_until(until) != 0) {
    }
    std::vector<T> values;
    for (auto& result : *results) {
        if (!result) throw std::runtime_error("a coroutine threw or was not done by its deadline");
        values.push_back(std::move(*result));
    }
    return values;
}

// One of them, on a context of its own.
template <typename T>
T run_coroutine(awaitable<T> work, std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
    boost::asio::io_context context(1);
    return run_coroutine(context, std::move(work), deadline);
}

} // namespace countersign::tests
