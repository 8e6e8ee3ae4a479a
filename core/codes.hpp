// One-time codes (mailed, backup) and keyed hashes: how they are made, and the only form in which
// they are stored.
#pragma once

#include "core/crypto/secret.hpp"
#include "core/random.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace countersign::core {

// Uniform among all codes of that many decimal digits (1 to 9), leading zeros included.
[[nodiscard]] std::string make_numeric_code(random_source& random, int digits);

// `length` characters, each uniform in `alphabet`, which must not be empty.
[[nodiscard]] std::string make_code(random_source& random, std::string_view alphabet,
                                    std::size_t length);

// Deterministic keyed hashes under a pepper that is not in the store. Immutable after construction:
// const members may be called from any thread.
class code_hasher {
public:
    explicit code_hasher(secret_key pepper);

    // base64url(HMAC-SHA256(pepper, domain NUL account NUL code)): a code is only ever looked up
    // together with the account that it belongs to (T-25). `domain` names the use and, like the
    // account's id, contains no NUL.
    [[nodiscard]] std::string hash(std::string_view domain, const account_id& account,
                                   std::string_view code) const;
    // Whether `stored` is the hash of `code`, in constant time.
    [[nodiscard]] bool matches(std::string_view stored, std::string_view domain,
                               const account_id& account, std::string_view code) const;
    // The stored form of a backup code; one of 16 hexadecimal digits means the same in either case.
    [[nodiscard]] std::string hash_backup_code(const account_id& account,
                                               std::string_view code) const;
    // The stored form of a backup code of another system, of which only the SHA-256 was known: made
    // of that digest in lower-case hexadecimal, and of the code when it is presented.
    [[nodiscard]] std::string hash_backup_digest(const account_id& account,
                                                 std::string_view digest) const;
    [[nodiscard]] std::string hash_imported_backup_code(const account_id& account,
                                                        std::string_view code) const;
    // 64 hexadecimal digits: the name of an index entry (e-mail to account, token to owner) that
    // does not show `value` to a reader of the store. Under a key of its own.
    [[nodiscard]] std::string index_key(std::string_view domain, std::string_view value) const;

private:
    secret_key pepper_;
    secret_key index_pepper_;
};

} // namespace countersign::core
