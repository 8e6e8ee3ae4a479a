// The rules that more than one decision keeps: who may ask, how misses are counted, how a code is
// proved, when a mail may go out. For core/decide/ only.
#pragma once

#include "core/decide/evidence.hpp"
#include "core/decision.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core::rules {

// A decision in the making: the account as it will be, and what it causes.
struct draft {
    account next;
    std::vector<event> events;
    bool counts_when_refused = false; // a miss was counted, or a session was ended for misuse

    // Starts from `current` without what has run out by `now`; a login that has is unfinished.
    draft(const account& current, unix_time now);

    template <typename Success>
    [[nodiscard]] decision<Success> grant(Success success) && {
        return {std::move(success), std::move(next), std::move(events)};
    }
    // Refuses. What the refusal must leave behind (a counted miss and the alert about it) is
    // committed; a request that was merely incomplete changes nothing.
    template <typename Success>
    [[nodiscard]] decision<Success> refuse(refusal why) && {
        if (!counts_when_refused) return {why, std::nullopt, {}};
        return {why, std::move(next), std::move(events)};
    }
};

// Refuses and changes nothing.
template <typename Success>
[[nodiscard]] decision<Success> refuse(refusal why) {
    return {why, std::nullopt, {}};
}
template <typename Success>
[[nodiscard]] decision<Success> refuse(refusal_reason reason) {
    return refuse<Success>(refusal{reason});
}

// The session or the API token stands in the account. Refuses with session_ended.
[[nodiscard]] std::optional<refusal> check_requester(const account& account, const requester& by,
                                                     unix_time now);
// The same, and the step-up where the authority is one.
[[nodiscard]] std::optional<refusal> check_authority(const account& account, const authority& by,
                                                     const policy& policy, unix_time now);
// The session stands in the account and has not run out.
[[nodiscard]] std::optional<refusal> check_session(const account& account,
                                                   const session_proof& proof, unix_time now);
// The session stands, the step-up token is of that session, and it reaches AAL2 where the account
// has a second factor that does (T-30).
[[nodiscard]] std::optional<refusal> check_step_up(const account& account,
                                                   const session_proof& proof, const policy& policy,
                                                   unix_time now);

// While misses pause or lock an account nothing is evaluated (T-10, NIST SP 800-63B-4 3.2.2).
[[nodiscard]] std::optional<refusal> check_attempts(const attempt_state& state,
                                                    const attempt_policy& policy, unix_time now);
// Counts a miss; when it starts the first pause or the lock, the account's holder hears of it.
void count_miss(draft& draft, attempt_state account::* counter, const context& context,
                const request_origin& origin, unix_time now);

// Proves the password, or counts the miss; nothing is evaluated while misses pause it. The check
// speaks for this account only if its hash, or what is to replace it, is the account's. A right
// password brings the replacement into force.
[[nodiscard]] std::optional<refusal> prove_password(draft& draft, const password_check& check,
                                                    const context& context,
                                                    const request_origin& origin, unix_time now);

// Each proves a code and uses it up, or counts the miss; nothing is evaluated while misses pause
// it. The holder hears of a TOTP code that was used up before, at most once an hour.
[[nodiscard]] std::optional<refusal> prove_totp(draft& draft, std::string_view code,
                                                const context& context,
                                                const request_origin& origin, unix_time now);
[[nodiscard]] std::optional<refusal> prove_mailed_code(draft& draft, std::string_view code,
                                                       const context& context,
                                                       const request_origin& origin, unix_time now);
[[nodiscard]] std::optional<refusal> prove_backup_code(draft& draft, std::string_view code,
                                                       const context& context,
                                                       const request_origin& origin, unix_time now);

// A code of whichever factor is on, or a backup code: one miss if it is none of them. What takes
// TOTP away is not proved by the weaker mailed code. A mailed code is of `made_for` (bound_code()).
enum class mailed_codes : std::uint8_t { count, do_not_count };
[[nodiscard]] boost::system::result<proof_method, refusal>
prove_any_code(draft& draft, std::string_view code, mailed_codes mailed,
               const challenge_id& made_for, const context& context, const request_origin& origin,
               unix_time now);

