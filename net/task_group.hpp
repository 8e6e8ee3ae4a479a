// The coroutines that belong together and end together. Nothing that runs floats free: what a task
// throws is logged under the task's name, and the group knows when its last task has ended.
#pragma once

#include "store/event_loop.hpp"

#include <boost/asio/cancellation_type.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

namespace countersign::net {

// Owned by one thread; every member is called on the executor's thread. May be destroyed while
// tasks still run; their ends are then logged as before.
class task_group {
public:
    explicit task_group(loop_executor executor);
    ~task_group();
    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

    // `name` is of static storage.
    void spawn(std::string_view name, awaitable<void> task);

    // Asks every task to stop. `total` asks to finish what is in hand, `terminal` to drop it; a
    // task hears of `total` only if it has enabled it (this_coro::reset_cancellation_state).
    void cancel(boost::asio::cancellation_type type);

    // Waits until no task is left; false if some still are at `deadline`. One waiter at a time.
    [[nodiscard]] awaitable<bool> drained(std::chrono::steady_clock::time_point deadline);

    [[nodiscard]] std::size_t size() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

} // namespace countersign::net
