#include "core/crypto/secret.hpp"

#include <openssl/crypto.h>

namespace countersign::core {

void wipe(std::span<std::byte> memory) noexcept {
    OPENSSL_cleanse(memory.data(), memory.size());
}

void wipe(std::string& value) noexcept {
    value.resize(value.capacity()); // never reallocates: bytes behind size() may be secret too
    OPENSSL_cleanse(value.data(), value.size());
    value.clear();
}

void wipe(std::vector<std::byte>& value) noexcept {
    value.resize(value.capacity());
    OPENSSL_cleanse(value.data(), value.size());
    value.clear();
}

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
    return equal_in_constant_time(std::as_bytes(std::span(left)), std::as_bytes(std::span(right)));
}

bool equal_in_constant_time(std::span<const std::byte> left,
                            std::span<const std::byte> right) noexcept {
    return left.size() == right.size() &&
           (left.empty() || CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0);
}

} // namespace countersign::core
