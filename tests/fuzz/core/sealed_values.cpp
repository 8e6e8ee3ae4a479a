// Secrets at rest (core/crypto/aead): what is sealed opens for its own use only, and what we did
// not seal does not open. The input's records: a sealed text, a value, its use.
#include "core/crypto/aead.hpp"
#include "tests/fuzz/target.hpp"

#include <array>

namespace countersign::fuzz {
namespace {

core::key_ring make_ring() {
    std::vector<core::encryption_key> keys;
    std::array<std::byte, 32> key{};
    key.fill(std::byte{9});
    keys.push_back({.id = "k1", .key = core::secret_key(std::move(key))});
    return core::key_ring(std::move(keys));
}

void sealed_values(std::string_view input) {
    static const auto ring = make_ring();
    records in(input);
    const auto foreign = in.next(), value = in.next(), use = in.next();
    require(ring.open(foreign, use).has_error(), "what we did not seal does not open");
    (void)ring.is_current(foreign);

    const auto sealed = ring.seal(value, use, {std::byte{1}});
    require(sealed.find_first_of("\r\n \"\\|") == std::string::npos,
            "a sealed value is plain text");
    const auto opened = ring.open(sealed, use);
    require(opened.has_value() && opened->reveal() == value, "what is sealed opens");
    require(ring.is_current(sealed), "the first key seals");
    const auto other = std::string(use) + "x";
    require(ring.open(sealed, other).has_error(), "a sealed value opens for its own use only");
    for (std::size_t at = 0; at < sealed.size(); at += 1 + sealed.size() / 16) {
        auto changed = sealed;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        require(ring.open(changed, use).has_error(), "a changed value does not open");
    }
}

const registration here("sealed_values", sealed_values);

} // namespace
} // namespace countersign::fuzz
