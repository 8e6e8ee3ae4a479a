#include "store/background.hpp"

#include <boost/asio/co_spawn.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace countersign::store {

void run_in_background(const loop_executor& executor, awaitable<void> loop, const char* name) {
    boost::asio::co_spawn(executor, std::move(loop), [name](const std::exception_ptr& failure) {
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& reason) {
            spdlog::critical("{} ended: {}", name, reason.what());
        }
    });
}

} // namespace countersign::store
