#include "core/crypto/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>

namespace countersign::core {
namespace {

constexpr char hex_alphabet[] = "0123456789abcdef";
constexpr char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

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

// The fewest bytes that are a whole number of digits, and how many.
template <unsigned BitsPerDigit>
struct group {
    static constexpr std::size_t bytes = std::lcm(8U, BitsPerDigit) / 8;
    static constexpr std::size_t digits = std::lcm(8U, BitsPerDigit) / BitsPerDigit;
};

// Group by group, so that the compiler knows every shift; what is left is filled up with zeros.
template <unsigned BitsPerDigit>
void append_encoded(std::string& out, std::span<const std::byte> bytes, const char* alphabet) {
    using whole = group<BitsPerDigit>;
    constexpr std::uint64_t mask = (1U << BitsPerDigit) - 1U;
    const auto digits_of_group = [alphabet](std::span<const std::byte, whole::bytes> from,
                                            char* to) {
        std::uint64_t buffer = 0;
        for (const std::byte byte : from) {
            buffer = buffer << 8U | std::to_integer<std::uint64_t>(byte);
        }
        for (std::size_t digit = whole::digits; digit > 0; --digit) {
            to[digit - 1] = alphabet[buffer & mask];
            buffer >>= BitsPerDigit;
        }
    };
    const std::size_t begin = out.size();
    out.resize(begin + (bytes.size() * 8 + BitsPerDigit - 1) / BitsPerDigit);
    char* to = out.data() + begin;
    for (; bytes.size() >= whole::bytes; bytes = bytes.subspan(whole::bytes)) {
        digits_of_group(bytes.template first<whole::bytes>(), to);
        to += whole::digits;
    }
    if (!bytes.empty()) {
        std::array<std::byte, whole::bytes> last{};
        std::ranges::copy(bytes, last.begin());
        std::array<char, whole::digits> digits{};
        digits_of_group(last, digits.data());
        std::copy_n(digits.begin(), out.data() + out.size() - to, to);
    }
}

template <unsigned BitsPerDigit>
std::string encode(std::span<const std::byte> bytes, const char* alphabet) {
    std::string text;
    append_encoded<BitsPerDigit>(text, bytes, alphabet);
    return text;
}

enum class trailing_bits : std::uint8_t { must_be_zero, dropped };

// Writes what `text` stands for, text.size() * BitsPerDigit / 8 bytes, to `to`; `zero` is a digit.
// False: it is none.
template <unsigned BitsPerDigit, typename Byte>
bool decode_to(Byte* to, std::string_view text, const digit_table& digits, char zero,
               trailing_bits trailing) {
    using whole = group<BitsPerDigit>;
    if ((text.size() * BitsPerDigit) % 8 >= BitsPerDigit) {
        return false; // a whole digit that carries nothing: no encoder makes this length
    }
    unsigned seen = 0; // all values together: foreign is larger than any of them
    const auto bytes_of_group = [&](std::span<const char, whole::digits> from) {
        std::uint64_t buffer = 0;
        for (const char digit : from) {
            const unsigned value = digits[static_cast<unsigned char>(digit)];
            seen |= value;
            buffer = buffer << BitsPerDigit | value;
        }
        std::array<Byte, whole::bytes> bytes;
        for (std::size_t byte = whole::bytes; byte > 0; --byte) {
            bytes[byte - 1] = static_cast<Byte>(buffer & 0xffU);
            buffer >>= 8U;
        }
        return bytes;
    };
    std::span<const char> rest(text);
    for (; rest.size() >= whole::digits; rest = rest.subspan(whole::digits)) {
        const auto bytes = bytes_of_group(rest.template first<whole::digits>());
        to = std::ranges::copy(bytes, to).out;
    }
    std::array<char, whole::digits> last{};
    std::ranges::fill(last, zero);
    std::ranges::copy(rest, last.begin());
    const auto bytes = bytes_of_group(last);
    const std::size_t count = rest.size() * BitsPerDigit / 8;
    std::copy_n(bytes.begin(), count, to);
    // What the digits say beyond the last byte stands in the next one.
    const bool is_clean = count == bytes.size() || bytes[count] == Byte{0};
    return seen < (1U << BitsPerDigit) && (is_clean || trailing == trailing_bits::dropped);
}

template <unsigned BitsPerDigit>
std::optional<std::vector<std::byte>> decode(std::string_view text, const digit_table& digits,
                                             char zero, trailing_bits trailing) {
    std::vector<std::byte> bytes(text.size() * BitsPerDigit / 8);
    if (!decode_to<BitsPerDigit>(bytes.data(), text, digits, zero, trailing)) {
        return std::nullopt;
    }
    return bytes;
}

template <unsigned BitsPerDigit>
bool append_decoded(std::string& out, std::string_view text, const digit_table& digits, char zero) {
    const std::size_t begin = out.size();
    out.resize(begin + text.size() * BitsPerDigit / 8);
    return decode_to<BitsPerDigit>(out.data() + begin, text, digits, zero,
                                   trailing_bits::must_be_zero);
}

} // namespace

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(std::span<const std::byte> bytes) {
    return encode<4>(bytes, hex_alphabet);
}

void append_hex(std::string& out, std::span<const std::byte> bytes) {
    append_encoded<4>(out, bytes, hex_alphabet);
}

bool append_from_hex(std::string& out, std::string_view text) {
    return append_decoded<4>(out, text, hex_digits, hex_alphabet[0]);
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
    return decode<4>(text, hex_digits, hex_alphabet[0], trailing_bits::must_be_zero);
}

std::string to_base64url(std::span<const std::byte> bytes) {
    return encode<6>(bytes, base64url_alphabet);
}

void append_base64url(std::string& out, std::span<const std::byte> bytes) {
    append_encoded<6>(out, bytes, base64url_alphabet);
}

bool append_from_base64url(std::string& out, std::string_view text) {
    return append_decoded<6>(out, text, base64url_digits, base64url_alphabet[0]);
}

std::optional<std::vector<std::byte>> from_base64url(std::string_view text) {
    return decode<6>(text, base64url_digits, base64url_alphabet[0], trailing_bits::must_be_zero);
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
    return decode<5>(text.substr(0, end), base32_digits, base32_alphabet[0],
                     trailing_bits::dropped);
}

} // namespace countersign::core
