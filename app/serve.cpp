#include "app/serve.hpp"

#include "app/data_directory.hpp"
#include "app/dev_mail_pages.hpp"
#include "app/mail_pipeline.hpp"
#include "app/open_keys.hpp"
#include "app/redis_access.hpp"
#include "app/run_with_redis.hpp"
#include "app/system.hpp"
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
        return open_keys(all.data_dir, redis, random);
    });
}

// Blocks until the program is asked to end. Made before any thread is, so that they all leave these
// signals to it.
class end_signal {
public:
    end_signal() : signals_(context_, SIGTERM, SIGINT) { std::signal(SIGPIPE, SIG_IGN); }
    void wait() {
        signals_.async_wait([](const boost::system::error_code&, int number) {
            spdlog::info("{}: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
        });
        context_.run();
    }

private:
    asio::io_context context_{1};
    asio::signal_set signals_;
};

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

net::password_pool make_password_pool(std::size_t threads) {
    system_random random;
    // One core is left to the network where there is more than one.
    const auto workers = std::max<std::size_t>(threads, 2) - 1;
    return {std::make_shared<core::argon2id_hasher>(core::argon2_parameters{}, random.hex(32)),
            {.threads = workers,
             .queue_max = workers * passwords_waiting_max,
             .deadline = password_patience}};
}

} // namespace

fallible<void> serve(const settings& all) {
    if (auto ready = prepare_data_directory(all.data_dir); !ready) return ready.error();
    auto lock = server_lock::acquire(all.data_dir);
    if (!lock) return lock.error();
    end_signal end;

    auto redis = reach_redis(all, when_running::take_over);
    if (!redis) return redis.error();
    auto opened = open_keys_now(all, redis->address);
    if (!opened) return opened.error();

    const auto threads = static_cast<std::size_t>(all.threads);
    net::server* listening = nullptr;
    shared_parts shared{.all = all,
                        .redis = redis->address,
                        .partitions = opened->data.partitions,
                        .keys = opened->keys.encryption_keys(),
                        .codes = opened->keys.code_hasher(),
                        .tokens = core::token_service(opened->keys.token_keys(), all.app.base_uri),
                        .passwords = make_password_pool(threads),
                        .now = system_clock_now,
                        .accepting = [&listening] { return listening->accepting(); },
                        .pages = dev_mail_pages(all)};

    std::unique_ptr<mail_pipeline> mails;
    if (all.mail.notifier) {
        auto started = mail_pipeline::start(all,
                                            {.redis = redis->address,
                                             .partitions = opened->data.partitions,
                                             .consumer = consumer_name("serve", all)},
                                            opened->keys.encryption_keys());
        if (!started) return started.error();
        mails = *std::move(started);
    }

    net::server server(
        {.address = all.listen.address,
         .port = all.listen.port,
         .threads = threads,
         .proxies = proxies_of(all)},
        [&shared](asio::io_context& context, std::size_t) { return make_worker(shared, context); });
    listening = &server;
    server.start();
    spdlog::info("listening on {}:{} with {} threads", all.listen.address, server.port(), threads);
    if (!shared.pages.empty())
        spdlog::info("mail.url is not set: mails are at http://{}:{}/dev/mail", all.listen.address,
                     server.port());
    end.wait();
    server.stop(drain_patience);
    return {};
}

fallible<void> run_notifier(const settings& all) {
    if (auto ready = prepare_data_directory(all.data_dir); !ready) return ready.error();
    if (!all.redis.url && !managed_redis_listens(all.data_dir))
        return problem{"no server runs on data_dir " + all.data_dir.string() +
                       ": start `countersign serve` first, or set redis.url"};
    auto slot = notifier_slot::acquire(all.data_dir);
    if (!slot) return slot.error();
    end_signal end;
    auto redis = reach_redis(all, when_running::join);
    if (!redis) return redis.error();
    auto opened = open_keys_now(all, redis->address);
    if (!opened) return opened.error();
    auto mails = mail_pipeline::start(
        all,
        {.redis = redis->address,
         .partitions = opened->data.partitions,
         .consumer = consumer_name("notify-" + std::to_string(slot->number()), all)},
        opened->keys.encryption_keys());
    if (!mails) return mails.error();
    spdlog::info("sending mails");
    end.wait();
    return {};
}

} // namespace countersign::app
