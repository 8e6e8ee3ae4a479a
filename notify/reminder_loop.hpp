// Looks at the accounts whose reminder is due (store/reminders.hpp): a login that got no further
// than the password ends there by the clock, and its alert is committed as every other one is.
#pragma once

#include "core/policy.hpp"
#include "core/random.hpp"
#include "core/types.hpp"
#include "store/accounts.hpp"
#include "store/event_loop.hpp"
#include "store/reminders.hpp"

#include <functional>
#include <memory>

namespace countersign::notify {

struct reminder_options {
    core::milliseconds look_every{1'000};
    core::milliseconds again_after{60'000}; // an account that could not be written
};

// Lives on the thread of one io_context, which runs run(). Any number may be at work at once: the
// commit of the account decides who told, and a reminder goes with that commit only. What is passed
// by reference outlives it.
class reminder_loop {
public:
    reminder_loop(const loop_executor& executor, reminder_options options,
                  store::reminders& reminders, store::accounts& accounts, const core::policy& rules,
                  core::random_source& random, std::function<core::unix_time()> clock);
    ~reminder_loop();
    reminder_loop(const reminder_loop&) = delete;
    reminder_loop& operator=(const reminder_loop&) = delete;

    // Returns after stop(), when nothing is under way any more. Called once. Errors of the store
    // are waited out.
    [[nodiscard]] awaitable<void> run();
    // From any thread, more than once if need be.
    void stop();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

} // namespace countersign::notify
