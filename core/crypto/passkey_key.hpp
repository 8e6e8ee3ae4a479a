// The public keys of passkeys (COSE, RFC 9052) and what is signed with them. libfido2 reads the
// keys and verifies; what a relying party makes of the answer is core/webauthn's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace countersign::core {

// The signatures that are taken, in the order in which they are asked for.
enum class passkey_algorithm : std::uint8_t { es256, eddsa, rs256 };
inline constexpr std::array passkey_algorithms{passkey_algorithm::es256, passkey_algorithm::eddsa,
                                               passkey_algorithm::rs256};
// Its number in the registry of COSE, and back.
[[nodiscard]] std::int64_t cose_number(passkey_algorithm algorithm) noexcept;
[[nodiscard]] std::optional<passkey_algorithm> passkey_algorithm_from(std::int64_t cose) noexcept;

// What an authenticator signs: its own data and the hash of the client's.
struct signed_by_authenticator {
    const std::string& rp_id;
    std::span<const std::byte> authenticator_data; // walked before (core/crypto/cbor)
    std::array<std::byte, 32> client_data_hash;    // SHA-256
};

// The key that attested credential data carries, in libfido2's form: a point, or modulus and
// exponent. Nullopt: there is none, it is of another algorithm, or it is no such key.
[[nodiscard]] std::optional<std::string> attested_key(std::span<const std::byte> authenticator_data,
                                                      passkey_algorithm algorithm);

// Whether `signature` was made over `what` with the private half of the key, which attested_key()
// gave.
[[nodiscard]] bool is_signed_with(passkey_algorithm algorithm, std::span<const std::byte> key,
                                  const signed_by_authenticator& what,
                                  std::span<const std::byte> signature);

// Whether a `packed` attestation statement without certificates was made with the very key that the
// authenticator data carries (WebAuthn Level 3 section 8.2).
[[nodiscard]] bool is_self_attested(passkey_algorithm algorithm,
                                    std::span<const std::byte> statement,
                                    const signed_by_authenticator& what);

} // namespace countersign::core
