// The account is the aggregate: one value holding everything that must change together. It is
// loaded whole, decided upon by pure functions (core/decide/), and committed whole.
#pragma once

#include "core/codes.hpp"
#include "core/hash_list.hpp"
#include "core/text.hpp"
#include "core/tokens.hpp"
#include "core/totp.hpp"
#include "core/types.hpp"
#include "core/webauthn.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

enum class factor_method : std::uint8_t { totp, email, passkey };
[[nodiscard]] std::string_view to_string(factor_method method) noexcept;
// Of the methods with codes, which can be preferred; no other name is known.
[[nodiscard]] std::optional<factor_method> factor_method_from(std::string_view name) noexcept;

// What a mailed code or link is good for. One is live per purpose.
enum class code_purpose : std::uint8_t { second_factor, verify_email, reset_password };
[[nodiscard]] std::string_view to_string(code_purpose purpose) noexcept;

struct totp_device {
    factor_id id;
    std::string label;
    totp_parameters parameters;
    std::string sealed_secret; // by the key ring, under totp_secret_context()
    totp_step
        last_accepted_step{}; // no code of this step or an earlier one is ever accepted (T-01)
    unix_time enrolled_at{};
    friend bool operator==(const totp_device&, const totp_device&) = default;
};

// An enrolment that has not been confirmed: it neither gates nor satisfies anything (T-38).
struct pending_totp {
    std::string token_id; // what its confirmation must name; empty: nothing
    std::string begun_by; // who alone may confirm it (requester_key() of core/decide/evidence.hpp)
    totp_device device;
    hash_list backup_code_hashes; // in force with the device
    unix_time expires_at{};
    friend bool operator==(const pending_totp&, const pending_totp&) = default;
};

inline constexpr std::size_t passkeys_max = 10; // of an account

struct passkey {
    passkey_id id;
    std::string label;
    passkey_credential credential;
    std::vector<std::string> transports; // how browsers may reach it; a hint for them
    unix_time enrolled_at{}, last_used_at{};
    friend bool operator==(const passkey&, const passkey&) = default;
};

// A passkey that has not been confirmed: it neither gates nor satisfies anything (T-38). The
// challenge is no secret: the browser has it, and without the authenticator it is worth nothing.
struct pending_passkey {
    passkey_id id;
    std::string label;
    std::string begun_by;  // as pending_totp::begun_by
    std::string challenge; // base64url
    unix_time expires_at{};
    friend bool operator==(const pending_passkey&, const pending_passkey&) = default;
};

// What a passkey is asked to sign; answered once.
struct passkey_challenge {
    std::string challenge; // base64url
    unix_time expires_at{};
    friend bool operator==(const passkey_challenge&, const passkey_challenge&) = default;
};

struct mailed_code {
    code_purpose purpose = code_purpose::second_factor;
    std::string hash; // code_hasher, domain to_string(purpose)
    unix_time expires_at{};
    std::string address; // where it was sent; what it proves
    int misses = 0;      // wrong answers to this one; of codes that stand for no second factor
    friend bool operator==(const mailed_code&, const mailed_code&) = default;
};

// One mail with a code that has not been answered yet: the budget of section 3 of the design.
struct sent_mail {
    code_purpose purpose = code_purpose::second_factor;
    unix_time at{};
    friend bool operator==(const sent_mail&, const sent_mail&) = default;
};

// Consecutive misses of one kind of evidence, over every factor, family and path (T-10, T-14).
struct attempt_state {
    int misses = 0;
    unix_time blocked_until{};
    friend bool operator==(const attempt_state&, const attempt_state&) = default;
};

struct client_info {
    std::string ip;
    std::string browser, os; // what the client said of itself; shown, never trusted
    friend bool operator==(const client_info&, const client_info&) = default;
};

struct session {
    session_id id;
    std::string refresh_hash; // code_hasher, domain "refresh", of the live refresh token's id
    assurance_level assurance = assurance_level::aal1; // NIST SP 800-63B-4 section 2
    std::optional<unix_time> second_factor_at; // the latest proof of a second factor within it
    client_info client;
    unix_time created_at{}, last_seen{}, expires_at{};
    friend bool operator==(const session&, const session&) = default;
};

// A credential for programs of the account's holder; it lives until it is revoked.
struct api_token {
    api_token_id id;
    std::string name;
    std::string hash; // code_hasher, domain "api-token", of the secret part
    unix_time created_at{};
    friend bool operator==(const api_token&, const api_token&) = default;
};

