// A new account, and what happens when its address is taken.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/text.hpp"

#include <optional>

namespace countersign::core {

struct register_account {
    account_id id;
    email_address email;
    std::string name;
    std::string family_name; // as account::family_name
    std::string password_hash;
    sealed_code verification; // a link that proves the address, mailed if `send_mail`
    event_type verification_mail = event_type::email_verification; // or …_code, if it is one
    bool send_mail = true;
    bool email_factor = true; // whether this family's accounts start with the e-mail factor
    // Opened at once, if the contract says so; not where a second factor is on (T-21).
    std::optional<session_material> session;
    request_origin origin;
};
// The account as it begins; there is no account yet to decide upon. Never refuses.
[[nodiscard]] decision<nothing> create(const register_account& command, const context& context,
                                       unix_time now);

// Somebody tried to register an address that this account has: its holder hears of it, at most as
// often as the day's budget of mails allows.
struct report_registration_attempt {
    request_origin origin;
};
[[nodiscard]] decision<nothing> decide(const account& current,
                                       const report_registration_attempt& command,
                                       const context& context, unix_time now);

} // namespace countersign::core
