// A real nginx or haproxy on loopback before a server, with the configuration that
// docs/operations.md shows. Throws std::runtime_error if the program does not start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace countersign::tests {

enum class proxy_kind { nginx, haproxy };

// A port of loopback that nobody listens on now.
[[nodiscard]] std::uint16_t unused_port();

class proxy {
public:
    // `upstream` is the server's port.
    proxy(proxy_kind kind, std::uint16_t upstream);
    ~proxy();
    proxy(const proxy&) = delete;
    proxy& operator=(const proxy&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // Requests with `words` in their request line that it has passed on so far, by its own log:
    // which is written when a request has ended.
    [[nodiscard]] std::size_t passed_on(std::string_view words = {}) const;
    // Requests that it has taken from the client with that port, passed on or not.
    [[nodiscard]] std::size_t requests_from(std::uint16_t port) const;
    [[nodiscard]] std::string log() const;

private:
    void start(const std::string& configuration);

    proxy_kind kind_;
    std::filesystem::path folder_;
    std::uint16_t port_;
    pid_t process_ = 0;
};

} // namespace countersign::tests
