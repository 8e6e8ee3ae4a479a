// The system's randomness and its clock: the only places where core's arguments `random` and `now`
// come from.
#pragma once

#include "core/random.hpp"
#include "core/types.hpp"

#include <array>
#include <cstddef>

namespace countersign::app {

// OpenSSL's generator, seeded by the kernel. Thread-safe, also after a fork.
class system_random final : public core::random_source {
public:
    void fill(std::span<std::byte> out) override;
};

// The same bytes, drawn from the system's generator a kilobyte at a time: a request asks for a few
// bytes several times, and each draw has a price. What was handed out is wiped. Owned by one
// thread.
class buffered_random final : public core::random_source {
public:
    explicit buffered_random(core::random_source& source) : source_(source) {}
    ~buffered_random() override;
    buffered_random(const buffered_random&) = delete;
    buffered_random& operator=(const buffered_random&) = delete;

    void fill(std::span<std::byte> out) override;

private:
    core::random_source& source_;
    std::array<std::byte, 1024> buffer_{};
    std::size_t used_ = sizeof(buffer_);
};

[[nodiscard]] core::unix_time system_clock_now() noexcept;

} // namespace countersign::app
