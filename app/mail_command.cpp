#include "app/mail_command.hpp"

#include "app/data_directory.hpp"
#include "app/logging.hpp"
#include "app/mail_pipeline.hpp"
#include "app/mail_report.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "core/event.hpp"
#include "core/text.hpp"
#include "notify/mailbox_transport.hpp"
#include "notify/mime.hpp"
#include "notify/smtp_transport.hpp"
#include "notify/test_mail.hpp"
#include "store/event_loop.hpp"
#include "store/outbox_admin.hpp"

#include <boost/json/serialize.hpp>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <limits>
#include <optional>
#include <ostream>
#include <pwd.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// An operator does not wait ten minutes for the last reply, as the notifier does.
constexpr std::chrono::seconds test_patience{60};

// Who types: the user, and whom sudo made that user.
std::string operator_name() {
    const auto* entry = ::getpwuid(::getuid());
    std::string name = entry ? entry->pw_name : "uid " + std::to_string(::getuid());
    if (const char* before = std::getenv("SUDO_USER")) name += std::string(" for ") + before;
    return notify::one_line(name);
}

// A code that is dead is not mailed: retrying would delete it.
bool has_expired(const store::kept_mail& mail, core::unix_time now) {
    const auto event = core::event_from_json(mail.payload);
    return mail.lane == core::mail_lane::code && event && event->expires_at &&
           *event->expires_at <= now;
}

class mail_command {
public:
    mail_command(store::connection& redis, int partitions, const mail_options& options,
                 const settings& all, std::ostream& out)
        : admin_(redis, partitions), partitions_(partitions), options_(options), all_(all),
          out_(out) {}

    awaitable<fallible<void>> run() {
        switch (options_.what) {
        case mail_action::status:
            co_return co_await status();
        case mail_action::list:
            co_return co_await list();
        case mail_action::show:
            co_return co_await show();
        case mail_action::retry:
            co_return options_.all ? co_await retry_all() : co_await retry_one();
        case mail_action::drop:
            co_return co_await drop();
        case mail_action::test:
            break; // needs no Redis
        }
        co_return fallible<void>();
    }

private:
    awaitable<fallible<void>> status() {
        auto found = co_await admin_.status();
        if (!found) co_return redis_problem(found.error());
        const status_report report{
            std::move(*found),
            {.codes = all_.mail.outbox_codes_max, .alerts = all_.mail.outbox_max},
            partitions_};
        if (options_.json)
            out_ << to_json(report) << '\n';
        else
            print_status(out_, report, system_clock_now());
        co_return fallible<void>();
    }

    awaitable<fallible<void>> list() {
        const auto found = co_await admin_.list(options_.filter);
        if (!found) co_return redis_problem(found.error());
        if (options_.json)
            out_ << to_json(*found) << '\n';
        else
            print_list(out_, *found, system_clock_now());
        co_return fallible<void>();
    }

    awaitable<fallible<void>> show() {
        const auto mail = co_await find();
        if (!mail) co_return mail.error();
        if (options_.json)
            out_ << to_json(*mail) << '\n';
        else
            print_mail(out_, *mail);
        co_return fallible<void>();
    }

    awaitable<fallible<void>> retry_one() {
        auto mail = co_await find_dead();
        if (!mail) co_return mail.error();
        if (has_expired(*mail, system_clock_now()))
            co_return problem{"the code of mail " + options_.id +
                              " has expired, so it would not be sent; it can be dropped"};
        const auto title = title_of(*mail);
        const auto retried = co_await admin_.retry(std::move(*mail));
        if (!retried) co_return redis_problem(retried.error());
        if (!*retried) co_return gone();
        out_ << "back in its lane: " << title << '\n';
        co_return fallible<void>();
    }

    awaitable<fallible<void>> retry_all() {
        store::mail_filter dead{.state = store::mail_state::dead,
                                .limit = std::numeric_limits<std::size_t>::max()};
        auto found = co_await admin_.list(dead);
        if (!found) co_return redis_problem(found.error());
        int retried = 0, expired = 0;
        for (auto& mail : found->mails) {
            if (has_expired(mail, system_clock_now())) {
                ++expired;
                continue;
            }
            const auto done = co_await admin_.retry(std::move(mail));
            if (!done)
                co_return problem{redis_problem(done.error()).sentence + "; " +
                                  std::to_string(retried) + " are back in their lanes"};
            if (*done) ++retried;
        }
        out_ << "back in their lanes: " << retried << '\n';
        if (expired > 0) out_ << "left, because their codes have expired: " << expired << '\n';
        co_return fallible<void>();
    }

