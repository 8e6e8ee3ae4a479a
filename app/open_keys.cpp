#include "app/open_keys.hpp"

#include "app/redis_access.hpp"
#include "store/event_loop.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::chrono::milliseconds pause{100};

// Whether accounts were ever kept in this Redis.
awaitable<fallible<bool>> data_exists(store::connection& redis) {
    steady_timer timer(co_await asio::this_coro::executor);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        std::vector<std::string> exists{"EXISTS", "cs:meta"};
        const auto reply = co_await redis.command(std::move(exists));
        if (reply) {
            const auto* count = reply->integer();
            co_return count != nullptr && *count > 0;
        }
        if (std::chrono::steady_clock::now() >= deadline) co_return redis_problem(reply.error());
        timer.expires_after(pause);
        co_await timer.async_wait(asio::deferred);
    }
}

constexpr char between_fingerprints = ',';

std::string joined(const std::vector<std::string>& fingerprints) {
    std::string text;
    for (const auto& one : fingerprints)
        (text += text.empty() ? "" : std::string(1, between_fingerprints)) += one;
    return text;
}

// Whether each of the remembered fingerprints is one of these keys'.
bool are_all_of(std::string_view remembered, const key_file& keys) {
    const auto own = keys.fingerprints();
    for (std::size_t begin = 0; begin <= remembered.size();) {
        const auto end = std::min(remembered.find(between_fingerprints, begin), remembered.size());
        if (std::ranges::find(own, remembered.substr(begin, end - begin)) == own.end())
            return false;
        begin = end + 1;
    }
    return true;
}

} // namespace

awaitable<fallible<opened_keys>> open_keys(std::filesystem::path data_dir, store::connection& redis,
                                           core::random_source& random,
                                           core::jws_algorithm access) {
    const auto exists = co_await data_exists(redis);
    if (!exists) co_return exists.error();
    auto keys = key_file::load_or_create(data_dir, *exists, random, access);
    if (!keys) co_return keys.error();

    store::metadata proposed;
    proposed.key_fingerprint = joined(keys->fingerprints(true));
    auto data = co_await store::read_or_create_metadata(redis, std::move(proposed));
    if (!data) co_return redis_problem(data.error());
    if (!are_all_of(data->key_fingerprint, *keys))
        co_return problem{"the data in Redis was made with other keys than those in " +
                          (data_dir / "keys.json").string() +
                          ": put the right file back from a backup"};
    // Whoever replaced the pepper died before the data knew.
    if (data->key_fingerprint.find(keys->fingerprint()) == std::string::npos) {
        const auto remembered = co_await remember_peppers(redis, *keys);
        if (!remembered) co_return remembered.error();
    }
    co_return opened_keys{*std::move(keys), *std::move(data)};
}

awaitable<fallible<void>> remember_peppers(store::connection& redis, const key_file& keys) {
    const auto written =
        co_await store::write_key_fingerprint(redis, joined(keys.fingerprints(true)));
    if (!written) co_return redis_problem(written.error());
    co_return fallible<void>();
}

} // namespace countersign::app
