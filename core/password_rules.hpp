// What a new password must be like. Passwords of accounts that exist are never checked against it.
#pragma once

#include <optional>
#include <string_view>

namespace countersign::core {

// Nullopt if the password may be set, otherwise a sentence that says what is wrong, for the person
// who chose it: 8 to 128 characters (code points of UTF-8) with an upper-case letter, a lower-case
// letter, a digit and a special character (contracts of singularity and slugbase).
[[nodiscard]] std::optional<std::string_view> password_problem(std::string_view password) noexcept;
// The same without a rule for the kinds of characters (contract of clara).
[[nodiscard]] std::optional<std::string_view>
password_length_problem(std::string_view password) noexcept;

} // namespace countersign::core
