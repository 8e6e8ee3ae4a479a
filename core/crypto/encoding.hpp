// Bytes as text and back (RFC 4648). Decoders take exactly what the comment says and answer nullopt
// to everything else.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// The same memory seen as bytes, or as characters.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span(text));
}
[[nodiscard]] std::string_view text_of(std::span<const std::byte> bytes) noexcept;

// Base 16 (section 8), lower case; the decoder takes lower case only. append_from_…() appends the
// bytes as characters; false, with an unknown rest appended, where the text is none.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
void append_hex(std::string& out, std::span<const std::byte> bytes);
[[nodiscard]] bool append_from_hex(std::string& out, std::string_view text);
[[nodiscard]] std::optional<std::vector<std::byte>> from_hex(std::string_view text);

// Section 5, without padding. The decoder refuses padding, foreign characters and non-zero trailing
// bits, so that every value has one encoding only.
[[nodiscard]] std::string to_base64url(std::span<const std::byte> bytes);
void append_base64url(std::string& out, std::span<const std::byte> bytes);
[[nodiscard]] bool append_from_base64url(std::string& out, std::string_view text);
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64url(std::string_view text);

// Section 6, without padding. The decoder ignores case, takes padding if it is complete, and drops
// trailing bits as authenticator apps do, because generators of old secrets left some set.
[[nodiscard]] std::string to_base32(std::span<const std::byte> bytes);
[[nodiscard]] std::optional<std::vector<std::byte>> from_base32(std::string_view text);

} // namespace countersign::core
