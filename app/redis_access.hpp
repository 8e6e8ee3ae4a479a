// Which Redis a command talks to: the one that redis.url names, or the managed one of the data
// directory.
#pragma once

#include "app/problem.hpp"
#include "app/settings.hpp"
#include "store/connection.hpp"
#include "store/error.hpp"
#include "store/managed_redis.hpp"

#include <memory>

namespace countersign::app {

// A Redis to talk to, and the child that it is, if this process started one.
struct reached_redis {
    store::redis_address address;
    std::unique_ptr<store::managed_redis> child;
};

enum class when_running : std::uint8_t {
    take_over, // `serve`: whatever runs on the directory is a leftover, and ends
    join,      // commands beside a server: use its child
    join_only, // `notify`, which stays: a child of its own would keep the server from its data
};
// Starts the managed Redis if redis.url is not set and (for `join`) none runs yet; for `join_only`
// that none runs is a problem. Throws std::runtime_error with a sentence for the operator if it
// cannot start.
[[nodiscard]] fallible<reached_redis> reach_redis(const settings& all, when_running running);

[[nodiscard]] problem redis_problem(store::store_error error);

} // namespace countersign::app
