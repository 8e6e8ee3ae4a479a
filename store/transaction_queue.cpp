#include "store/transaction_queue.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <algorithm>
#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

transaction_queue::place::place(std::shared_ptr<transaction_queue> queue,
                                const asio::any_io_executor& executor, core::account_id id)
    : queue_(std::move(queue)), id_(std::move(id)), called_(executor) {
    auto& line = queue_->lines_[id_];
    line.push_back(this);
    has_turn_ = line.size() == 1;
}

transaction_queue::place::~place() {
    const auto found = queue_->lines_.find(id_);
    auto& line = found->second;
    line.erase(std::find(line.begin(), line.end(), this));
    if (line.empty()) {
        queue_->lines_.erase(found);
        return;
    }
    if (!has_turn_) return;
    auto& next = *line.front();
    next.has_turn_ = true;
    next.inherited_ = std::move(legacy_);
    next.called_.cancel();
}

asio::awaitable<bool> transaction_queue::place::turn(steady_time until) {
    if (!has_turn_) {
        called_.expires_at(until);
        co_await called_.async_wait(asio::as_tuple(asio::deferred));
    }
    co_return has_turn_;
}

std::optional<loaded_account> transaction_queue::place::take_inherited() {
    return std::exchange(inherited_, std::nullopt);
}

void transaction_queue::place::bequeath(const core::account& committed,
                                        const std::string& version) {
    if (queue_->lines_.at(id_).size() > 1) legacy_ = loaded_account{committed, version};
}

} // namespace countersign::store
