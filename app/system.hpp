// The system's randomness and its clock: the only places where core's arguments `random` and `now`
// come from.
#pragma once

#include "core/random.hpp"
#include "core/types.hpp"

namespace countersign::app {

// OpenSSL's generator, seeded by the kernel. Thread-safe, also after a fork.
class system_random final : public core::random_source {
public:
    void fill(std::span<std::byte> out) override;
};

[[nodiscard]] core::unix_time system_clock_now() noexcept;

} // namespace countersign::app
