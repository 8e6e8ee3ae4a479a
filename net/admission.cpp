#include "net/admission.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace countersign::net {

namespace asio = boost::asio;

admission::admission(admission_limits limits, admission_counters& counted)
    : limits_(limits), counted_(counted) {}

admission::place::place(admission& owner)
    : owner_(owner),
      admitted_(owner.waiting_.empty() && owner.at_once_ < owner.limits_.at_once_max) {
    if (admitted_) ++owner_.at_once_;
}

admission::place::~place() {
    if (!admitted_) return;
    if (owner_.waiting_.empty()) {
        --owner_.at_once_;
        return;
    }
    // The next one takes over this one's right.
    auto& next = *owner_.waiting_.front();
    owner_.waiting_.pop_front();
    next.admitted_ = true;
    next.called_->cancel();
}

awaitable<bool> admission::place::turn() {
    called_.emplace(co_await asio::this_coro::executor, owner_.limits_.wait);
    // Also when the coroutine is destroyed while it waits.
    struct in_line {
        place& who;
        explicit in_line(place& waits) : who(waits) {
            who.owner_.waiting_.push_back(&who);
            who.owner_.counted_.waiting.add(1);
        }
        in_line(const in_line&) = delete;
        in_line& operator=(const in_line&) = delete;
        ~in_line() {
            who.owner_.counted_.waiting.add(-1);
            // Who waits as long as all the others is first in line when its time is over.
            if (!who.admitted_)
                who.owner_.waiting_.erase(std::ranges::find(who.owner_.waiting_, &who));
        }
    };
    {
        const in_line waits(*this);
        co_await called_->async_wait(asio::as_tuple(asio::deferred));
    }
    if (!admitted_) owner_.counted_.refused.add();
    co_return admitted_;
}

} // namespace countersign::net
