// Time-based one-time passwords: RFC 6238 over the HOTP of RFC 4226. Whether a step was used before
// is the account's to know, not this file's.
#pragma once

#include "core/crypto/hmac.hpp"
#include "core/crypto/secret.hpp"
#include "core/random.hpp"
#include "core/types.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::core {

inline constexpr int totp_digits_min = 6;
inline constexpr int totp_digits_max = 8;
inline constexpr int totp_period_max_s = 300;
inline constexpr std::size_t totp_devices_max = 10; // of one account

struct totp_parameters {
    hash_algorithm algorithm = hash_algorithm::sha1;
    int digits = 6;    // totp_digits_min to totp_digits_max
    int period_s = 30; // 1 to totp_period_max_s

    friend bool operator==(const totp_parameters&, const totp_parameters&) = default;
};

// RFC 6238 section 4.2: T, the number of whole periods since the Unix epoch.
struct totp_step {
    std::int64_t value = 0;

    friend auto operator<=>(const totp_step&, const totp_step&) = default;
};

// These throw std::invalid_argument if `parameters` are out of their ranges.
[[nodiscard]] totp_step step_at(unix_time time, const totp_parameters& parameters);
[[nodiscard]] std::string totp_code(std::span<const std::byte> secret,
                                    const totp_parameters& parameters, totp_step step);

// The latest step, at most `window` (not negative) away from `now`, whose code is `code`. Only
// exactly `digits` ASCII digits are a code (T-02). Every step of the window is computed and
// compared in constant time, whether or not one matched before.
[[nodiscard]] std::optional<totp_step> matching_step(std::span<const std::byte> secret,
                                                     const totp_parameters& parameters,
                                                     std::string_view code, unix_time now,
                                                     int window);

// 160 bits, as RFC 4226 section 4 R6 recommends (T-36).
[[nodiscard]] secret_bytes make_totp_secret(random_source& random);

} // namespace countersign::core
