// Whose turn it is with an account. Transactions of one account on one thread follow one another,
// so they never lose a race against their own thread, and each hands what it committed to the next.
#pragma once

#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/event_loop.hpp"

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
        place(std::shared_ptr<transaction_queue> queue, core::account_id id);
        ~place();
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        [[nodiscard]] bool has_turn() const noexcept { return has_turn_; }
        // False: the turn had not come by `until`.
        [[nodiscard]] awaitable<bool> turn(steady_time until);

        // What the one before committed, if it did; else nullptr. Another thread may have committed
        // since.
        [[nodiscard]] std::unique_ptr<loaded_account> take_inherited() noexcept;
        // Called while it is this one's turn, with what was committed. Copies only if somebody
        // waits.
        void bequeath(const core::account& committed, const std::string& version);

    private:
        friend class transaction_queue;
        std::shared_ptr<transaction_queue> queue_;
        core::account_id id_;
        place* next_ = nullptr; // in its line
        bool has_turn_ = false;
        std::optional<steady_timer> called_; // while it waits
        std::unique_ptr<loaded_account> inherited_;
        std::unique_ptr<loaded_account> legacy_;
    };

private:
    // Linked by place::next_. The first has the turn.
    struct line {
        place* first = nullptr;
        place* last = nullptr;
    };
    std::unordered_map<core::account_id, line> lines_; // none is empty
};

} // namespace countersign::store
