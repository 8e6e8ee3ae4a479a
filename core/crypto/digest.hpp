// SHA-256 (FIPS 180-4) of values that need no key.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace countersign::core {

// Throws std::runtime_error if OpenSSL fails.
[[nodiscard]] std::array<std::byte, 32> sha256(std::span<const std::byte> message);

} // namespace countersign::core
