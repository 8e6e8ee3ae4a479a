// What the operator may decide: lives, counts, windows and switches. The defaults are the house's
// rules; every member is a setting of the same name (`policy.…`, `tokens.…`).
#pragma once

#include "core/event.hpp"
#include "core/types.hpp"

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
    bool email_factor_by_default = true; // native contract section 3.6
    std::size_t sessions_max = 50;       // the oldest is evicted
    std::size_t challenges_max = 8;      // pending logins and step-ups; the oldest is evicted
    int challenges_per_hour = 50;        // begun and not completed, of an account
    int challenges_per_day = 100;
    std::size_t api_tokens_max = 10;    // of an account (slugbase contract section 2.1)
    bool require_second_factor = false; // the last one cannot be removed, in no family
    std::array<bool, event_type_count> alerts = all_on(); // `policy.alerts.<event>`

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
