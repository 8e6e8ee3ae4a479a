// Service keys: what a backend shows to use the service API. A key is told once, when it is made;
// stored is only its keyed hash.
//
// In Redis: `cs:index:key:<hash>` is a hash {id, name, scopes, created}; the hash `cs:keys` lists
// them, id -> {"hash","name","scopes","created","pepper"} as JSON; `pepper` is the id of the one
// that `hash` was made with, and is missing in entries of before peppers could be replaced. Scopes
// are separated by commas; `created` is RFC 3339.
#pragma once

#include "core/codes.hpp"
#include "core/crypto/secret.hpp"
#include "core/random.hpp"
#include "core/types.hpp"
#include "store/connection.hpp"
#include "store/event_loop.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::store {

enum class service_scope : std::uint8_t {
    verify,   // ask whether a code is right
    manage,   // make, change and delete subjects and their factors
    sessions, // open sessions for users whose first factor the backend has checked
    import,   // bring in subjects of another system
};
// Scopes separated by commas, without repetitions; at least one. The error is a sentence for the
// operator, which names an unknown scope.
[[nodiscard]] boost::system::result<std::vector<service_scope>, std::string>
parse_scopes(std::string_view text);
[[nodiscard]] std::string to_text(const std::vector<service_scope>& scopes);

struct service_key {
    std::string id; // 16 hexadecimal digits
    std::string name;
    std::vector<service_scope> scopes;
    std::string created; // RFC 3339
    // The id of the pepper under whose hash it is found; empty: the one that the data began with,
    // or not asked for.
    std::string pepper = {};
};

struct new_service_key {
    std::string id;
    core::secret_string key; // `csk_` and 43 characters of base64url: 256 random bits
};

// How a key is found: the hash that stands in `cs:index:key:<hash>`.
[[nodiscard]] std::string service_key_hash(const core::code_hasher& hasher, std::string_view key);

// Runs on the connection's executor; the connection, hasher and random source outlive the calls.
class service_keys {
public:
    service_keys(connection& redis, const core::code_hasher& hasher);

    // `name` is a valid display name (core::is_valid_display_name). After an error a key may be
    // listed that nobody was told: the log names its id, to revoke it.
    [[nodiscard]] awaitable<store_result<new_service_key>> create(std::string name,
                                                                  std::vector<service_scope> scopes,
                                                                  core::random_source& random,
                                                                  core::unix_time now);
    // The key that `presented` is, or none. Found by its keyed hash, so the time that this takes
    // tells nothing about the keys that there are. `presented` is only read until the first wait.
    // A key that is found under a pepper that hashes no longer is kept under the current one.
    [[nodiscard]] awaitable<store_result<std::optional<service_key>>>
    find(std::string_view presented);
    // Oldest first, with their peppers.
    [[nodiscard]] awaitable<store_result<std::vector<service_key>>> list();
    // False: there is no such key. After an error it can be repeated.
    [[nodiscard]] awaitable<store_result<bool>> revoke(std::string id);

private:
    // Puts the entry of a key under another hash, unless it is revoked or moved meanwhile. What
    // fails leaves it where it is.
    [[nodiscard]] awaitable<void> move(std::string id, std::string from, std::string to);

    [[nodiscard]] std::string index_name(const std::string& hash) const;

    connection& redis_;
    const core::code_hasher& hasher_;
    std::string index_prefix_;
};

} // namespace countersign::store