// A code that stands for no second factor: it verifies the present address (T-37) or allows a new
// password. Whoever may ask for one needs no password, so its misses weigh on the code alone, which
// dies of `attempts.pause_after` of them, and cannot lock the account. Refuses with blocked,
// code_not_mailed, code_expired, wrong_code.
[[nodiscard]] std::optional<refusal> prove_contact_code(draft& draft, code_purpose purpose,
                                                        std::string_view code,
                                                        const context& context, unix_time now);

struct mail_request {
    code_purpose purpose;
    event_type type;
    std::string address;
    const sealed_code& code;
    seconds life;
    mail_asker asker = mail_asker::holder;
};
// Replaces the live code of the purpose and mails the new one. The cooldown and the budget are
// checked first, so a refused resend leaves the mailed code good (T-17). Returns the cooldown.
[[nodiscard]] boost::system::result<seconds, refusal>
send_code(draft& draft, const mail_request& mail, const context& context,
          const request_origin& origin, unix_time now);
// The time until a mail of the purpose may go out again; zero if now.
[[nodiscard]] seconds mail_wait(const account& account, code_purpose purpose, mail_asker asker,
                                const policy& policy, unix_time now);

// The live code of a purpose, proved by its secret and used up. Refuses with wrong_code, or with
// code_expired, which is checked first (native contract section 3.6).
[[nodiscard]] boost::system::result<mailed_code, refusal_reason>
redeem(account& account, code_purpose purpose, std::string_view secret, const code_hasher& codes,
       unix_time now);

// Adds a session, evicting the oldest above the cap.
session& open_session(account& account, const session_material& material, assurance_level level,
                      const context& context, const request_origin& origin, unix_time now);
// When a session that began at `begun` ends, if nothing prolongs it any more: after `life`, and at
// the latest `tokens.session` after its login.
[[nodiscard]] unix_time end_of_session(unix_time begun, seconds life, const token_lives& lives,
                                       unix_time now);
// Records that this session, which stands, has proved a second factor.
void raise_session(account& account, const session_id& id, unix_time now);
// Ends one session, if it stands, and the step-ups that it has pending.
void end_session(account& account, const session_id& ended);
// Ends all sessions but `kept` (empty: all), and every pending challenge with them.
void end_sessions(account& account, const session_id& kept);
// What a new second factor does to sessions: the one that asked stays and has proved it, every
// other ends; all end where no session asked (T-33).
void end_other_sessions(account& account, const authority& by, unix_time now);
// A factor was added to what `before` was. Ends the API tokens if it is the first that counts and
// policy says so: they were made when there was none to prove.
void end_earlier_api_tokens(account& account, const core::account& before, const policy& policy);
// The preferred method after one was added or removed: stays if it is on, else the first that is.
void settle_preference(account& account);
// Whether policy lets e-mail be turned on. Refuses with method_forbidden.
[[nodiscard]] std::optional<refusal> check_email_factor(const policy& policy);
// Whether policy keeps the method, because no other that counts is on. Refuses with only_method.
[[nodiscard]] std::optional<refusal> check_removal(const account& account, factor_method method,
                                                   const context& context);
// Each with the backup codes, if nothing is left that they stand beside.
void clear_totp(account& account);
void remove_passkey(account& account, const passkey_id& removed);
void clear_passkeys(account& account); // and what is pending of them
void clear_email_factor(account& account);
// A second factor was added or removed; `label` is the device's.
void announce_factor(draft& draft, event_type type, factor_method method, std::string label,
                     const context& context, const request_origin& origin, unix_time now);
// A pending login that nobody completed, to be told by notice_unfinished_logins.
void note_unfinished(account& account, const challenge& login);
void add_challenge(account& account, challenge pending, const policy& policy);

// Another address for the account, not yet verified. Both addresses hear of it.
void change_email(draft& draft, const std::string& address, const context& context,
                  const request_origin& origin, unix_time now);

// An alert to every notification address; where its switch is off, to the account's history only.
[[nodiscard]] event make_event(const draft& draft, event_type type, const request_origin& origin,
                               unix_time now);
void alert(draft& draft, event event, const policy& policy);
void alert(draft& draft, event_type type, const context& context, const request_origin& origin,
           unix_time now);
// At most once an hour; `told_at` is when it was last.
void alert_hourly(draft& draft, event event, unix_time account::* told_at, const policy& policy,
                  unix_time now);

} // namespace countersign::core::rules
