// The server's own keys, `keys.json` in the data directory: what signs tokens, encrypts secrets at
// rest and keys the hashes of codes. Losing them locks users out, so they are never made anew over
// existing data.
//
// Each list of keys is a ring: the first one is used, the others are still understood. A key comes
// in three steps, so that several servers never meet what they cannot read: it is *next* (in the
// file, understood, not used), then *current*, then *old*.
#pragma once

#include "app/problem.hpp"
#include "core/codes.hpp"
#include "core/crypto/aead.hpp"
#include "core/crypto/jws.hpp"
#include "core/random.hpp"
#include "core/tokens.hpp"
#include "core/types.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::app {

enum class key_state : std::uint8_t { current, next, old };
[[nodiscard]] std::string_view to_string(key_state state) noexcept;

// Which rings an operation is about.
struct key_groups {
    bool tokens = false, encryption = false, pepper = false;
    [[nodiscard]] bool any() const noexcept { return tokens || encryption || pepper; }
};

// A key without its secret.
struct key_description {
    std::string ring; // "encryption", "pepper", or the kind of token: "tokens.access"
    std::string id;
    key_state state = key_state::current;
    std::optional<core::unix_time> since; // since when it is used, or (next) there; if known
    std::optional<core::unix_time> until; // old: when its successor came; if known
    std::optional<core::token_kind> kind; // of tokens
    core::jws_algorithm algorithm = core::jws_algorithm::hs256; // of tokens
};

class key_file {
public:
    // Reads the file, or makes one (mode 0600) if there is none and no data either. `data_exists`
    // says whether accounts were made under keys that should be here. `access` is what a new file
    // signs access tokens with. Each error names the file.
    [[nodiscard]] static fallible<key_file>
    load_or_create(const std::filesystem::path& data_dir, bool data_exists,
                   core::random_source& random,
                   core::jws_algorithm access = core::jws_algorithm::hs256);
    // Reads the file, which is there.
    [[nodiscard]] static fallible<key_file> load(const std::filesystem::path& data_dir);
    // Puts these keys in the file's place, as a whole.
    [[nodiscard]] fallible<void> save(const std::filesystem::path& data_dir) const;

    // Each call gives copies of its own.
    [[nodiscard]] core::token_keys token_keys() const;
    [[nodiscard]] core::key_ring encryption_keys() const;
    [[nodiscard]] core::code_hasher code_hasher() const;

    // 32 hexadecimal digits that tell one pepper from another without showing it: the data
    // remembers under which it was made. Of the current pepper.
    [[nodiscard]] std::string fingerprint() const;
    // Of every pepper, the current one first; without those that are next if `used_only`.
    [[nodiscard]] std::vector<std::string> fingerprints(bool used_only = false) const;

    // Every key, ring by ring, each in its order.
    [[nodiscard]] std::vector<key_description> describe() const;
    [[nodiscard]] core::jws_algorithm access_algorithm() const;

    // Adds a key to each ring of the groups, to be used next; those of access tokens are of that
    // algorithm. The error says which ring is full, or has a key that is next already.
    [[nodiscard]] fallible<void> add_next(const key_groups& groups, core::jws_algorithm access,
                                          core::random_source& random, core::unix_time now);
    // What is next becomes current from `now` on. False: nothing is next.
    bool activate(core::unix_time now);
    // Takes an old key away. False: there is no such old key.
    bool drop(std::string_view ring, std::string_view id);

    // The keys between two files, for servers and threads that change over one after the other:
    // used are those that `from` uses, understood are those of both.
    [[nodiscard]] static key_file between(const key_file& from, const key_file& to);
    // Whether they have a key in common in each of encryption and pepper: of one origin.
    [[nodiscard]] static bool are_related(const key_file& one, const key_file& other);
    friend bool operator==(const key_file& one, const key_file& other);

    static constexpr std::size_t keys_max = 16;   // of a ring
    static constexpr std::size_t peppers_max = 3; // each costs a hash for each look-up

private:
    struct named_key {
        std::string id;
        core::secret_key key;
        core::jws_algorithm algorithm = core::jws_algorithm::hs256; // of tokens
        std::optional<core::unix_time> since;
        bool is_next = false;
        bool is_named = true; // of a pepper (core::pepper)

        [[nodiscard]] named_key clone() const;
    };
    using ring = std::vector<named_key>; // the first is current; what is next stands behind it
    static constexpr std::size_t encryption_place = core::token_kind_count;
    static constexpr std::size_t pepper_place = encryption_place + 1;

    key_file() = default;
    [[nodiscard]] static key_file generate(core::random_source& random, core::jws_algorithm access);
    [[nodiscard]] static fallible<key_file> parse(std::string_view text);
    [[nodiscard]] core::secret_string serialized() const;
    [[nodiscard]] static std::string name_of(std::size_t place);
    [[nodiscard]] static bool is_in(std::size_t place, const key_groups& groups) noexcept;
    [[nodiscard]] ring& tokens(core::token_kind kind);

    // By token_kind, then encryption and pepper.
    std::array<ring, core::token_kind_count + 2> rings_;
};

} // namespace countersign::app
