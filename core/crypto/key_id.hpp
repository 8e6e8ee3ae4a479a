// The names of keys, in sealed values and in tokens.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace countersign::core {

// 1 to 64 of A-Z a-z 0-9 - _: needs no escaping in JSON and holds no separator.
[[nodiscard]] constexpr bool is_key_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

// Throws std::invalid_argument unless there is a key, each id is well-formed, and none is there
// twice. `Key` has a member `id`.
template <typename Key>
void require_usable_ring(const std::vector<Key>& keys) {
    if (keys.empty()) {
        throw std::invalid_argument("a key ring needs at least one key");
    }
    for (auto key = keys.begin(); key != keys.end(); ++key) {
        if (!is_key_id(key->id)) {
            throw std::invalid_argument("a key id is 1 to 64 of A-Z a-z 0-9 - _");
        }
        if (std::ranges::find(keys.begin(), key, key->id, &Key::id) != key) {
            throw std::invalid_argument("two keys of a ring have the same id");
        }
    }
}

// The key of that id, or null.
template <typename Key>
[[nodiscard]] const Key* find_key(const std::vector<Key>& keys, std::string_view id) noexcept {
    const auto found = std::ranges::find(keys, id, &Key::id);
    return found == keys.end() ? nullptr : &*found;
}

} // namespace countersign::core
