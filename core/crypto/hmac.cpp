#include "core/crypto/hmac.hpp"

#include "core/crypto/openssl_ptr.hpp"
#include "core/crypto/secret.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace countersign::core {
namespace {

constexpr auto inner_pad = std::byte{0x36}; // RFC 2104 section 2
constexpr auto outer_pad = std::byte{0x5c};

const char* openssl_name(hash_algorithm algorithm) {
    switch (algorithm) {
    case hash_algorithm::sha1:
        return "SHA1";
    case hash_algorithm::sha256:
        return "SHA256";
    case hash_algorithm::sha512:
        return "SHA512";
    }
    throw std::logic_error("not a hash_algorithm");
}

// Looking an algorithm up takes process-wide locks in OpenSSL 3, and its EVP_MAC copies three
// contexts on the heap for every message: several times what a digest over two blocks costs. So
// each thread keeps one context for each digest, and HMAC is two digests over it.
struct digest {
    explicit digest(hash_algorithm name)
        : algorithm(EVP_MD_fetch(nullptr, openssl_name(name), nullptr)), context(EVP_MD_CTX_new()) {
    }

    // Of `first` and then `second`. `out` has room for it; returns its length.
    std::size_t compute(std::span<const std::byte> first, std::span<const std::byte> second,
                        std::byte* out) const {
        unsigned int size = 0;
        if (!algorithm || !context ||
            EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) != 1 ||
            EVP_DigestUpdate(context.get(), first.data(), first.size()) != 1 ||
            EVP_DigestUpdate(context.get(), second.data(), second.size()) != 1 ||
            EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out), &size) != 1)
            throw std::runtime_error("OpenSSL failed to compute an HMAC");
        return size;
    }

    openssl_ptr<EVP_MD, EVP_MD_free> algorithm;
    openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free> context;
};

const digest& digest_of(hash_algorithm name) {
    thread_local const std::array<digest, 3> own{digest(hash_algorithm::sha1),
                                                 digest(hash_algorithm::sha256),
                                                 digest(hash_algorithm::sha512)};
    return own.at(static_cast<std::size_t>(name));
}

std::size_t block_size_of(hash_algorithm algorithm) {
    return algorithm == hash_algorithm::sha512 ? 128 : 64;
}

} // namespace

keyed_hmac::keyed_hmac(hash_algorithm algorithm, std::span<const std::byte> key)
    : algorithm_(algorithm) {
    if (key.size() > block_size_of(algorithm))
        digest_of(algorithm).compute(key, {}, padded_key_.data());
    else
        std::ranges::copy(key, padded_key_.begin());
}

keyed_hmac::~keyed_hmac() {
    wipe(padded_key_);
}

std::size_t keyed_hmac::compute(std::span<const std::byte> message,
                                std::span<std::byte, 64> out) const {
    const auto& with = digest_of(algorithm_);
    const auto block_size = block_size_of(algorithm_);
    std::array<std::byte, 128> block; // NOLINT: written before it is read
    const auto pad = [&](std::byte value) {
        std::ranges::transform(std::span(padded_key_).first(block_size), block.begin(),
                               [value](std::byte each) { return each ^ value; });
        return std::span<const std::byte>(block).first(block_size);
    };
    const auto inner = with.compute(pad(inner_pad), message, out.data());
    const auto size = with.compute(pad(outer_pad), out.first(inner), out.data());
    wipe(block);
    return size;
}

std::size_t hmac(hash_algorithm algorithm, std::span<const std::byte> key,
                 std::span<const std::byte> message, std::span<std::byte, 64> out) {
    return keyed_hmac(algorithm, key).compute(message, out);
}

std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                      std::span<const std::byte> message) {
    std::array<std::byte, 64> out{};
    hmac(hash_algorithm::sha256, key, message, out);
    std::array<std::byte, 32> code{};
    std::copy_n(out.begin(), code.size(), code.begin());
    return code;
}

} // namespace countersign::core
