#include "store/import_batch.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

namespace {

// While the store is away, before each further try of a line. Together eight seconds, in which a
// Redis comes back that was only started anew.
constexpr std::array<std::chrono::milliseconds, 5> pauses{
    std::chrono::milliseconds(250), std::chrono::milliseconds(500), std::chrono::milliseconds(1000),
    std::chrono::milliseconds(2000), std::chrono::milliseconds(4000)};

} // namespace

import_batch::import_batch(accounts& accounts, email_index& emails, const core::context& context,
                           core::random_source& random, std::function<core::unix_time()> now)
    : accounts_(accounts), emails_(emails), context_(context), random_(random),
      now_(std::move(now)) {
    lines_.reserve(size_max);
}

bool import_batch::must_run_before(const imported_line& line) const {
    if (lines_.size() >= size_max) return true;
    if (line.line.has_error()) return false;
    return std::ranges::any_of(lines_, [&](const imported_line& other) {
        return other.line.has_value() &&
               (other.line->subject == line.line->subject || other.line->email == line.line->email);
    });
}

void import_batch::add(imported_line line) {
    if (line.line.has_value())
        if (const auto no = core::check_import(*line.line, context_.rules)) line.line = *no;
    lines_.push_back(std::move(line));
}

awaitable<void> import_batch::try_one(imported_line& one) {
    // What is cancelled says so by value.
    co_await asio::this_coro::throw_if_cancelled(false);
    steady_timer timer(co_await asio::this_coro::executor);
    for (auto pause = pauses.begin();; ++pause) {
        one.status =
            co_await import_subject(accounts_, emails_, context_, random_, *one.line, now_());
        if (one.status.has_value() || one.status.error() == store_error::corrupt) co_return;
        const auto state = co_await asio::this_coro::cancellation_state;
        if (pause == pauses.end() || state.cancelled() != asio::cancellation_type::none) co_return;
        timer.expires_after(*pause);
        co_await timer.async_wait(asio::as_tuple(asio::deferred));
    }
}

awaitable<std::vector<imported_line>> import_batch::run() {
    const auto executor = co_await asio::this_coro::executor;
    using task = decltype(asio::co_spawn(executor, try_one(lines_.front()), asio::deferred));
    std::vector<task> tasks;
    for (auto& one : lines_)
        if (one.line.has_value())
            tasks.push_back(asio::co_spawn(executor, try_one(one), asio::deferred));
    if (!tasks.empty()) {
        const auto [order, failures] =
            co_await asio::experimental::make_parallel_group(std::move(tasks))
                .async_wait(asio::experimental::wait_for_all(), asio::deferred);
        for (const auto& failure : failures)
            if (failure) std::rethrow_exception(failure);
    }
    co_return std::exchange(lines_, {});
}

} // namespace countersign::store
