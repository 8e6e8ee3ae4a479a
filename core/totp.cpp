#include "core/totp.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

namespace countersign::core {
namespace {

constexpr std::size_t secret_size_bytes = 20;

void require_valid(const totp_parameters& parameters) {
    if (parameters.digits < totp_digits_min || parameters.digits > totp_digits_max ||
        parameters.period_s < 1 || parameters.period_s > totp_period_max_s) {
        throw std::invalid_argument("TOTP parameters out of range");
    }
}

std::array<std::byte, 8> big_endian(std::uint64_t number) {
    std::array<std::byte, 8> bytes{};
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
        *byte = static_cast<std::byte>(number & 0xffU);
        number >>= 8U;
    }
    return bytes;
}

bool is_code(std::string_view text, int digits) {
    return text.size() == static_cast<std::size_t>(digits) &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// RFC 6238 section 4.2 over RFC 4226 section 5.3. The parameters are valid.
std::string code_at(const keyed_hmac& secret, const totp_parameters& parameters, totp_step step) {
    const auto counter = big_endian(static_cast<std::uint64_t>(step.value));
    std::array<std::byte, 64> digest{};
    const std::size_t length = secret.compute(counter, digest);

    const auto offset = std::to_integer<std::size_t>(digest[length - 1] & std::byte{0x0f});
    std::uint32_t number = 0;
    for (const std::byte byte : std::span(digest).subspan(offset, 4)) {
        number = (number << 8U) | std::to_integer<std::uint32_t>(byte);
    }
    number &= 0x7fffffffU;

    std::string code(static_cast<std::size_t>(parameters.digits), '0');
    for (auto digit = code.rbegin(); digit != code.rend(); ++digit) {
        *digit = static_cast<char>('0' + number % 10U);
        number /= 10U;
    }
    return code;
}

} // namespace

totp_step step_at(unix_time time, const totp_parameters& parameters) {
    require_valid(parameters);
    const auto since_epoch = std::chrono::floor<seconds>(time).time_since_epoch().count();
    const std::int64_t period = parameters.period_s;
    return {since_epoch >= 0 ? since_epoch / period : (since_epoch - period + 1) / period};
}

std::string totp_code(std::span<const std::byte> secret, const totp_parameters& parameters,
                      totp_step step) {
    require_valid(parameters);
    const keyed_hmac keyed(parameters.algorithm, secret);
    return code_at(keyed, parameters, step);
}

std::optional<totp_step> matching_step(std::span<const std::byte> secret,
                                       const totp_parameters& parameters, std::string_view code,
                                       unix_time now, int window) {
    if (window < 0) {
        throw std::invalid_argument("a TOTP window is not negative");
    }
    const totp_step middle = step_at(now, parameters);
    if (!is_code(code, parameters.digits)) {
        return std::nullopt;
    }
    const keyed_hmac keyed(parameters.algorithm, secret);
    std::optional<totp_step> latest;
    for (std::int64_t distance = -window; distance <= window; ++distance) {
        const totp_step step{middle.value + distance};
        if (equal_in_constant_time(code_at(keyed, parameters, step), code)) {
            latest = step;
        }
    }
    return latest;
}

secret_bytes make_totp_secret(random_source& random) {
    std::vector<std::byte> secret(secret_size_bytes);
    random.fill(secret);
    return secret_bytes(std::move(secret));
}

} // namespace countersign::core
