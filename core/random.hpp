// Where random bytes come from. Core has no randomness of its own: callers hand in a source.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace countersign::core {

// A cryptographically secure source. Implementations: app's system source, and tests' seeded one.
// Not thread-safe unless the implementation says so; each server thread owns one.
class random_source {
public:
    virtual ~random_source() = default;
    // Fills `out` wholly or throws std::runtime_error; never returns weak bytes.
    virtual void fill(std::span<std::byte> out) = 0;

    template <std::size_t Size>
    [[nodiscard]] std::array<std::byte, Size> bytes() {
        std::array<std::byte, Size> out{};
        fill(out);
        return out;
    }
    // `bytes` random bytes as lower-case hexadecimal digits.
    [[nodiscard]] std::string hex(std::size_t bytes);
    // A version 4 UUID (RFC 9562 section 5.4).
    [[nodiscard]] std::string uuid();
    // Uniform in [0, bound): rejection sampling, no modulo bias. `bound` must not be zero.
    [[nodiscard]] std::uint32_t below(std::uint32_t bound);
};

} // namespace countersign::core
