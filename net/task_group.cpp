#include "net/task_group.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <list>

namespace countersign::net {
namespace {

namespace asio = boost::asio;

void log_end(std::string_view name, const std::exception_ptr& error) {
    if (!error) return;
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& exception) {
        // How a task ends that was cancelled.
        if (exception.code() != asio::error::operation_aborted)
            spdlog::error("task {} ended with an exception: {}", name, exception.what());
    } catch (const std::exception& exception) {
        spdlog::error("task {} ended with an exception: {}", name, exception.what());
    } catch (...) {
        spdlog::error("task {} ended with an unknown exception", name);
    }
}

} // namespace

struct task_group::state {
    explicit state(loop_executor on) : executor(on), emptied(std::move(on)) {}

    loop_executor executor;
    std::list<asio::cancellation_signal> tasks;
    steady_timer emptied; // cancelled when the last task has ended
};

task_group::task_group(loop_executor executor)
    : state_(std::make_shared<state>(std::move(executor))) {}

task_group::~task_group() = default;

void task_group::spawn(std::string_view name, awaitable<void> task) {
    const auto own = state_->tasks.emplace(state_->tasks.end());
    asio::co_spawn(state_->executor, std::move(task),
                   asio::bind_cancellation_slot(
                       own->slot(), [group = state_, own, name](const std::exception_ptr& error) {
                           log_end(name, error);
                           group->tasks.erase(own);
                           if (group->tasks.empty()) group->emptied.cancel();
                       }));
}

void task_group::cancel(asio::cancellation_type type) {
    // A task may end, and leave the list, while it is told.
    for (auto next = state_->tasks.begin(); next != state_->tasks.end();) {
        auto& signal = *next++;
        signal.emit(type);
    }
}

awaitable<bool> task_group::drained(std::chrono::steady_clock::time_point deadline) {
    const auto group = state_;
    group->emptied.expires_at(deadline);
    while (!group->tasks.empty() && std::chrono::steady_clock::now() < deadline) {
        boost::system::error_code ignored;
        co_await group->emptied.async_wait(asio::redirect_error(asio::deferred, ignored));
    }
    co_return group->tasks.empty();
}

std::size_t task_group::size() const noexcept {
    return state_->tasks.size();
}

} // namespace countersign::net
