// An account's own security history: what alerts tell, whether or not they are mailed, and what
// administrators did (NIST SP 800-63B-4 section 4.1). Committed in the same write as the change,
// without codes and secrets, and gone with the account.
#pragma once

#include "core/event.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::core {

// The latest of an account are kept. One takes some 200 bytes.
inline constexpr std::size_t activity_rows_max = 500;

// Whether the history has events of that type: not those that only bring a code or a link.
[[nodiscard]] bool is_recorded(event_type type) noexcept;

struct activity_row {
    event_id id;
    std::string what; // an event type's name, perhaps one that only a newer server knows
    unix_time at{};
    std::string by; // as request_origin::by
    // As in event.
    std::string method, label;
    std::string ip, browser, os;
    std::string old_email, new_email;
    int remaining_codes = 0;

    friend bool operator==(const activity_row&, const activity_row&) = default;
};
[[nodiscard]] activity_row row_of(const event& value);

// One line of JSON, and back; nullopt: that is no row.
[[nodiscard]] std::string to_json(const activity_row& row);
[[nodiscard]] std::optional<activity_row> activity_row_from_json(std::string_view text);

} // namespace countersign::core