    awaitable<fallible<void>> drop() {
        auto mail = co_await find_dead();
        if (!mail) co_return mail.error();
        const auto title = title_of(*mail);
        if (!options_.yes) {
            print_mail(out_, *mail);
            co_return problem{"nothing was dropped: add --yes to delete this mail for ever"};
        }
        const auto reason = notify::one_line(mail->reason);
        const auto dropped = co_await admin_.drop(std::move(*mail));
        if (!dropped) co_return redis_problem(dropped.error());
        if (!*dropped) co_return gone();
        spdlog::warn("dead letter {} dropped by {}; it was given up: {}", title, operator_name(),
                     reason);
        out_ << "dropped: " << title << '\n';
        co_return fallible<void>();
    }

    awaitable<fallible<store::kept_mail>> find() {
        auto found = co_await admin_.find(options_.id);
        if (!found) co_return redis_problem(found.error());
        if (!found->has_value()) co_return problem{"there is no mail " + options_.id};
        co_return std::move(**found);
    }

    awaitable<fallible<store::kept_mail>> find_dead() {
        auto mail = co_await find();
        if (mail && mail->state != store::mail_state::dead)
            co_return problem{"mail " + options_.id +
                              " is no dead letter: it is sent by itself, see `mail show`"};
        co_return mail;
    }

    [[nodiscard]] problem gone() const {
        return {"mail " + options_.id + " is no dead letter any more"};
    }

    store::outbox_admin admin_;
    int partitions_;
    const mail_options& options_;
    const settings& all_;
    std::ostream& out_;
};

awaitable<fallible<void>> perform(store::connection& redis, const mail_options& options,
                                  const settings& all, std::ostream& out) {
    system_random random;
    const auto opened = co_await open_keys(all.data_dir, redis, random, all.token_algorithm);
    if (!opened) co_return opened.error();
    mail_command command(redis, opened->data.partitions, options, all, out);
    co_return co_await command.run();
}

fallible<void> write_to_mailbox(const notify::mail& mail, const settings& all, std::ostream& out) {
    if (auto prepared = prepare_data_directory(all.data_dir); !prepared) return prepared;
    const auto directory = mailbox_directory(all);
    const auto written = notify::mailbox_transport(directory).submit(mail);
    if (!written) return problem{"the mail was not written: " + written.error().reason};
    out << "mail.url is not set: written to " << (directory / (mail.name + ".eml")).string()
        << '\n';
    return {};
}

fallible<void> send_test(const mail_options& options, const settings& all, std::ostream& out) {
    const auto address = core::email_address::parse(options.address);
    if (!address) return problem{options.address + " is not an e-mail address"};
    system_random random;
    const auto mail =
        notify::make_test_mail(identity_of(all), address->value(), random, system_clock_now());
    if (!mail) return problem{"no mail was made: " + std::string(to_string(mail.error()))};
    if (!all.mail.url) return write_to_mailbox(*mail, all, out);

    auto smtp = smtp_options_of(all);
    if (!smtp) return smtp.error();
    smtp->deadlines.final_reply = test_patience;
    smtp->transcript = [&out](std::string_view line) {
        out << notify::one_line(line, 1000) << std::endl; // while it goes on
    };
    out << "connecting to " << smtp->url->host << ":" << smtp->url->port
        << (smtp->url->implicit_tls ? " with TLS" : "") << std::endl;
    // The connection ends, with its QUIT, before the outcome is told.
    const auto sent = [&] { return notify::smtp_transport(*smtp).submit(*mail); }();
    if (!sent)
        return problem{"the relay did not take the mail (" +
                       std::string(to_string(sent.error().kind)) + "): " + sent.error().reason};
    out << "the relay has taken the mail " << mail->message_id << '\n';
    return {};
}

} // namespace

fallible<void> run_mail_command(const mail_options& options, const settings& all,
                                std::ostream& out) {
    // Its standard output is what was asked for, and its standard error for what needs attention.
    const logging log({std::max(all.log.level, log_level::warn), all.log.format});
    if (options.what == mail_action::test) return send_test(options, all, out);
    if (auto prepared = prepare_data_directory(all.data_dir); !prepared) return prepared;
    const auto redis = reach_redis(all, when_running::join);
    if (!redis) return redis.error();
    return run_with_redis(redis->address, "countersign-mail", [&](store::connection& connection) {
        return perform(connection, options, all, out);
    });
}

} // namespace countersign::app
