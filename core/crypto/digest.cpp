#include "core/crypto/digest.hpp"

#include "core/crypto/openssl_ptr.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace countersign::core {

namespace {

// As hmac.cpp's: looking an algorithm up costs more than a short digest.
struct sha256_context {
    openssl_ptr<EVP_MD, EVP_MD_free> algorithm{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
    openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free> context{EVP_MD_CTX_new()};
};

} // namespace

std::array<std::byte, 32> sha256(std::span<const std::byte> message) {
    thread_local const sha256_context own;
    std::array<std::byte, 32> out{};
    unsigned int size = 0;
    if (!own.algorithm || !own.context ||
        EVP_DigestInit_ex2(own.context.get(), own.algorithm.get(), nullptr) != 1 ||
        EVP_DigestUpdate(own.context.get(), message.data(), message.size()) != 1 ||
        EVP_DigestFinal_ex(own.context.get(), reinterpret_cast<unsigned char*>(out.data()),
                           &size) != 1 ||
        size != out.size())
        throw std::runtime_error("OpenSSL cannot compute SHA-256");
    return out;
}

} // namespace countersign::core
