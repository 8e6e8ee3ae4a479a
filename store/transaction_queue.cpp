#include "store/transaction_queue.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace countersign::store {

namespace asio = boost::asio;

transaction_queue::place::place(std::shared_ptr<transaction_queue> queue, core::account_id id)
    : queue_(std::move(queue)), id_(std::move(id)) {
    auto& line = queue_->lines_[id_];
    has_turn_ = line.first == nullptr;
    (has_turn_ ? line.first : line.last->next_) = this;
    line.last = this;
}

transaction_queue::place::~place() {
    const auto found = queue_->lines_.find(id_);
    auto& line = found->second;
    if (line.first != this) { // nobody leaves so but who waited too long
        auto* before = line.first;
        while (before->next_ != this)
            before = before->next_;
        before->next_ = next_;
        if (line.last == this) line.last = before;
        return;
    }
    if (next_ == nullptr) {
        queue_->lines_.erase(found);
        return;
    }
    line.first = next_;
    next_->has_turn_ = true;
    next_->inherited_ = std::move(legacy_);
    if (next_->called_) next_->called_->cancel();
}

awaitable<bool> transaction_queue::place::turn(steady_time until) {
    if (!has_turn_) {
        called_.emplace(co_await asio::this_coro::executor, until);
        co_await called_->async_wait(asio::as_tuple(asio::deferred));
    }
    co_return has_turn_;
}

std::unique_ptr<loaded_account> transaction_queue::place::take_inherited() noexcept {
    return std::move(inherited_);
}

void transaction_queue::place::bequeath(const core::account& committed,
                                        const std::string& version) {
    if (next_ != nullptr)
        legacy_ = std::make_unique<loaded_account>(loaded_account{committed, version});
}

} // namespace countersign::store
