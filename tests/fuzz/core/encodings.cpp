// Bytes as text and back (RFC 4648): what is encoded decodes to itself, and what decodes is
// canonical where the decoder says so.
#include "core/crypto/encoding.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace countersign::fuzz {
namespace {

bool is_of(std::string_view text, std::string_view alphabet) {
    return text.find_first_not_of(alphabet) == std::string_view::npos;
}

void encodings(std::string_view input) {
    const auto bytes = core::bytes_of(input);
    const auto is_input = [&](const auto& decoded) {
        return decoded && std::ranges::equal(*decoded, bytes);
    };
    const auto hex = core::to_hex(bytes);
    const auto url = core::to_base64url(bytes);
    const auto base32 = core::to_base32(bytes);
    require(is_input(core::from_hex(hex)), "base 16 reads back as it was");
    require(is_input(core::from_base64url(url)), "base64url reads back as it was");
    require(is_input(core::from_base32(base32)), "base 32 reads back as it was");
    require(is_of(base32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "base 32 is of its alphabet");

    if (const auto decoded = core::from_hex(input))
        require(core::to_hex(*decoded) == input, "base 16 has one spelling");
    if (const auto decoded = core::from_base64url(input))
        require(core::to_base64url(*decoded) == input, "base64url has one spelling");
    if (const auto decoded = core::from_base32(input)) {
        const auto again = core::from_base32(core::to_base32(*decoded));
        require(again && *again == *decoded, "what base 32 means has a canonical spelling");
        require(decoded->size() <= input.size() * 5 / 8, "base 32 makes no bytes up");
    }
}

const registration here("encodings", encodings);

} // namespace
} // namespace countersign::fuzz
