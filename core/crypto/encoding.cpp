#include "core/crypto/encoding.hpp"

#include <array>
#include <cstdint>

namespace countersign::core {
namespace {

constexpr std::string_view hex_alphabet = "0123456789abcdef";
constexpr std::string_view base64url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view base32_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

constexpr std::uint8_t foreign = 0xff;
using digit_table = std::array<std::uint8_t, 256>;

constexpr digit_table digits_of(std::string_view alphabet, bool ignore_case = false) {
    digit_table table{};
    table.fill(foreign);
    for (std::size_t value = 0; value < alphabet.size(); ++value) {
        const char character = alphabet[value];
        table[static_cast<unsigned char>(character)] = static_cast<std::uint8_t>(value);
        if (ignore_case && character >= 'A' && character <= 'Z') {
            table[static_cast<unsigned char>(character - 'A' + 'a')] =
                static_cast<std::uint8_t>(value);
        }
    }
    return table;
}

constexpr digit_table hex_digits = digits_of(hex_alphabet);
constexpr digit_table base64url_digits = digits_of(base64url_alphabet);
constexpr digit_table base32_digits = digits_of(base32_alphabet, true);

template <unsigned BitsPerDigit>
std::string encode(std::span<const std::byte> bytes, std::string_view alphabet) {
    constexpr std::uint32_t mask = (1U << BitsPerDigit) - 1U;
    std::string text((bytes.size() * 8 + BitsPerDigit - 1) / BitsPerDigit, '\0');
    auto out = text.begin();
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const std::byte byte : bytes) {
        buffer = (buffer << 8U) | std::to_integer<std::uint32_t>(byte);
        bits += 8;
        while (bits >= BitsPerDigit) {
            bits -= BitsPerDigit;
            *out++ = alphabet[(buffer >> bits) & mask];
        }
    }
    if (bits > 0) {
        *out = alphabet[(buffer << (BitsPerDigit - bits)) & mask];
    }
    return text;
}

enum class trailing_bits { must_be_zero, dropped };

template <unsigned BitsPerDigit>
std::optional<std::vector<std::byte>> decode(std::string_view text, const digit_table& digits,
                                             trailing_bits trailing) {
    if ((text.size() * BitsPerDigit) % 8 >= BitsPerDigit) {
        return std::nullopt; // a whole digit that carries nothing: no encoder makes this length
    }
    std::vector<std::byte> bytes(text.size() * BitsPerDigit / 8);
    auto out = bytes.begin();
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const char character : text) {
        const std::uint8_t value = digits[static_cast<unsigned char>(character)];
        if (value == foreign) {
            return std::nullopt;
        }
        buffer = (buffer << BitsPerDigit) | value;
        bits += BitsPerDigit;
        if (bits >= 8) {
            bits -= 8;
            *out++ = static_cast<std::byte>((buffer >> bits) & 0xffU);
        }
    }
    if (trailing == trailing_bits::must_be_zero && (buffer & ((1U << bits) - 1U)) != 0) {
        return std::nullopt;
    }
    return bytes;
}

} // namespace

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(std::span<const std::byte> bytes) {
    return encode<4>(bytes, hex_alphabet);
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
    return decode<4>(text, hex_digits, trailing_bits::must_be_zero);
}

std::string to_base64url(std::span<const std::byte> bytes) {
    return encode<6>(bytes, base64url_alphabet);
}

std::optional<std::vector<std::byte>> from_base64url(std::string_view text) {
    return decode<6>(text, base64url_digits, trailing_bits::must_be_zero);
}

std::string to_base32(std::span<const std::byte> bytes) {
    return encode<5>(bytes, base32_alphabet);
}

std::optional<std::vector<std::byte>> from_base32(std::string_view text) {
    constexpr std::size_t group = 8;
    const std::size_t end = text.find_last_not_of('=') + 1; // npos + 1 is 0
    const std::size_t padding = text.size() - end;
    if (padding > 0 && (padding >= group || text.size() % group != 0)) {
        return std::nullopt;
    }
    return decode<5>(text.substr(0, end), base32_digits, trailing_bits::dropped);
}

} // namespace countersign::core
