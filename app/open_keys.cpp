#include "app/open_keys.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::chrono::milliseconds pause{100};

problem redis_problem(store::store_error error) {
    return {"Redis: " + std::string(store::to_string(error))};
}

// Whether accounts were ever kept in this Redis.
asio::awaitable<fallible<bool>> data_exists(store::connection& redis) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
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
        co_await timer.async_wait(asio::use_awaitable);
    }
}

} // namespace

asio::awaitable<fallible<opened_keys>>
open_keys(std::filesystem::path data_dir, store::connection& redis, core::random_source& random) {
    const auto exists = co_await data_exists(redis);
    if (!exists) co_return exists.error();
    auto keys = key_file::load_or_create(data_dir, *exists, random);
    if (!keys) co_return keys.error();

    const auto fingerprint = keys->fingerprint();
    store::metadata proposed;
    proposed.key_fingerprint = fingerprint;
    auto data = co_await store::read_or_create_metadata(redis, std::move(proposed));
    if (!data) co_return redis_problem(data.error());
    if (data->key_fingerprint != fingerprint)
        co_return problem{"the data in Redis was made with other keys than those in " +
                          (data_dir / "keys.json").string() +
                          ": put the right file back from a backup"};
    co_return opened_keys{*std::move(keys), *std::move(data)};
}

} // namespace countersign::app
