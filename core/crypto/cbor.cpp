#include "core/crypto/cbor.hpp"

#include "core/crypto/encoding.hpp"

#include <limits>

namespace countersign::core {

namespace {

// Major types (RFC 8949 section 3.1).
constexpr unsigned unsigned_integer = 0, negative_integer = 1, bytes_type = 2, text_type = 3,
                   array_type = 4, map_type = 5, tag_type = 6;
constexpr int depth_max = 8;

} // namespace

std::optional<cbor_reader::head> cbor_reader::take_head() noexcept {
    if (rest_.empty()) return std::nullopt;
    const auto first = std::to_integer<unsigned>(rest_.front());
    rest_ = rest_.subspan(1);
    const auto info = first & 31U;
    head found{.major = first >> 5U, .value = info};
    if (info < 24) return found;
    if (info > 27) return std::nullopt; // reserved, or of indefinite length
    const auto following = take(std::uint64_t{1} << (info - 24));
    if (!following) return std::nullopt;
    found.value = 0;
    for (const auto byte : *following)
        found.value = found.value << 8U | std::to_integer<std::uint64_t>(byte);
    return found;
}

std::optional<cbor_reader::head> cbor_reader::take_head(unsigned wanted) noexcept {
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
    const auto found = take_head(map_type);
    // A pair takes two bytes at least.
    if (!found || found->value > rest_.size() / 2) return std::nullopt;
    return found->value;
}

std::optional<std::uint64_t> cbor_reader::array() noexcept {
    const auto found = take_head(array_type);
    if (!found || found->value > rest_.size()) return std::nullopt;
    return found->value;
}

std::optional<std::int64_t> cbor_reader::integer() noexcept {
    const auto found = take_head();
    if (!found || found->major > negative_integer) return std::nullopt;
    if (found->value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return std::nullopt;
    const auto value = static_cast<std::int64_t>(found->value);
    return found->major == unsigned_integer ? value : -1 - value;
}

std::optional<std::string_view> cbor_reader::text() noexcept {
    const auto found = take_head(text_type);
    if (!found) return std::nullopt;
    const auto taken = take(found->value);
    if (!taken) return std::nullopt;
    return text_of(*taken);
}

std::optional<std::span<const std::byte>> cbor_reader::byte_string() noexcept {
    const auto found = take_head(bytes_type);
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
    if (!found || found->major == tag_type) return false;
    if (found->major == bytes_type || found->major == text_type)
        return take(found->value).has_value();
    if (found->major != array_type && found->major != map_type) return true;
    const std::uint64_t each = found->major == map_type ? 2 : 1;
    if (depth == 0 || found->value > rest_.size() / each) return false;
    for (std::uint64_t left = found->value * each; left > 0; --left)
        if (!skip(depth - 1)) return false;
    return true;
}

} // namespace countersign::core
