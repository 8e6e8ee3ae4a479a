// Keys that are the same in every run, for what must repeat itself.
#pragma once

#include "core/crypto/aead.hpp"
#include "core/crypto/secret.hpp"
#include "core/tokens.hpp"

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace countersign::tests {

[[nodiscard]] inline core::secret_key fixed_key(unsigned char value) {
    std::array<std::byte, 32> key{};
    key.fill(std::byte{value});
    return core::secret_key(std::move(key)); // NOLINT(performance-move-const-arg): wipes it
}

[[nodiscard]] inline core::key_ring fixed_key_ring() {
    std::vector<core::encryption_key> keys;
    keys.push_back({.id = "k1", .key = fixed_key(1)});
    return core::key_ring(std::move(keys));
}

[[nodiscard]] inline core::token_service fixed_token_service() {
    std::vector<core::signing_key> keys;
    keys.push_back({.id = "k1", .key = fixed_key(2)});
    return {core::derive_token_keys(keys), "https://id.example.org"};
}

} // namespace countersign::tests
