// A new account, and what happens when its address is taken.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/text.hpp"

namespace countersign::core {

struct register_account {
    account_id id;
    email_address email;
    std::string name;
    std::string password_hash;
    sealed_code verification; // an e-mail verification link, mailed if `send_mail`
    bool send_mail = true;
    bool email_factor = true; // whether this family's accounts start with the e-mail factor
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
