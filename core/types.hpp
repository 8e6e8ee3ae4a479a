// The small strong types that every room shares: identifiers and time.
#pragma once

#include <chrono>
#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace countersign::core {

// A string that cannot be mistaken for another kind of string. Explicit in, explicit out.
template <typename Tag>
class identifier {
public:
    identifier() = default;
    explicit identifier(std::string value) : value_(std::move(value)) {}

    [[nodiscard]] const std::string& value() const noexcept { return value_; }
    [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

    friend bool operator==(const identifier&, const identifier&) = default;
    friend auto operator<=>(const identifier&, const identifier&) = default;

private:
    std::string value_;
};

// `user_` followed by 32 lower-case hexadecimal digits.
using account_id = identifier<struct account_id_tag>;
// A version 4 UUID (RFC 9562), lower case.
using session_id = identifier<struct session_id_tag>;
// `totp_` followed by 32 lower-case hexadecimal digits: one TOTP device of an account.
using factor_id = identifier<struct factor_id_tag>;
// `passkey_` followed by 32 lower-case hexadecimal digits: one passkey of an account.
using passkey_id = identifier<struct passkey_id_tag>;
// 32 lower-case hexadecimal digits: one pending second-factor challenge (the `jti` of its token).
using challenge_id = identifier<struct challenge_id_tag>;
// 16 lower-case hexadecimal digits: one personal API token of an account.
using api_token_id = identifier<struct api_token_id_tag>;
// 32 lower-case hexadecimal digits: one security event; also the left part of its Message-ID.
using event_id = identifier<struct event_id_tag>;

// Wall-clock time, milliseconds since the Unix epoch, UTC. What is stored or shown; durations that
// the program itself waits for are measured with std::chrono::steady_clock instead.
using unix_time = std::chrono::sys_time<std::chrono::milliseconds>;

using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 3339 in UTC with milliseconds, e.g. 2026-01-02T03:04:05.678Z.
[[nodiscard]] std::string to_rfc3339(unix_time time);

} // namespace countersign::core

template <typename Tag>
struct std::hash<countersign::core::identifier<Tag>> {
    std::size_t operator()(const countersign::core::identifier<Tag>& id) const noexcept {
        return std::hash<std::string_view>{}(id.value());
    }
};
