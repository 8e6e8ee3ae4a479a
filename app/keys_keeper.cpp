#include "app/keys_keeper.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

// The ids of what is used, for the log.
std::string current_of(const key_file& keys) {
    std::string text;
    for (const auto& key : keys.describe())
        if (key.state == key_state::current)
            text += (text.empty() ? "" : ", ") + key.ring + " " + key.id;
    return text;
}

} // namespace

struct keys_keeper::state : std::enable_shared_from_this<state> {
    state(asio::io_context& main_context, std::filesystem::path directory)
        : context(main_context), data_dir(std::move(directory)), hangups(context, SIGHUP) {}

    struct thread {
        asio::any_io_executor executor;
        taker take;
    };

    void wait_for_hangup() {
        hangups.async_wait([self = weak_from_this()](const boost::system::error_code& error, int) {
            const auto own = self.lock();
            if (error || !own) return;
            own->reload();
            own->wait_for_hangup();
        });
    }

    void reload() {
        if (is_changing_over) {
            is_asked_again = true;
            return;
        }
        auto read = key_file::load(data_dir);
        if (!read) {
            spdlog::error("SIGHUP: {}; the keys in use stay", read.error().sentence);
            return;
        }
        if (*read == *keys) return;
        if (!key_file::are_related(*keys, *read)) {
            spdlog::error("SIGHUP: {} has other keys than those in use, which stay",
                          (data_dir / "keys.json").string());
            return;
        }
        is_changing_over = true;
        auto fresh = std::make_shared<const key_file>(*std::move(read));
        auto between = std::make_shared<const key_file>(key_file::between(*keys, *fresh));
        give(std::move(between), [this, fresh = std::move(fresh)] {
            give(fresh, [this, fresh] { end_change(fresh); });
        });
    }

    void end_change(const shared_keys& fresh) {
        keys = fresh;
        spdlog::info("SIGHUP: keys.json is read again, every thread uses {}", current_of(*keys));
        is_changing_over = false;
        if (std::exchange(is_asked_again, false)) reload();
    }

    // Calls `done` on the main thread when every thread has taken the keys.
    void give(shared_keys given, std::function<void()> done) {
        const auto waiting = std::make_shared<std::size_t>(threads.size());
        for (const auto& each : threads)
            asio::post(each.executor,
                       [this, self = shared_from_this(), take = each.take, given, waiting, done] {
                           take(given);
                           asio::post(context, [self, waiting, done] {
                               if (--*waiting == 0) done();
                           });
                       });
    }

    asio::io_context& context;
    std::filesystem::path data_dir;
    asio::signal_set hangups;
    shared_keys keys;            // of the main thread, after begin_with()
    std::vector<thread> threads; // complete before keep()
    std::mutex adding;
    bool is_changing_over = false, is_asked_again = false;
};

keys_keeper::keys_keeper(asio::io_context& context, std::filesystem::path data_dir)
    : state_(std::make_shared<state>(context, std::move(data_dir))) {}

keys_keeper::~keys_keeper() = default;

void keys_keeper::begin_with(key_file opened) {
    state_->keys = std::make_shared<const key_file>(std::move(opened));
}

keys_keeper::shared_keys keys_keeper::in_use() const {
    return state_->keys;
}

void keys_keeper::add(asio::any_io_executor thread, taker take) {
    const std::lock_guard lock(state_->adding);
    state_->threads.push_back({std::move(thread), std::move(take)});
}

void keys_keeper::keep() {
    state_->wait_for_hangup();
}

} // namespace countersign::app
