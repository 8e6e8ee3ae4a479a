// Signed tokens: JWS compact serialisation (RFC 7515) with HS256, or EdDSA over Ed25519 (RFC 8037),
// read as RFC 8725 advises: the algorithm belongs to the key, the type is explicit, and nothing in
// a header is followed.
#pragma once

#include "core/crypto/secret.hpp"
#include "core/result.hpp"

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

inline constexpr std::size_t jws_size_max_bytes = 4096;

enum class jws_algorithm : std::uint8_t { hs256, eddsa };

struct signing_key {
    std::string id; // 1 to 64 of A-Z a-z 0-9 - _
    secret_key key; // of EdDSA: the seed of RFC 8032 section 5.1.5
    jws_algorithm algorithm = jws_algorithm::hs256;
};

// What others need to verify what a key of EdDSA has signed.
struct verifying_key {
    std::string id;
    std::array<std::byte, 32> point; // as RFC 8032 section 5.1.2 encodes it
};

enum class jws_error {
    malformed, // not three parts, not base64url, not JSON, too long, or foreign header members
    wrong_algorithm, // `alg` is not exactly that of the key, or none of ours
    wrong_type,      // `typ` is not exactly the expected one
    unknown_key,     // `kid` is not in the ring
    bad_signature,
};

// Immutable after construction: const members may be called from any thread.
class jws_key_ring {
public:
    // The first key signs; all verify. Throws std::invalid_argument if there is no key, an id is
    // not of the allowed form, or an id appears twice.
    explicit jws_key_ring(std::vector<signing_key> keys);

    // `type` is the program's own constant and needs no escaping in JSON. Throws std::length_error
    // if the token would be longer than verify() takes.
    [[nodiscard]] std::string sign(std::string_view type, std::string_view payload_json) const;
    // The payload, signed but not otherwise looked at.
    [[nodiscard]] boost::system::result<std::string, jws_error>
    verify(std::string_view token, std::string_view expected_type) const;

    // Of the keys of EdDSA, in the ring's order.
    [[nodiscard]] std::vector<verifying_key> verifying_keys() const;

private:
    std::vector<signing_key> keys_;
    std::vector<std::shared_ptr<EVP_PKEY>> pairs_; // of each key; null: it is of HS256
};

} // namespace countersign::core