// A half-finished login or step-up: password right, second factor outstanding. Single use.
struct challenge {
    challenge_id id;
    challenge_purpose purpose = challenge_purpose::login;
    session_id session; // of a step-up; empty for a login
    client_info client; // of a login: who knew the password
    unix_time begun_at{}, expires_at{};
    session_id replaces; // of a login: what its browser had before, and loses with the new session
    friend bool operator==(const challenge&, const challenge&) = default;
};

// Challenges that were begun at about one time, the latest at `at`, and not completed.
struct begun_challenges {
    unix_time at{};
    int count = 0;
    friend bool operator==(const begun_challenges&, const begun_challenges&) = default;
};

// A pending login that ran out or was evicted, of which the account's holder has not heard yet.
struct unfinished_login {
    unix_time at{}; // when the password was right
    client_info client;
    friend bool operator==(const unfinished_login&, const unfinished_login&) = default;
};

inline constexpr std::size_t notification_addresses_max = 3;

struct account {
    account_id id;
    std::string email;           // canonical (email_address)
    bool email_verified = false; // set by proof only (T-37)
    std::string pending_email;   // a change that its new address has not confirmed; or empty
    std::string name;
    std::string family_name;   // the end of `name` that is the family's, where that is known
    std::string subject;       // what a backend calls it; empty: no backend made it
    std::string locale;        // BCP 47, or empty
    std::string password_hash; // PHC string; empty: no local password
    unix_time created_at{}, last_active{};
    unix_time
        registration_reported_at{}; // the latest alert that somebody tried to register it again

    std::optional<unix_time> email_factor_since; // the e-mail factor is on if set
    std::vector<totp_device> totp;
    std::optional<pending_totp> enrolment;
    std::vector<passkey> passkeys; // oldest first
    std::optional<pending_passkey> passkey_enrolment;
    std::optional<core::passkey_challenge> passkey_challenge; // the live one
    hash_list backup_code_hashes;                             // of unused codes
    // Of the methods with codes always one that is on, or none.
    std::optional<factor_method> preferred;

    std::vector<mailed_code> codes; // at most one per purpose
    std::vector<sent_mail> mails;   // of the last day, oldest first
    attempt_state factor_attempts, password_attempts;
    std::vector<challenge> challenges;               // oldest first
    std::vector<begun_challenges> unanswered;        // of the last day, oldest first
    std::optional<unfinished_login> unfinished;      // the first of those not told yet
    unix_time failure_told_at{}, reuse_told_at{};    // the latest alerts of what may come often
    std::vector<session> sessions;                   // oldest first
    std::vector<api_token> api_tokens;               // oldest first
    std::vector<std::string> notification_addresses; // where alerts go beside `email`; none twice
    bool dark_mode = true;                           // a preference that Clara's clients keep here

    [[nodiscard]] bool has(factor_method method) const noexcept;
    [[nodiscard]] bool has_second_factor() const noexcept;
    // Enabled methods in the order in which clients expect them: TOTP, e-mail, passkeys.
    [[nodiscard]] std::vector<factor_method> methods() const;
    // Those of them that are proved by a code: all that most families can ask for.
    [[nodiscard]] std::vector<factor_method> code_methods() const;
    [[nodiscard]] const session* find_session(const session_id& id, unix_time now) const noexcept;

    friend bool operator==(const account&, const account&) = default;
};

// A name in the two parts that some contracts want: as they were given, or split at the last space.
struct personal_name {
    std::string given;
    std::string family; // may be empty
};
[[nodiscard]] personal_name name_of(const account& account);
void set_name(account& account, const personal_name& name);

// Associated data of a TOTP secret: it cannot be moved to another account or device.
[[nodiscard]] std::string totp_secret_context(const account_id& account, const factor_id& factor);

// When notice_unfinished_logins (core/decide/login.hpp) has something to do; nullopt: as the
// account is now, never. A time in the past: at once.
[[nodiscard]] std::optional<unix_time> notice_due(const account& account);

// The stored form: one CBOR document with a format number. Unknown fields are refused, so that an
// older server never drops what a newer one wrote.
enum class document_error : std::uint8_t {
    malformed,      // no such document, or a field of the wrong type
    unknown_format, // written by a newer version
};
[[nodiscard]] std::string to_document(const account& value);
// The same for people, in JSON.
[[nodiscard]] std::string to_json(const account& value);
// Reads either.
[[nodiscard]] boost::system::result<account, document_error>
account_from_document(std::string_view text);

// The first rule that `value` breaks, in words; nullopt when it is sound. Every decision keeps it
// so.
[[nodiscard]] std::optional<std::string> check_invariants(const account& value);

} // namespace countersign::core
