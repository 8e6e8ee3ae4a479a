// HMAC (RFC 2104) over SHA-1, SHA-256 and SHA-512: the one keyed hash under TOTP, tokens and codes.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace countersign::core {

enum class hash_algorithm { sha1, sha256, sha512 };

// A key for several messages, wiped with it.
class keyed_hmac {
public:
    // Throws std::runtime_error if OpenSSL fails, as compute() does.
    keyed_hmac(hash_algorithm algorithm, std::span<const std::byte> key);
    ~keyed_hmac();
    keyed_hmac(const keyed_hmac&) = delete;
    keyed_hmac& operator=(const keyed_hmac&) = delete;

    // As hmac().
    std::size_t compute(std::span<const std::byte> message, std::span<std::byte, 64> out) const;

private:
    hash_algorithm algorithm_;
    std::array<std::byte, 128> padded_key_{}; // to the digest's block, with zeros
};

// Writes the code to the front of `out` and returns its length: 20, 32 or 64 bytes. Thread-safe:
// each thread keeps a context of its own. Throws std::runtime_error if OpenSSL fails.
std::size_t hmac(hash_algorithm algorithm, std::span<const std::byte> key,
                 std::span<const std::byte> message, std::span<std::byte, 64> out);

[[nodiscard]] std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                                    std::span<const std::byte> message);

} // namespace countersign::core
