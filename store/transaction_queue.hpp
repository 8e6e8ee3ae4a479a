// Whose turn it is with an account. Transactions of one account on one thread follow one another,
// so they never lose a race against their own thread, and each hands what it committed to the next.
#pragma once

#include "core/types.hpp"
#include "store/accounts.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

namespace countersign::store {

// Owned by one thread.
class transaction_queue {
public:
    // A place in the queue; the destructor passes the turn on. Joins when made.
    class place {
    public:
        place(std::shared_ptr<transaction_queue> queue,
              const boost::asio::any_io_executor& executor, core::account_id id);
        ~place();
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        // False: the turn had not come by `until`.
        [[nodiscard]] boost::asio::awaitable<bool> turn(steady_time until);

        // What the one before committed, if it did. Another thread may have committed since.
        [[nodiscard]] std::optional<loaded_account> take_inherited();
        // Called while it is this one's turn, with what was committed. Copies only if somebody
        // waits.
        void bequeath(const core::account& committed, const std::string& version);

    private:
        friend class transaction_queue;
        std::shared_ptr<transaction_queue> queue_;
        core::account_id id_;
        boost::asio::steady_timer called_;
        bool has_turn_ = false;
        std::optional<loaded_account> inherited_;
        std::optional<loaded_account> legacy_;
    };

private:
    // The first of each line has the turn. Lines are never empty.
    std::unordered_map<core::account_id, std::deque<place*>> lines_;
};

} // namespace countersign::store
