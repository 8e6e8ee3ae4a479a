// What becomes of an account's secrets when keys are replaced: what is sealed under an older key is
// sealed anew, which any commit of the account does by the way; a keyed hash cannot be made anew
// without what it was made of, and stays as it is until its code, token or session ends.
#pragma once

#include "core/account.hpp"
#include "core/codes.hpp"
#include "core/crypto/aead.hpp"
#include "core/random.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace countersign::core {

// Seals anew what is sealed under a key that seals no longer. Whether that was anything; what
// cannot be opened stays as it is.
bool seal_anew(account& account, const key_ring& keys, random_source& random);

// Values by the id of the key under which they stand; "": under none that is known.
using count_by_key = std::map<std::string, std::uint64_t, std::less<>>;

// What still stands in accounts under each key.
struct account_key_use {
    count_by_key sealed;                                    // TOTP secrets
    count_by_key backup_codes, api_tokens, sessions, codes; // keyed hashes; `codes` are mailed ones
};
// Adds those of an account. Sessions and mailed codes whose time is over count for nothing.
void add_key_use(account_key_use& to, const account& account, const code_hasher& hasher,
                 unix_time now);

} // namespace countersign::core
