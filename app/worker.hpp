// What one server thread has of its own: a connection to Redis, accounts, randomness, the families.
// Nothing of it is shared with another thread.
#pragma once

#include "app/keys_keeper.hpp"
#include "app/settings.hpp"
#include "net/counters.hpp"
#include "net/dispatcher.hpp"
#include "net/families_dispatcher.hpp"
#include "net/password_pool.hpp"
#include "store/connection.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace countersign::app {

// What all threads use and none changes, but by keys_keeper's rules; outlives them.
struct shared_parts {
    const settings& all;
    store::redis_address redis;
    int partitions = 0;
    keys_keeper& keys;
    net::password_pool passwords;
    std::function<core::unix_time()> now;
    std::function<bool()> accepting; // whether the server takes new connections
    std::vector<net::page> pages;    // beside the health pages and those about the API
    std::vector<std::unique_ptr<net::thread_counters>>& counters; // of each thread

    // Those about the API, made of the first thread's families; every thread has the same.
    std::once_flag documented;
    std::vector<net::page> documentation;
};

[[nodiscard]] std::unique_ptr<net::dispatcher>
make_worker(shared_parts& shared, boost::asio::io_context& context, std::size_t thread);

} // namespace countersign::app
