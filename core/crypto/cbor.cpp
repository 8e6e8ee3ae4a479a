#include "core/crypto/cbor.hpp"

#include "core/crypto/encoding.hpp"

#include <boost/endian/conversion.hpp>

#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace countersign::core {

namespace {

constexpr std::uint64_t in_head_max = 23; // a number up to this is part of the head itself
constexpr unsigned major_shift = 5;
constexpr int depth_max = 8;

} // namespace

void append_cbor_head(std::string& out, cbor_major type, std::uint64_t value) {
    const auto first = static_cast<unsigned>(type) << major_shift;
    if (value <= in_head_max) {
        out += static_cast<char>(first | value);
        return;
    }
    const unsigned bits = static_cast<unsigned>(std::bit_width(value));
    const unsigned size_log = bits <= 8 ? 0 : bits <= 16 ? 1 : bits <= 32 ? 2 : 3; // of bytes
    std::array<char, 9> head{};
    head[0] = static_cast<char>(first | (in_head_max + 1 + size_log));
    const auto big_endian = boost::endian::native_to_big(value << (64U - (8U << size_log)));
    std::memcpy(head.data() + 1, &big_endian, sizeof big_endian);
    out.append(head.data(), 1 + (std::size_t{1} << size_log));
}

std::optional<cbor_reader::head> cbor_reader::take_head() noexcept {
    if (rest_.empty()) return std::nullopt;
    const auto first = std::to_integer<unsigned>(rest_.front());
    rest_ = rest_.subspan(1);
    const auto info = first & 31U;
    head found{.major = static_cast<cbor_major>(first >> major_shift), .value = info};
    if (info <= in_head_max) return found;
    if (info > 27) return std::nullopt; // reserved, or of indefinite length
    const auto following = take(std::uint64_t{1} << (info - in_head_max - 1));
    if (!following) return std::nullopt;
    found.value = 0;
    for (const auto byte : *following)
        found.value = found.value << 8U | std::to_integer<std::uint64_t>(byte);
    return found;
}

std::optional<cbor_reader::head> cbor_reader::take_head(cbor_major wanted) noexcept {
    const auto found = take_head();
    return found && found->major == wanted ? found : std::nullopt;
}

std::optional<std::span<const std::byte>> cbor_reader::take(std::uint64_t size) noexcept {
    if (size > rest_.size()) return std::nullopt;
    const auto taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

std::optional<std::uint64_t> cbor_reader::map() noexcept {
    const auto found = take_head(cbor_major::map);
    // A pair takes two bytes at least.
    if (!found || found->value > rest_.size() / 2) return std::nullopt;
    return found->value;
}

std::optional<std::uint64_t> cbor_reader::array() noexcept {
    const auto found = take_head(cbor_major::array);
    if (!found || found->value > rest_.size()) return std::nullopt;
    return found->value;
}

std::optional<std::int64_t> cbor_reader::integer() noexcept {
    const auto found = take_head();
    if (!found || found->major > cbor_major::negative_integer) return std::nullopt;
    if (found->value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
    const auto value = static_cast<std::int64_t>(found->value);
    return found->major == cbor_major::unsigned_integer ? value : -1 - value;
}

std::optional<std::string_view> cbor_reader::text() noexcept {
    const auto found = take_head(cbor_major::text);
    if (!found) return std::nullopt;
    const auto taken = take(found->value);
    if (!taken) return std::nullopt;
    return text_of(*taken);
}

std::optional<std::span<const std::byte>> cbor_reader::byte_string() noexcept {
    const auto found = take_head(cbor_major::bytes);
    if (!found) return std::nullopt;
    return take(found->value);
}

std::optional<std::span<const std::byte>> cbor_reader::item() noexcept {
    const auto all = rest_;
    if (!skip(depth_max)) return std::nullopt;
    return all.first(all.size() - rest_.size());
}

bool cbor_reader::skip(int depth) noexcept {
    const auto found = take_head();
    if (!found || found->major == cbor_major::tag) return false;
    if (found->major == cbor_major::bytes || found->major == cbor_major::text)
        return take(found->value).has_value();
    if (found->major != cbor_major::array && found->major != cbor_major::map) return true;
    const std::uint64_t each = found->major == cbor_major::map ? 2 : 1;
    if (depth == 0 || found->value > rest_.size() / each) return false;
    for (std::uint64_t left = found->value * each; left > 0; --left)
        if (!skip(depth - 1)) return false;
    return true;
}

} // namespace countersign::core
