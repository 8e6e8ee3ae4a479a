// Encryption of secrets at rest: AES-256-GCM (NIST SP 800-38D) under a ring of keys, so that a key
// can be replaced while values sealed under older ones stay readable.
#pragma once

#include "core/crypto/secret.hpp"
#include "core/result.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

struct encryption_key {
    std::string id; // 1 to 64 of A-Z a-z 0-9 - _
    secret_key key;
    bool is_next = false; // opens only, and is to seal soon: other servers may do so already
};

enum class open_error {
    unknown_key,   // sealed under a key that is not in the ring
    malformed,     // not the text form that seal() makes
    not_authentic, // changed, cut, or sealed with other associated data
};

// Immutable after construction: const members may be called from any thread.
class key_ring {
public:
    // The first key seals; all open. Throws std::invalid_argument if there is no key, an id is not
    // of the allowed form, or an id appears twice.
    explicit key_ring(std::vector<encryption_key> keys);

    // `<key id>.<base64url(nonce | ciphertext | tag)>`. A nonce must never be used twice under one
    // key: hand in fresh random bytes.
    [[nodiscard]] std::string seal(std::string_view plaintext, std::string_view associated_data,
                                   std::array<std::byte, 12> nonce) const;
    [[nodiscard]] boost::system::result<secret_string, open_error>
    open(std::string_view sealed, std::string_view associated_data) const;
    // Whether `sealed` names the key that seal() uses now.
    [[nodiscard]] bool is_current(std::string_view sealed) const noexcept;
    // Whether it names one that seals no longer: then seal the value anew. Not one that is next.
    [[nodiscard]] bool is_outdated(std::string_view sealed) const noexcept;
    // The id of the key under which it is sealed, by its own words.
    [[nodiscard]] static std::string_view key_of(std::string_view sealed) noexcept {
        return sealed.substr(0, sealed.find('.'));
    }

private:
    std::vector<encryption_key> keys_;
};

} // namespace countersign::core
