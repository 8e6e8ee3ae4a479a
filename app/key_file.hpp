// The server's own keys, `keys.json` in the data directory: what signs tokens, encrypts secrets at
// rest and keys the hashes of codes. Losing them locks users out, so they are never made anew over
// existing data.
#pragma once

#include "app/problem.hpp"
#include "core/codes.hpp"
#include "core/crypto/aead.hpp"
#include "core/random.hpp"
#include "core/tokens.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::app {

class key_file {
public:
    // Reads the file, or makes one (mode 0600) if there is none and no data either. `data_exists`
    // says whether accounts were made under keys that should be here. Each error names the file.
    [[nodiscard]] static fallible<key_file> load_or_create(const std::filesystem::path& data_dir,
                                                           bool data_exists,
                                                           core::random_source& random);

    // Each call gives copies of its own.
    [[nodiscard]] core::token_keys token_keys() const;
    [[nodiscard]] core::key_ring encryption_keys() const;
    [[nodiscard]] core::code_hasher code_hasher() const;

    // 32 hexadecimal digits that tell one pepper from another without showing it: the data
    // remembers under which it was made.
    [[nodiscard]] std::string fingerprint() const;

private:
    struct named_key {
        std::string id;
        core::secret_key key;
    };
    using ring = std::vector<named_key>; // the first is current

    key_file() = default;
    [[nodiscard]] static key_file generate(core::random_source& random);
    [[nodiscard]] static fallible<key_file> parse(std::string_view text);
    [[nodiscard]] core::secret_string serialized() const;

    std::array<ring, core::token_kind_count> tokens_;
    ring encryption_;
    named_key pepper_;
};

} // namespace countersign::app
