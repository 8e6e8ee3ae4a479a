#include "core/crypto/digest.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace countersign::core {

std::array<std::byte, 32> sha256(std::span<const std::byte> message) {
    std::array<std::byte, 32> out{};
    unsigned int size = 0;
    if (EVP_Digest(message.data(), message.size(), reinterpret_cast<unsigned char*>(out.data()),
                   &size, EVP_sha256(), nullptr) != 1 ||
        size != out.size())
        throw std::runtime_error("OpenSSL cannot compute SHA-256");
    return out;
}

} // namespace countersign::core
