// Personal API tokens: `sb_` and 32 bytes in base64url, of which 16 name the account and 16 are
// random. The token names its account by itself, so that no index has to be kept or searched.
#pragma once

#include "core/account.hpp"
#include "core/codes.hpp"
#include "core/crypto/secret.hpp"
#include "core/decide/evidence.hpp"
#include "core/random.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace countersign::core {

struct new_api_token {
    secret_string text; // told once
    api_token stored;
};
// `name` is a display name.
[[nodiscard]] new_api_token make_api_token(const account_id& account, std::string name,
                                           const code_hasher& codes, random_source& random,
                                           unix_time now);

// Whose it is by its own words, and its hashes, of which one must stand in that account.
struct presented_api_token {
    account_id account;
    api_token_hash hash;
};
// Nullopt: the text is no API token.
[[nodiscard]] std::optional<presented_api_token> read_api_token(std::string_view text,
                                                                const code_hasher& codes);

} // namespace countersign::core
