// What commands carry beside the request's own words: evidence that is expensive or random, and
// therefore made before the decision; and what every decision may consult.
#pragma once

#include "core/account.hpp"
#include "core/codes.hpp"
#include "core/crypto/aead.hpp"
#include "core/decision.hpp"
#include "core/random.hpp"
#include "core/tokens.hpp"

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace countersign::core {

// What a decision may consult; outlives it.
struct context {
    const policy& rules;
    const key_ring& keys;
    const code_hasher& codes;
};

// Where a request comes from, and the randomness of the events that it may cause.
struct request_origin {
    std::string nonce; // 32 hexadecimal digits, new for each request
    client_info client;
    std::string locale; // of the request; empty: the account's, then the application's
    // Whose credential the request carries where it is not the account's own: "service:<key id>".
    std::string by = {};
};

// The outcome of one Argon2 run. It speaks only of the hash that it was made against, and of the
// one that is to replace it: of the same password, made where it matched and has other parameters
// than new hashes get; empty: the old one stays.
struct password_check {
    std::string hash_checked_against;
    bool matched = false;
    std::string replacement = {};
};

// Who asks: the session of a verified access token and, where needed, the step-up token as it came.
struct session_proof {
    session_id session;
    boost::system::result<token_claims, token_error> step_up = token_error::missing;
};

// The keyed hash of an API token as it was presented (api_token::hash), under each pepper, with
// spaces between them.
using api_token_hash = identifier<struct api_token_hash_tag>;
[[nodiscard]] api_token_hash join_hashes(const std::vector<std::string>& hashes);
// Whether `stored` is one of them, in constant time.
[[nodiscard]] bool is_hash_of(const api_token_hash& presented, std::string_view stored);
// Speaks with a service key, or a family's own administrative key: which of these may ask what is
// checked before the decision.
struct backend {
    friend bool operator==(const backend&, const backend&) = default;
};

// Who asks. A session and an API token must stand in the account.
using requester = std::variant<session_id, api_token_hash, backend>;
// By what right second factors are changed: a step-up where the family's contract wants one.
using authority = std::variant<session_proof, session_id, api_token_hash, backend>;

// Tells one requester from another: who began an enrolment is who confirms it (T-35).
[[nodiscard]] std::string requester_key(const authority& by);
// Whether `key` is that of the requester, under whichever pepper it was made.
[[nodiscard]] bool is_requester(const authority& by, std::string_view key);

// What a code turned out to be, or what was shown in place of one.
enum class proof_method : std::uint8_t { totp, email, backup_code, passkey };
[[nodiscard]] std::string_view to_string(proof_method method) noexcept;

// The mail that brings a code (not a link) of the purpose.
[[nodiscard]] event_type code_mail_of(code_purpose purpose) noexcept;

// Who has a code mailed: somebody who proved something, or anybody who knows the address. The
// latter leave a part of the budget of mails to the account's holder (T-17).
enum class mail_asker : std::uint8_t { holder, anybody };

// A secret for one mail: its keyed hash for the account, its sealed text for the outbox.
struct sealed_code {
    std::string hash;
    std::string sealed;
};
// `secret` is what a person will present: a code, or a link token's id. `text` is what is mailed.
[[nodiscard]] sealed_code seal_code(const account_id& account, code_purpose purpose,
                                    event_type mailed_as, std::string_view secret,
                                    std::string_view text, const context& context,
                                    random_source& random);

// What of a second-factor code is hashed (`policy.mailed_code_per_challenge`): the code, or the
// code with the pending login or step-up that it was made for (empty: none), which alone it then
// answers.
[[nodiscard]] std::string bound_code(std::string_view code, const challenge_id& made_for,
                                     const policy& policy);

// The identifiers of a session that a decision may open.
struct session_material {
    session_id session;
    std::string refresh_id; // the `jti` of the refresh token
    seconds life{};         // until it ends, unless it is refreshed
};
[[nodiscard]] session_material make_session_material(seconds life, random_source& random);

[[nodiscard]] account_id make_account_id(random_source& random);
[[nodiscard]] request_origin make_origin(client_info client, std::string locale,
                                         random_source& random);

} // namespace countersign::core
