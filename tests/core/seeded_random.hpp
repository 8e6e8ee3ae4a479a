// A random source that repeats itself for a seed: for tests only.
#pragma once

#include "core/random.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace countersign::tests {

class seeded_random final : public core::random_source {
public:
    explicit seeded_random(std::uint64_t seed) : engine_(seed) {}

    void fill(std::span<std::byte> out) override {
        for (std::byte& byte : out) {
            byte = static_cast<std::byte>(engine_() & 0xffU);
        }
    }

private:
    std::mt19937_64 engine_;
};

} // namespace countersign::tests
