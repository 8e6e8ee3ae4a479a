#include "app/redis_access.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <utility>

namespace countersign::app {

namespace asio = boost::asio;

namespace {

bool is_listening(const store::redis_address& address) {
    asio::io_context context;
    asio::local::stream_protocol::socket socket(context);
    boost::system::error_code error;
    socket.connect(asio::local::stream_protocol::endpoint(address.unix_socket), error);
    return !error;
}

} // namespace

fallible<reached_redis> reach_redis(const settings& all, when_running running) {
    if (all.redis.url) {
        auto address = store::parse_redis_url(all.redis.url->reveal());
        if (address.has_error()) return problem{"redis.url is not usable: " + address.error()};
        return reached_redis{std::move(address).unsafe_value(), nullptr};
    }
    const auto directory = all.data_dir / "redis";
    auto address = store::managed_redis_address(directory);
    if (running != when_running::take_over && is_listening(address))
        return reached_redis{std::move(address), nullptr};
    if (running == when_running::join_only)
        return problem{"no server runs on data_dir " + all.data_dir.string() +
                       ": start `countersign serve` first, or set redis.url"};
    auto child = std::make_unique<store::managed_redis>(
        store::managed_redis_options{.directory = directory, .sync = all.redis.durability});
    address = child->address();
    return reached_redis{std::move(address), std::move(child)};
}

problem redis_problem(store::store_error error) {
    return {"Redis: " + std::string(store::to_string(error))};
}

} // namespace countersign::app
