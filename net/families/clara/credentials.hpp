// What a request to the Clara family shows in its Authorization field (contract section 1.1): an
// address and a password, a user token, or one of the two API keys, which stand there alone.
#pragma once

#include "core/crypto/secret.hpp"
#include "net/request.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace countersign::net::clara {

// Whoever holds them outlives the family. A key that is empty or absent opens nothing.
struct clara_keys {
    std::string_view public_key;
    const core::secret_string* private_key = nullptr;
};

// Before the JWS of a user token.
inline constexpr std::string_view user_token_prefix = "crazi_couser_";

enum class api_key : std::uint8_t { of_clients, of_administrators }; // public, private

struct basic_credentials {
    std::string address;
    std::string password; // what follows the first colon (RFC 7617 section 2)
};
struct user_token {
    std::string_view jws; // of the request; not yet verified
};

// std::monostate: none, or none that could be good.
using presented_credential = std::variant<std::monostate, basic_credentials, user_token, api_key>;

// Keys are compared in constant time. The result may view the request.
[[nodiscard]] presented_credential read_authorization(const request& request,
                                                      const clara_keys& keys);

} // namespace countersign::net::clara
