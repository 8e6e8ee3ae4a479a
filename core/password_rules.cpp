#include "core/password_rules.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <cstddef>

namespace countersign::core {
namespace {

constexpr std::size_t length_min = 8;
constexpr std::size_t length_max = 128;

constexpr bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_special(char c) {
    return !is_upper(c) && !is_lower(c) && !is_digit(c);
}

} // namespace

std::optional<std::string_view> password_length_problem(std::string_view password) noexcept {
    const auto length = code_point_count(password);
    if (!length || password.find('\0') != std::string_view::npos) {
        return "Password must be valid UTF-8 text without NUL characters.";
    }
    if (*length < length_min) {
        return "Password must be at least 8 characters long.";
    }
    if (*length > length_max) {
        return "Password must be at most 128 characters long.";
    }
    return std::nullopt;
}

std::optional<std::string_view> password_problem(std::string_view password) noexcept {
    if (const auto problem = password_length_problem(password)) return problem;
    if (std::ranges::none_of(password, is_upper)) {
        return "Password must contain at least one uppercase letter.";
    }
    if (std::ranges::none_of(password, is_lower)) {
        return "Password must contain at least one lowercase letter.";
    }
    if (std::ranges::none_of(password, is_digit)) {
        return "Password must contain at least one digit.";
    }
    if (std::ranges::none_of(password, is_special)) {
        return "Password must contain at least one special character.";
    }
    return std::nullopt;
}

} // namespace countersign::core
