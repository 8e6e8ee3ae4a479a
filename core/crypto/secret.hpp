// Values that must not leak: move-only, never printable, compared in constant time, wiped from
// memory when they are destroyed, moved from or assigned over.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::core {

// Overwrites memory in a way that the compiler cannot remove.
void wipe(std::span<std::byte> memory) noexcept;
// Wipes the whole capacity, also the small buffer inside the object, and leaves the value empty.
void wipe(std::string& value) noexcept;
void wipe(std::vector<std::byte>& value) noexcept;

// Time depends on the lengths only, not on the contents. Different lengths are unequal.
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;
[[nodiscard]] bool equal_in_constant_time(std::span<const std::byte> left,
                                          std::span<const std::byte> right) noexcept;

// T is std::string, std::vector<std::byte> or std::array<std::byte, N>. There is deliberately no
// stream operator and no formatter.
template <typename T>
class secret {
public:
    secret() = default;
    // Takes the value over and wipes what is left of it in `value`.
    explicit secret(T&& value) noexcept : value_(std::move(value)) {
        wipe(value); // NOLINT(bugprone-use-after-move): what the move left is the point
    }

    secret(secret&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }
    secret& operator=(secret&& other) noexcept {
        if (this != &other) {
            wipe(value_);
            value_ = std::move(other.value_);
            wipe(other.value_);
        }
        return *this;
    }
    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;
    ~secret() { wipe(value_); }

    // The only way to a second copy, so that every one is visible in the source.
    [[nodiscard]] secret clone() const { return secret(T(value_)); }
    // The reference is valid as long as this object is neither moved from nor destroyed.
    [[nodiscard]] const T& reveal() const noexcept { return value_; }

    friend bool operator==(const secret& left, const secret& right) noexcept {
        return equal_in_constant_time(std::as_bytes(std::span(left.value_)),
                                      std::as_bytes(std::span(right.value_)));
    }

private:
    T value_{};
};

using secret_string = secret<std::string>;
using secret_bytes = secret<std::vector<std::byte>>;
using secret_key = secret<std::array<std::byte, 32>>;

} // namespace countersign::core
