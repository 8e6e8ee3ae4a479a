// What the operator may decide: lives, counts, windows and switches. The defaults are the house's
// rules; every member is a setting of the same name (`policy.…`, `tokens.…`).
#pragma once

#include "core/event.hpp"
#include "core/types.hpp"
#include "core/webauthn.hpp"

#include <array>

namespace countersign::core {

// How long each token lives (setting `tokens.<name>`, in seconds).
struct token_lives {
    seconds access{900};
    seconds refresh{7'776'000}; // 90 days
    seconds step_up{900};
    seconds two_factor{900};
    seconds totp_setup{900};
    seconds email_verification{86'400};
    seconds password_reset{3'600};
    seconds user_session{2'592'000}; // 30 days: sessions that no refresh token prolongs
    seconds session{0};              // since its login, however prolonged; zero: no such end
};

struct attempt_policy {
    int pause_after = 5;     // consecutive misses that start a pause
    seconds first_pause{30}; // doubles with every further `pause_after` misses
    seconds longest_pause{900};
    int lock_after = 100; // NIST SP 800-63B-4 section 3.2.2
};

struct policy {
    token_lives tokens;
    attempt_policy attempts;

    int totp_window = 1;           // steps either side (RFC 6238 section 5.2)
    seconds mailed_code_life{600}; // NIST SP 800-63B-4 section 3.1.3.2: at most ten minutes
    int mailed_code_digits = 6;
    seconds mail_cooldown{60}; // between two mails of one purpose
    int mails_per_hour = 5;    // unanswered code mails per account and recipient
    int mails_per_day = 20;
    int recovery_code_count = 6;         // native contract section 3.6
    int recovery_code_length = 11;       // of 62 letters: 65 bits (NIST 800-63B-4 section 4.2.1.1)
    int service_backup_code_length = 16; // hexadecimal digits: 28 have 112 bits
    bool email_factor_by_default = true; // native contract section 3.6
    std::size_t sessions_max = 50;       // the oldest is evicted
    std::size_t challenges_max = 8;      // pending logins and step-ups; the oldest is evicted
    int challenges_per_hour = 50;        // begun and not completed, of an account
    int challenges_per_day = 100;
    std::size_t api_tokens_max = 10;    // of an account (slugbase contract section 2.1)
    int import_secret_bits_min = 80;    // of a TOTP secret; RFC 4226 section 4 R6 wants 128
    seconds import_period_max{300};     // of an imported TOTP device
    bool require_second_factor = false; // the last one stays; without one there is only enrolling

    bool email_factor = true;               // whether e-mail is a factor (decide/assurance.hpp)
    bool mailed_code_per_challenge = false; // a mailed code is good for the login it was made for
    bool sessions_end_with_step_up = false; // ending one's own sessions needs a step-up
    bool enrolment_ends_api_tokens = false; // those from before the first factor
    relying_party webauthn;                 // off unless the operator names a domain

    std::array<bool, event_type_count> alerts = all_on(); // `policy.alerts.<event>`

    // Whether a new account starts with the e-mail factor, where nobody says otherwise.
    [[nodiscard]] bool starts_with_email_factor() const noexcept {
        return email_factor && email_factor_by_default;
    }
    [[nodiscard]] bool alert_on(event_type type) const noexcept {
        return alerts[static_cast<std::size_t>(type)];
    }

private:
    static constexpr std::array<bool, event_type_count> all_on() {
        std::array<bool, event_type_count> on{};
        on.fill(true);
        return on;
    }
};

} // namespace countersign::core
