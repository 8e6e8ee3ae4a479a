// `countersign serve` as a real process, for tests and benchmarks: a data directory and a port of
// its own, everything that it logs kept. Throws std::runtime_error if it does not do as told.
#pragma once

#include "tests/support/http_client.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace countersign::tests {

// Settings by name, e.g. {{"policy.mail_cooldown", "0"}}.
using server_settings = std::map<std::string, std::string>;

class server_process {
public:
    // Returns when /health/ready says 200. IP limits are off unless the settings say otherwise.
    // `keys`: another server's file of keys, which serves the same Redis.
    explicit server_process(const std::filesystem::path& program, server_settings settings = {},
                            const std::filesystem::path& keys = {});
    // SIGTERM if it still runs; removes the data directory. Both the server and its managed Redis
    // are gone afterwards.
    ~server_process();
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;

    void kill();              // SIGKILL to the server; its managed Redis ends by itself
    [[nodiscard]] int stop(); // SIGTERM, waits; the exit status
    void start();             // again, after kill() or stop(), with the same data and port
    // From the next start on.
    void set(const std::string& name, std::string value) { settings_[name] = std::move(value); }
    // The managed Redis' process, for SIGKILL, SIGSTOP and SIGCONT.
    [[nodiscard]] pid_t redis_process() const;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::filesystem::path keys() const { return data_dir_ / "data" / "keys.json"; }
    // Where commands find its data: --data_dir, and --redis.url if it has one.
    [[nodiscard]] std::vector<std::string> data_options() const;
    // Over TLS if the settings have tls.certificate, which is not verified.
    [[nodiscard]] http_connection connect() const;
    [[nodiscard]] pid_t process() const noexcept { return process_; }
    [[nodiscard]] const std::filesystem::path& data_dir() const noexcept { return data_dir_; }
    // Everything written to standard output and error so far, over all starts.
    [[nodiscard]] std::string log() const;
    // Whether this is in the log, or is soon: it is written behind the replies.
    [[nodiscard]] bool has_logged(std::string_view text) const;
    // Seconds of processor time that the server, without its Redis, has used since its start.
    [[nodiscard]] double processor_seconds() const;

private:
    void start_on_a_free_port();
    void wait_until_ready();

    std::filesystem::path program_, data_dir_;
    server_settings settings_;
    std::uint16_t port_ = 0;
    pid_t process_ = 0; // 0: none runs
};

} // namespace countersign::tests
