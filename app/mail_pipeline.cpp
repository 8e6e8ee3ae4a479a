#include "app/mail_pipeline.hpp"

#include "app/keys_keeper.hpp"
#include "app/system.hpp"
#include "notify/mailbox_transport.hpp"
#include "notify/notifier.hpp"
#include "notify/reminder_loop.hpp"
#include "notify/smtp_transport.hpp"
#include "store/outbox.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include <exception>
#include <stop_token>
#include <thread>
#include <utility>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// A new entry ends the wait at once; this is how long stopping may take.
constexpr core::milliseconds read_wait{250};
// A blocking read may take `read_wait` and the connection's usual patience on top.
constexpr std::chrono::milliseconds blocking_deadline{5'000};

fallible<notify::transport_factory> make_transports(const settings& all, std::stop_token stop) {
    if (!all.mail.url)
        return notify::transport_factory([directory = mailbox_directory(all)] {
            return std::make_unique<notify::mailbox_transport>(directory);
        });
    auto smtp = smtp_options_of(all);
    if (!smtp) return smtp.error();
    smtp->stop = std::move(stop);
    return notify::transport_factory(
        [options = *std::move(smtp)] { return std::make_unique<notify::smtp_transport>(options); });
}

} // namespace

fallible<notify::smtp_options> smtp_options_of(const settings& all) {
    auto parsed = notify::parse_mail_url(all.mail.url->reveal());
    if (parsed.has_error()) return problem{"mail.url is not usable: " + parsed.error()};
    if (!all.mail.ca_file.empty() && !notify::holds_certificates(all.mail.ca_file))
        return problem{"mail.ca_file " + all.mail.ca_file +
                       " cannot be read or holds no PEM certificate"};
    return notify::smtp_options{
        .url = std::make_shared<const notify::mail_url>(std::move(parsed).unsafe_value()),
        .ca_file = all.mail.ca_file};
}

notify::mail_identity identity_of(const settings& all) {
    return {.from_address = all.mail.from,
            .app_name = all.app.name,
            .base_uri = all.app.base_uri,
            .default_locale = all.app.default_locale};
}

std::filesystem::path mailbox_directory(const settings& all) {
    return all.data_dir / "mail";
}

struct mail_pipeline::impl {
    core::key_ring keys;
    system_random random;
    asio::io_context context{1};
    store::connection reads, writes;
    store::outbox outbox;
    notify::renderer renderer;
    notify::notifier notifier;
    core::policy rules;
    store::accounts accounts;
    store::reminders reminders;
    notify::reminder_loop reminder_loop;
    std::stop_source stop; // of submissions under way
    std::thread thread;

    impl(const settings& all, const mail_pipeline_options& options, core::key_ring ring,
         notify::mail_theme theme, notify::transport_factory transports,
         std::stop_source stop_submissions)
        : keys(std::move(ring)),
          reads(context.get_executor(), {.address = options.redis,
                                         .deadline = blocking_deadline,
                                         .name = "countersign-notifier-reads",
                                         .counted = &options.counted.redis}),
          writes(context.get_executor(), {.address = options.redis,
                                          .name = "countersign-notifier",
                                          .counted = &options.counted.redis}),
          outbox(reads, writes, options.partitions, options.consumer),
          renderer(identity_of(all), std::move(theme), keys),
          notifier(context.get_executor(),
                   {.workers = static_cast<std::size_t>(all.mail.workers),
                    .read_wait = read_wait,
                    .counted = &options.counted.notifier},
                   outbox, renderer, std::move(transports), random, system_clock_now),
          rules(all.policy),
          accounts(writes, random, options.partitions,
                   {.codes = all.mail.outbox_codes_max, .alerts = all.mail.outbox_max},
                   &options.counted.accounts),
          reminders(writes, options.partitions),
          reminder_loop(context.get_executor(), {}, reminders, accounts, rules, random,
                        system_clock_now),
          stop(std::move(stop_submissions)) {}

    awaitable<void> work() {
        using asio::experimental::awaitable_operators::operator&&;
        co_await (notifier.run() && reminder_loop.run());
    }

    void run() {
        reads.start();
        writes.start();
        asio::co_spawn(context, work(), [this](std::exception_ptr failure) {
            reads.stop();
            writes.stop();
            if (!failure) return;
            // Nothing is lost: what was not settled is taken up by the next start.
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& error) {
                spdlog::critical("the notifier ended unexpectedly: {}", error.what());
            }
        });
        context.run();
    }
};

mail_pipeline::mail_pipeline(std::unique_ptr<impl> started) : impl_(std::move(started)) {
    impl_->thread = std::thread(&impl::run, impl_.get());
}

mail_pipeline::~mail_pipeline() {
    impl_->stop.request_stop();
    impl_->notifier.stop();
    impl_->reminder_loop.stop();
    impl_->thread.join();
}

fallible<std::unique_ptr<mail_pipeline>> mail_pipeline::start(const settings& all,
                                                              mail_pipeline_options options,
                                                              keys_keeper& keys,
                                                              notify::mail_theme theme) {
    std::stop_source stop;
    auto transports = make_transports(all, stop.get_token());
    if (!transports) return transports.error();
    auto made = std::make_unique<impl>(all, options, keys.in_use()->encryption_keys(),
                                       std::move(theme), *std::move(transports), stop);
    // What is posted to the context is destroyed with it, unasked.
    keys.add(made->context.get_executor(),
             [own = made.get()](const keys_keeper::shared_keys& fresh) {
                 own->keys = fresh->encryption_keys();
             });
    return std::unique_ptr<mail_pipeline>(new mail_pipeline(std::move(made)));
}

} // namespace countersign::app
