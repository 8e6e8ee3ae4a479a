#include "net/families/clara/credentials.hpp"

#include "core/crypto/encoding.hpp"
#include "net/evidence.hpp"

#include <algorithm>
#include <optional>

namespace countersign::net::clara {

namespace {

// RFC 4648 section 4, with its padding or without.
std::optional<std::string> from_base64(std::string_view text) {
    std::string url(text.substr(0, text.find_last_not_of('=') + 1));
    if (text.size() - url.size() > 2 || url.find_first_of("-_") != std::string::npos)
        return std::nullopt;
    std::ranges::replace(url, '+', '-');
    std::ranges::replace(url, '/', '_');
    const auto bytes = core::from_base64url(url);
    if (!bytes) return std::nullopt;
    return std::string(core::text_of(*bytes));
}

presented_credential read_basic(std::string_view text) {
    const auto pair = from_base64(text);
    if (!pair) return {};
    const auto colon = pair->find(':');
    if (colon == std::string::npos) return {};
    return basic_credentials{pair->substr(0, colon), pair->substr(colon + 1)};
}

} // namespace

presented_credential read_authorization(const request& request, const clara_keys& keys) {
    const auto value = request.authorization();
    if (value.empty()) return {};
    // Both are compared whatever the first says.
    const bool administers =
        keys.private_key != nullptr && !keys.private_key->reveal().empty() &&
        core::equal_in_constant_time(value, std::string_view(keys.private_key->reveal()));
    const bool asks = core::equal_in_constant_time(value, keys.public_key);
    if (administers) return api_key::of_administrators;
    if (asks) return api_key::of_clients;

    if (const auto token = credentials_of(request, "bearer"); token.starts_with(user_token_prefix))
        return user_token{token.substr(user_token_prefix.size())};
    if (const auto pair = credentials_of(request, "basic"); !pair.empty()) return read_basic(pair);
    return {};
}

} // namespace countersign::net::clara
