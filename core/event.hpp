// Security events: what the state machine decided and a person must hear of. A decision's events
// are committed in the same write as the account (a transactional outbox) and mailed from there.
#pragma once

#include "core/result.hpp"
#include "core/types.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

enum class event_type : std::uint8_t {
    one_time_code,                    // a six-digit code that serves as second factor
    email_verification,               // a link that proves an address
    password_reset,                   // a link that allows a new password
    email_verification_code,          // a code that proves an address
    password_reset_code,              // a code that allows a new password
    two_factor_added,                 // a second factor was enabled
    two_factor_removed,               // a second factor was disabled
    recovery_code_used,               // a backup code stood in for the second factor
    password_changed,                 // by its owner or by a reset
    email_changed,                    // goes to the old address and to the new one
    new_login,                        // a login from a device that no live session has
    registration_with_existing_email, // somebody tried to register a taken address
    sign_in_blocked,                  // too many wrong codes or passwords in a row
    recovery_codes_created,           // a new set of backup codes replaced the old one
    second_factor_reset,              // an administrator took second factors away
    api_token_created,                // a credential for programs was made
    recovery_codes_low,               // few backup codes are left, or none
    second_factor_failed,             // a login got as far as the password, and no further
    code_reused,                      // a code that had been used up was presented
    sessions_ended,                   // every session, because somebody asked for it
    account_deleted,                  // with everything that was kept of it
    notification_addresses_changed,   // goes to those that were and those that are
};
inline constexpr std::size_t event_type_count = 22;

// The stable name, used in the outbox, in configuration (`policy.alerts.<name>`) and in catalogues.
[[nodiscard]] std::string_view to_string(event_type type) noexcept;
[[nodiscard]] std::optional<event_type> event_type_from(std::string_view name) noexcept;

// The outbox has two lanes: codes die with their deadline, alerts are never dropped.
enum class mail_lane : std::uint8_t { code, alert };
[[nodiscard]] mail_lane lane_of(event_type type) noexcept;

struct event {
    // Fixed when the event is made, so a mail sent twice after a crash is recognisable by its
    // Message-ID (made of `id`) and Date (`at`).
    event_id id;
    event_type type = event_type::two_factor_added;
    account_id account;
    unix_time at{};
    std::vector<std::string> recipients; // canonical addresses, one mail each; none: only recorded
    std::string name;                    // how the account's holder wants to be addressed
    std::string locale;                  // BCP 47, or empty: the application's default

    // Facts of the type; empty where they mean nothing.
    std::string method;               // "totp", "email" or "passkey"
    std::string label;                // the device's label, the API token's name
    std::string ip;                   // where the request came from
    std::string browser, os;          // what the client said of itself
    std::string old_email, new_email; // email_changed, notification_addresses_changed
    int remaining_codes = 0;          // recovery_code_used, recovery_codes_created, …_low
    std::string sealed_secret; // code or link token, sealed by the key ring with secret_context()
    std::optional<unix_time> expires_at; // when the code or link dies

    // Who asked, as request_origin::by. For the account's history only: no mail says it, and the
    // outbox does not have it.
    std::string by = {};

    friend bool operator==(const event&, const event&) = default;
};

// The associated data under which `sealed_secret` is sealed: it cannot be moved to another
// account or purpose.
[[nodiscard]] std::string secret_context(const account_id& account, event_type type);

// The event as one line of JSON, the form it has in the outbox, and back.
enum class event_error : std::uint8_t {
    malformed,    // not JSON, or not an event's
    unknown_type, // written by a newer version
};
[[nodiscard]] std::string to_json(const event& value);
[[nodiscard]] boost::system::result<event, event_error> event_from_json(std::string_view text);

} // namespace countersign::core
