// The embedded default: a private redis-server child on a Unix socket below the data directory,
// append-only file on, never two on one file. Same scripts and semantics as a given Redis.
#pragma once

#include "store/connection.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace countersign::store {

enum class durability : std::uint8_t {
    always,   // every acknowledged write is on disk (one fsync serves a whole batch)
    everysec, // up to two seconds of acknowledged writes can be lost
};

struct managed_redis_options {
    std::filesystem::path directory; // <data_dir>/redis; made with mode 0700
    durability sync = durability::always;
    std::string program = "redis-server";
    std::chrono::milliseconds start_deadline{15000}; // loading a large file takes time
    std::chrono::milliseconds stop_deadline{10000};  // from SIGTERM to SIGKILL
};

// The socket on which a managed Redis of this directory listens, if one runs now.
[[nodiscard]] redis_address managed_redis_address(const std::filesystem::path& directory);

// The constructor returns when the server answers; it throws std::runtime_error with a sentence for
// the operator if it cannot (program missing, directory not writable, in use by a live server, data
// damaged). Two locks tell a live server from a leftover: this object holds <directory>/owner, and
// the child holds <directory>/lock. A leftover of a killed server is ended first; two servers never
// run on one file. A child that dies is restarted. The destructor stops it (SIGTERM, then SIGKILL
// after `stop_deadline`); if this process is killed, the child stops by itself.
class managed_redis {
public:
    explicit managed_redis(managed_redis_options options);
    ~managed_redis();
    managed_redis(const managed_redis&) = delete;
    managed_redis& operator=(const managed_redis&) = delete;

    [[nodiscard]] redis_address address() const;
    [[nodiscard]] int process_id() const noexcept; // of the child now, for tests and logs

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::store
