#include "core/hash_list.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <optional>

namespace countersign::core {

namespace {

constexpr char name_end = '.'; // key_ring::seal, code_hasher::hash
constexpr std::size_t name_max = 255;

struct packed {
    std::string_view name;
    std::span<const std::byte> raw;
};

std::optional<packed> parts_of(std::span<const std::byte> bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto name_size = std::to_integer<std::size_t>(bytes.front());
    if (name_size >= bytes.size()) return std::nullopt;
    const auto name = text_of(bytes.subspan(1, name_size));
    if (!is_valid_utf8(name)) return std::nullopt;
    return packed{name, bytes.subspan(1 + name_size)};
}

} // namespace

void append_packed(std::string& out, std::string_view spelt) {
    const auto begin = out.size();
    const auto end = spelt.find(name_end);
    const bool is_named = end != std::string_view::npos;
    const auto name = is_named ? spelt.substr(0, end) : std::string_view();
    if (!is_named || (!name.empty() && name.size() <= name_max)) {
        const auto digits = is_named ? spelt.substr(end + 1) : spelt;
        append_cbor_head(out, cbor_major::bytes, 1 + name.size() + digits.size() * 6 / 8);
        out += static_cast<char>(name.size());
        out += name;
        if (append_from_base64url(out, digits)) return;
        out.resize(begin);
    }
    append_cbor_head(out, cbor_major::text, spelt.size());
    out += spelt;
}

bool take_packed(cbor_reader& in, std::string& out) {
    const auto before = in;
    if (const auto bytes = in.byte_string()) {
        const auto parts = parts_of(*bytes);
        if (!parts) return false;
        out.clear();
        out.reserve(parts->name.size() + 1 + (parts->raw.size() * 8 + 5) / 6);
        if (!parts->name.empty()) out.append(parts->name).append(1, name_end);
        append_base64url(out, parts->raw);
        return true;
    }
    in = before;
    const auto text = in.text();
    if (!text || !is_valid_utf8(*text)) return false;
    out.assign(*text);
    return true;
}

std::string hash_list::iterator::operator*() const {
    cbor_reader in(rest_);
    std::string spelt;
    (void)take_packed(in, spelt); // it was, or was packed here
    return spelt;
}

hash_list::iterator& hash_list::iterator::operator++() {
    cbor_reader in(rest_);
    (void)in.item();
    rest_ = in.rest();
    return *this;
}

hash_list::hash_list(const std::vector<std::string>& spelt) {
    for (const auto& one : spelt)
        push_back(one);
}

hash_list::hash_list(std::initializer_list<std::string_view> spelt) {
    for (const auto one : spelt)
        push_back(one);
}

void hash_list::push_back(std::string_view spelt) {
    append_packed(items_, spelt);
    ++size_;
}

void hash_list::erase(std::size_t place) {
    const auto one = std::ranges::next(begin(), static_cast<std::ptrdiff_t>(place));
    const auto after = std::ranges::next(one);
    items_.erase(items_.size() - one.rest_.size(), one.rest_.size() - after.rest_.size());
    --size_;
}

void hash_list::clear() noexcept {
    items_.clear();
    size_ = 0;
}

bool hash_list::take(cbor_reader& in, std::uint64_t count) {
    std::string spelt;
    for (auto left = count; left > 0; --left) {
        const auto before = in;
        if (const auto bytes = in.byte_string()) {
            if (!parts_of(*bytes)) return false;
            append_cbor_head(items_, cbor_major::bytes, bytes->size());
            items_ += text_of(*bytes);
            ++size_;
        } else {
            in = before;
            if (!take_packed(in, spelt)) return false;
            push_back(spelt);
        }
        // The others are as long, and no longer than what is there.
        if (left == count)
            items_.reserve(items_.size() + std::min(items_.size() * (count - 1), in.rest().size()));
    }
    return true;
}

} // namespace countersign::core
