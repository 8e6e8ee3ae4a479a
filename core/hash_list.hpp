// Keyed hashes as code_hasher spells them (`name.base64url`, or without the name), packed into
// bytes: the form that a stored account has them in. Text of another form is packed as it is.
#pragma once

#include "core/crypto/cbor.hpp"
#include "core/crypto/encoding.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// One CBOR item: a byte string of how long the name is, the name, and what base64url stands for; or
// a text.
void append_packed(std::string& out, std::string_view spelt);
// Takes one item, of either kind, into `out`. False: it is neither, and nothing after it can be
// trusted.
[[nodiscard]] bool take_packed(cbor_reader& in, std::string& out);

// An account has up to fifty of them and looks at one in a hundred requests, so they stay packed,
// in one block of memory. Its iterators spell each one out, by value.
class hash_list {
public:
    class iterator {
    public:
        using value_type = std::string;
        using difference_type = std::ptrdiff_t;
        using reference = std::string;
        using pointer = void;
        using iterator_category = std::input_iterator_tag;
        using iterator_concept = std::forward_iterator_tag;

        iterator() = default;
        [[nodiscard]] std::string operator*() const;
        iterator& operator++();
        iterator operator++(int) {
            auto before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.rest_.size() == b.rest_.size();
        }

    private:
        friend class hash_list;
        explicit iterator(std::span<const std::byte> rest) noexcept : rest_(rest) {}
        std::span<const std::byte> rest_; // of the list's items
    };
    using const_iterator = iterator;
    using value_type = std::string;

    hash_list() = default;
    hash_list(const std::vector<std::string>& spelt); // NOLINT(google-explicit-constructor)
    hash_list(std::initializer_list<std::string_view> spelt);

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] iterator begin() const noexcept { return iterator(bytes_of(items_)); }
    [[nodiscard]] iterator end() const noexcept { return {}; }

    void push_back(std::string_view spelt);
    void erase(std::size_t place); // below size()
    void clear() noexcept;

    // What a stored account has behind the head of the array.
    [[nodiscard]] std::string_view items() const noexcept { return items_; }
    // Appends `count` of them. False: what follows is no such list.
    [[nodiscard]] bool take(cbor_reader& in, std::uint64_t count);

    friend bool operator==(const hash_list&, const hash_list&) = default;

private:
    std::string items_;
    std::size_t size_ = 0;
};

} // namespace countersign::core
