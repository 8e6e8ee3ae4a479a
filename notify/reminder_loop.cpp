#include "notify/reminder_loop.hpp"

#include "core/decide/login.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

namespace countersign::notify {

namespace asio = boost::asio;

struct reminder_loop::impl {
    impl(const loop_executor& executor, reminder_options given_options,
         store::reminders& given_reminders, store::accounts& given_accounts,
         const core::policy& given_rules, core::random_source& given_random,
         std::function<core::unix_time()> given_clock)
        : options(given_options), reminders(given_reminders), accounts(given_accounts),
          rules(given_rules), random(given_random), clock(std::move(given_clock)), rest(executor) {}

    // What is not done stays due: the next look, here or elsewhere, finds it again.
    awaitable<void> look() {
        for (int partition = 0; partition < reminders.partitions() && !stopping; ++partition) {
            const auto due = co_await reminders.due(partition, clock());
            if (!due) {
                continue; // others may be on a node of the cluster that answers
            }
            for (const auto& reminder : *due) {
                if (stopping) {
                    co_return;
                }
                co_await remind(reminder);
            }
        }
    }

    awaitable<void> remind(store::reminder reminder) {
        const auto written =
            co_await accounts.transact(reminder.account, [this](const core::account& current) {
                const core::notice_unfinished_logins command{.nonce = random.hex(16)};
                auto made = core::decide(current, command, rules, clock());
                return store::change{.next = std::move(made.next),
                                     .events = std::move(made.events)};
            });
        if (!written) {
            spdlog::warn("a reminder of an account waits: {}", store::to_string(written.error()));
            // Or it would stand in the way of later ones.
            const core::unix_time again = clock() + options.again_after;
            static_cast<void>(co_await reminders.replace(std::move(reminder), again));
            co_return;
        }
        // The commit has put the reminder right, unless there was nothing to commit: then it is of
        // an account that is gone, or that wants another time.
        std::optional<core::unix_time> next;
        if (const auto& account = *written) {
            next = core::notice_due(*account);
        }
        if (next != reminder.due) {
            static_cast<void>(co_await reminders.replace(std::move(reminder), next));
        }
    }

    awaitable<void> run() {
        while (!stopping) {
            co_await look();
            if (stopping) {
                co_return;
            }
            rest.expires_after(options.look_every);
            co_await rest.async_wait(asio::as_tuple(asio::deferred));
        }
    }

    reminder_options options;
    store::reminders& reminders;
    store::accounts& accounts;
    const core::policy& rules;
    core::random_source& random;
    std::function<core::unix_time()> clock;
    steady_timer rest;
    bool stopping = false;
};

reminder_loop::reminder_loop(const loop_executor& executor, reminder_options options,
                             store::reminders& reminders, store::accounts& accounts,
                             const core::policy& rules, core::random_source& random,
                             std::function<core::unix_time()> clock)
    : impl_(std::make_shared<impl>(executor, options, reminders, accounts, rules, random,
                                   std::move(clock))) {}

reminder_loop::~reminder_loop() = default;

awaitable<void> reminder_loop::run() {
    const auto self = impl_;
    co_await self->run();
}

void reminder_loop::stop() {
    asio::post(impl_->rest.get_executor(), [self = impl_] {
        self->stopping = true;
        self->rest.cancel();
    });
}

} // namespace countersign::notify
