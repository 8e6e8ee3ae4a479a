// A real private redis-server for one test: on a Unix socket in a directory of its own, ended with
// the object. Everything throws std::runtime_error if the server does not do as told.
#pragma once

#include "store/connection.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace countersign::tests {

enum class append_only { off, always };

class redis_server {
public:
    // Returns when the server answers. `settings` are further arguments of redis-server, e.g.
    // {"--maxmemory", "1mb"}.
    explicit redis_server(append_only durability = append_only::off,
                          std::vector<std::string> settings = {});
    ~redis_server();
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;

    // SIGKILL: what was not on disk is gone.
    void kill();
    // Starts it again, after kill(), in the same directory.
    void restart();
    // SIGSTOP and SIGCONT: it keeps its connections and says nothing.
    void pause();
    void resume();

    [[nodiscard]] store::redis_address address() const;

private:
    void start();
    void wait_until_it_answers() const;

    append_only durability_;
    std::vector<std::string> settings_;
    std::filesystem::path directory_;
    pid_t process_ = 0; // 0: none runs
};

} // namespace countersign::tests
