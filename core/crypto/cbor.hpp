// CBOR (RFC 8949) as far as WebAuthn's outermost structures and stored accounts need it: items of
// definite length, read with every length held against the bytes that are there. What is inside of
// a credential's key is libfido2's to read, after it was walked here: it reserves what a length
// says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::core {

// Section 3.1.
enum class cbor_major : std::uint8_t {
    unsigned_integer,
    negative_integer,
    bytes,
    text,
    array,
    map,
    tag,
    simple,
};

// Appends an item's head, as short as it can be (section 4.1). What it counts is to follow.
void append_cbor_head(std::string& out, cbor_major type, std::uint64_t value);

// Each read takes one item, or answers nullopt where the next one is of another kind, is not whole
// or has no definite length; then nothing after it can be trusted.
class cbor_reader {
public:
    // The bytes outlive the reader and what it returns.
    explicit cbor_reader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

    // The head of a map: how many pairs follow, each a key and a value.
    [[nodiscard]] std::optional<std::uint64_t> map() noexcept;
    // The head of an array: how many items follow.
    [[nodiscard]] std::optional<std::uint64_t> array() noexcept;
    [[nodiscard]] std::optional<std::int64_t> integer() noexcept;
    [[nodiscard]] std::optional<std::string_view> text() noexcept;
    [[nodiscard]] std::optional<std::span<const std::byte>> byte_string() noexcept;
    // One item of any kind, with all that it contains, as bytes. No tags (CTAP 2.1 section 8).
    [[nodiscard]] std::optional<std::span<const std::byte>> item() noexcept;

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

private:
    struct head {
        cbor_major major;
        std::uint64_t value;
    };
    [[nodiscard]] std::optional<head> take_head() noexcept;
    [[nodiscard]] std::optional<head> take_head(cbor_major wanted) noexcept;
    [[nodiscard]] std::optional<std::span<const std::byte>> take(std::uint64_t size) noexcept;
    [[nodiscard]] bool skip(int depth) noexcept;

    std::span<const std::byte> rest_;
};

} // namespace countersign::core
