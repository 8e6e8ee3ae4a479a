// Plain and TLS: what holds for a connection holds for both, and tests ask both.
#pragma once

#include "net/server.hpp"
#include "net/tls_identity.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/http_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace countersign::tests {

enum class transport { plain, tls };

inline void PrintTo(transport over, std::ostream* out) {
    *out << (over == transport::plain ? "Plain" : "Tls");
}

[[nodiscard]] inline net::tls_identity identity_of(const certificate_files& files) {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    auto parsed = net::tls_identity::parse(read_all(files.certificate), read_all(files.key), now);
    if (parsed.has_error()) throw std::runtime_error(parsed.error().sentence);
    return std::move(parsed).value();
}

// One for all tests of the process.
[[nodiscard]] inline const net::tls_identity& any_identity() {
    static const net::tls_identity made = [] {
        const temporary_directory folder;
        return identity_of(certificate_authority(folder.path()).issue());
    }();
    return made;
}

[[nodiscard]] inline net::server_options on(transport over, net::server_options options) {
    if (over == transport::tls) options.tls = any_identity();
    return options;
}

[[nodiscard]] inline http_connection connect(std::uint16_t port, transport over) {
    return over == transport::tls ? http_connection(port, tls_wish{}) : http_connection(port);
}

class OverBoth : public testing::TestWithParam<transport> {};

} // namespace countersign::tests
