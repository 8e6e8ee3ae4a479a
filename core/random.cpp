#include "core/random.hpp"

#include "core/crypto/encoding.hpp"

#include <bit>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace countersign::core {

std::string random_source::hex(std::size_t bytes) {
    std::vector<std::byte> out(bytes);
    fill(out);
    return to_hex(out);
}

std::string random_source::uuid() {
    auto octets = bytes<16>();
    octets[6] = (octets[6] & std::byte{0x0f}) | std::byte{0x40}; // version 4
    octets[8] = (octets[8] & std::byte{0x3f}) | std::byte{0x80}; // variant 10
    std::string text = to_hex(octets);
    for (const std::size_t position : {8U, 13U, 18U, 23U}) {
        text.insert(position, 1, '-');
    }
    return text;
}

std::uint32_t random_source::below(std::uint32_t bound) {
    if (bound == 0) {
        throw std::invalid_argument("random_source::below: the bound is zero");
    }
    // 2^32 modulo bound: the draws below it are the surplus that would favour small results.
    const std::uint32_t surplus = (0U - bound) % bound;
    for (;;) {
        const auto draw = std::bit_cast<std::uint32_t>(bytes<4>());
        if (draw >= surplus) {
            return draw % bound;
        }
    }
}

} // namespace countersign::core
