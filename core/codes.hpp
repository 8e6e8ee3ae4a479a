// One-time codes (mailed, backup) and keyed hashes: how they are made, and the only form in which
// they are stored.
#pragma once

#include "core/crypto/secret.hpp"
#include "core/random.hpp"
#include "core/types.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// Uniform among all codes of that many decimal digits (1 to 9), leading zeros included.
[[nodiscard]] std::string make_numeric_code(random_source& random, int digits);

// `length` characters, each uniform in `alphabet`, which must not be empty.
[[nodiscard]] std::string make_code(random_source& random, std::string_view alphabet,
                                    std::size_t length);

struct pepper {
    std::string id; // 1 to 64 of A-Z a-z 0-9 - _
    secret_key key;
    // Whether its hashes begin with `<id>.`. Those of the pepper that data began with do not, as
    // before peppers could be replaced.
    bool is_named = true;
    bool is_next = false; // as encryption_key::is_next
};

// Deterministic keyed hashes under a ring of peppers that are not in the store: a pepper can be
// replaced while what was hashed under older ones stays verifiable. Immutable after construction:
// const members may be called from any thread.
class code_hasher {
public:
    // One pepper, whose hashes are not named.
    explicit code_hasher(secret_key pepper);
    // The first one hashes; what any of them made matches. Throws std::invalid_argument if there is
    // none, an id is not of the allowed form, or an id appears twice.
    explicit code_hasher(std::vector<pepper> peppers);

    // base64url(HMAC-SHA256(pepper, domain NUL account NUL code)): a code is only ever looked up
    // together with the account that it belongs to (T-25). `domain` names the use and, like the
    // account's id, contains no NUL.
    [[nodiscard]] std::string hash(std::string_view domain, const account_id& account,
                                   std::string_view code) const;
    // The same under each pepper, in the ring's order.
    [[nodiscard]] std::vector<std::string>
    hashes(std::string_view domain, const account_id& account, std::string_view code) const;
    // Whether `stored` is the hash of `code` under any of the peppers, in constant time.
    [[nodiscard]] bool matches(std::string_view stored, std::string_view domain,
                               const account_id& account, std::string_view code) const;
    // The stored form of a backup code, of the first 128 bits of such a hash: an account keeps up
    // to fifty of them, and nobody can guess 128 bits. A code of 16 hexadecimal digits means the
    // same in either case.
    [[nodiscard]] std::string hash_backup_code(const account_id& account,
                                               std::string_view code) const;
    // The stored form of a backup code of another system, of which only the SHA-256 was known: made
    // of that digest in lower-case hexadecimal, and of the code when it is presented.
    [[nodiscard]] std::string hash_backup_digest(const account_id& account,
                                                 std::string_view digest) const;
    // Every form in which a backup code that is presented may be stored: its own and that of its
    // digest, under each pepper, and both of whole hashes, as they once were.
    [[nodiscard]] std::vector<std::string> stored_forms_of_backup_code(const account_id& account,
                                                                       std::string_view code) const;
    // 64 hexadecimal digits: the name of an index entry (e-mail to account, token to owner) that
    // does not show `value` to a reader of the store. Under a key of its own.
    [[nodiscard]] std::string index_key(std::string_view domain, std::string_view value) const;
    // The same under each pepper, in the ring's order.
    [[nodiscard]] std::vector<std::string> index_keys(std::string_view domain,
                                                      std::string_view value) const;

    // The id of the pepper under which a hash was made, by its own words; empty: under none of
    // these.
    [[nodiscard]] std::string_view pepper_of(std::string_view stored) const noexcept;
    // In the ring's order.
    [[nodiscard]] std::vector<std::string> pepper_ids() const;
    // Whether the pepper at that place of the ring hashes no longer; not one that is next.
    [[nodiscard]] bool is_outdated(std::size_t place) const noexcept {
        return place > 0 && !ring_[place].made_of.is_next;
    }

private:
    struct entry {
        pepper made_of;
        secret_key index_key;
    };
    [[nodiscard]] static std::string spelt(const entry& one, std::span<const std::byte> hash);
    [[nodiscard]] static std::string hash_under(const entry& one, std::string_view message,
                                                std::size_t size = whole_hash);
    [[nodiscard]] std::string hash_shortly(std::string_view domain, const account_id& account,
                                           std::string_view code) const;
    static constexpr std::size_t whole_hash = 32, backup_hash = 16; // bytes

    std::vector<entry> ring_;
};

} // namespace countersign::core
