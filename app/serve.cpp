#include "app/serve.hpp"

#include "app/clock_watch.hpp"
#include "app/data_directory.hpp"
#include "app/dev_mail_pages.hpp"
#include "app/keys_keeper.hpp"
#include "app/mail_pipeline.hpp"
#include "app/metrics_server.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
#include "app/tls_keeper.hpp"
#include "app/worker.hpp"
#include "core/crypto/password_hash.hpp"
#include "net/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// How long requests in hand may take after SIGTERM.
constexpr std::chrono::milliseconds drain_patience{10'000};
// Password checks waiting, per thread of the pool: at some 20 ms each, under three seconds.
constexpr std::size_t passwords_waiting_max = 128;
constexpr std::chrono::milliseconds password_patience{5'000};

fallible<opened_keys> open_keys_now(const settings& all, const store::redis_address& address) {
    system_random random;
    return run_with_redis(address, "countersign-start", [&](store::connection& redis) {
        return open_keys(all.data_dir, redis, random, all.token_algorithm);
    });
}

// Blocks until the program is asked to end. Made before any thread is, so that they all leave these
// signals to it.
class end_signal {
public:
    end_signal() : signals_(context_, SIGTERM, SIGINT) { std::signal(SIGPIPE, SIG_IGN); }
    void wait() {
        signals_.async_wait([this](const boost::system::error_code&, int number) {
            spdlog::info("{}: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
            context_.stop();
        });
        context_.run();
    }

    // What else the main thread does while it waits.
    [[nodiscard]] asio::io_context& context() noexcept { return context_; }

private:
    asio::io_context context_{1};
    asio::signal_set signals_;
};

void warn_of_algorithm(const settings& all, const key_file& keys) {
    if (keys.access_algorithm() == all.token_algorithm) return;
    spdlog::warn("the key of access tokens is of another algorithm than tokens.algorithm, and "
                 "stays in use until `countersign keys rotate --tokens --change-algorithm`");
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::string consumer_name(std::string_view role, const settings& all) {
    return std::string(role) + "@" + host_name() + ":" +
           std::filesystem::absolute(all.data_dir).string();
}

net::trusted_proxies proxies_of(const settings& all) {
    net::trusted_proxies blocks;
    for (const auto& text : all.trusted_proxies) {
        auto block = net::address_block::parse(text);
        // The configuration has checked them by the same rules.
        if (block.has_error()) throw std::logic_error("trusted_proxies: " + block.error());
        blocks.push_back(std::move(block).unsafe_value());
    }
    return blocks;
}

// Always, whether or not somebody reads it: it costs next to nothing.
counted_parts begin_counting(std::size_t threads, bool sends_mails) {
    counted_parts counted;
    for (std::size_t i = 0; i < threads; ++i)
        counted.threads.push_back(std::make_unique<net::thread_counters>());
    if (sends_mails) counted.mails = std::make_unique<mail_pipeline_counters>();
    return counted;
}

net::password_pool make_password_pool(const core::argon2_parameters& parameters,
                                      std::size_t threads) {
    system_random random;
    // One core is left to the network where there is more than one.
    const auto workers = std::max<std::size_t>(threads, 2) - 1;
    return {std::make_shared<core::argon2id_hasher>(parameters, random.hex(32)),
            {.threads = workers,
             .queue_max = workers * passwords_waiting_max,
             .deadline = password_patience}};
}

} // namespace

fallible<void> serve(const settings& all, notify::mail_theme theme) {
    if (auto ready = prepare_data_directory(all.data_dir); !ready) return ready.error();
    auto lock = server_lock::acquire(all.data_dir);
    if (!lock) return lock.error();
    end_signal end;
    keys_keeper keys(end.context(), all.data_dir);
    auto tls = tls_keeper::read(all, end.context());
    if (!tls) return tls.error();

    auto redis = reach_redis(all, when_running::take_over);
    if (!redis) return redis.error();
    auto opened = open_keys_now(all, redis->address);
    if (!opened) return opened.error();

    warn_of_algorithm(all, opened->keys);
    keys.begin_with(std::move(opened->keys));

    const auto threads = static_cast<std::size_t>(all.threads);
    auto counted = begin_counting(threads, all.mail.notifier);
    net::server* listening = nullptr;
    shared_parts shared{.all = all,
                        .redis = redis->address,
                        .partitions = opened->data.partitions,
                        .keys = keys,
                        .passwords = make_password_pool(all.password, threads),
                        .now = system_clock_now,
                        .accepting = [&listening] { return listening->accepting(); },
                        .pages = dev_mail_pages(all),
                        .counters = counted.threads};
    counted.passwords = &shared.passwords.counters();
    counted.clock = std::make_unique<clock_counters>();
    const auto metrics =
        metrics_server::start(all, redis->address, opened->data.partitions, counted);
    if (!metrics) return metrics.error();

    std::unique_ptr<mail_pipeline> mails;
    if (all.mail.notifier) {
        auto started = mail_pipeline::start(all,
                                            {.redis = redis->address,
                                             .partitions = opened->data.partitions,
                                             .consumer = consumer_name("serve", all),
                                             .counted = *counted.mails},
                                            keys, std::move(theme));
        if (!started) return started.error();
        mails = *std::move(started);
    }

    net::server server({.address = all.listen.address,
                        .port = all.listen.port,
                        .threads = threads,
                        .proxies = proxies_of(all),
                        .tls = tls->identity(),
                        .counters = counted.connections()},
                       [&shared](asio::io_context& context, std::size_t thread) {
                           return make_worker(shared, context, thread);
                       });
    listening = &server;
    server.start();
    spdlog::info("listening on {}:{} with {} threads{}", all.listen.address, server.port(), threads,
                 all.tls.on() ? ", under TLS" : "");
    if (!shared.pages.empty())
        spdlog::info("mail.url is not set: mails are at {}://{}:{}/dev/mail",
                     all.tls.on() ? "https" : "http", all.listen.address, server.port());
    tls->keep(server);
    keys.keep();
    clock_watch clock(end.context(), redis->address, system_clock_now, *counted.clock);
    clock.keep();
    end.wait();
    server.stop(drain_patience);
    shared.passwords.stop();
    return {};
}

fallible<void> run_notifier(const settings& all, notify::mail_theme theme) {
    if (auto ready = prepare_data_directory(all.data_dir); !ready) return ready.error();
    auto slot = notifier_slot::acquire(all.data_dir);
    if (!slot) return slot.error();
    end_signal end;
    keys_keeper keys(end.context(), all.data_dir);
    auto redis = reach_redis(all, when_running::join_only);
    if (!redis) return redis.error();
    auto opened = open_keys_now(all, redis->address);
    if (!opened) return opened.error();
    keys.begin_with(std::move(opened->keys));
    const auto counted = begin_counting(0, true);
    const auto metrics =
        metrics_server::start(all, redis->address, opened->data.partitions, counted);
    if (!metrics) return metrics.error();
    auto mails = mail_pipeline::start(
        all,
        {.redis = redis->address,
         .partitions = opened->data.partitions,
         .consumer = consumer_name("notify-" + std::to_string(slot->number()), all),
         .counted = *counted.mails},
        keys, std::move(theme));
    if (!mails) return mails.error();
    spdlog::info("sending mails");
    keys.keep();
    end.wait();
    return {};
}

} // namespace countersign::app
