// The tokens that clients carry. Each kind has its own key and its own `typ`, so that a token of
// one kind can never pass for another, whatever its claims say (RFC 8725 sections 3.11 and 3.12).
#pragma once

#include "core/crypto/jws.hpp"
#include "core/result.hpp"
#include "core/types.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

enum class token_kind {
    access,
    refresh,
    step_up,
    two_factor,
    totp_setup,
    email_verification,
    password_reset,
    session_cookie, // a whole session in a cookie (slugbase contract section 2.1)
    user_session,   // a whole session as a bearer token (clara contract section 1.1)
};
inline constexpr std::size_t token_kind_count = 9;

enum class token_error {
    missing,   // the text is empty
    malformed, // not one of ours, of another kind, of another audience, or from the future
    expired,   // ours, but its time is over
};

// NIST SP 800-63B: what a session or a step-up has proved.
enum class assurance_level { aal1 = 1, aal2 = 2 };

// What a pending second factor is asked for.
enum class challenge_purpose { login, step_up };

struct token_claims {
    account_id subject;
    session_id session; // empty where the kind carries none
    std::string id;     // `jti`
    // On the wire in whole seconds (NumericDate): verify() gives both rounded down.
    unix_time issued_at;
    unix_time expires_at;
    assurance_level assurance = assurance_level::aal1;    // step_up only
    challenge_purpose purpose = challenge_purpose::login; // two_factor only
};

// One key ring for each kind, indexed by token_kind.
struct token_keys {
    std::array<jws_key_ring, token_kind_count> rings;
};

// Makes the keys of all kinds out of master keys, each as HMAC-SHA256(master, label of the kind).
// The first master signs; ids are kept.
[[nodiscard]] token_keys derive_token_keys(const std::vector<signing_key>& masters);

// Immutable after construction: const members may be called from any thread.
class token_service {
public:
    token_service(token_keys keys, std::string audience);

    [[nodiscard]] std::string issue(token_kind kind, const token_claims& claims) const;
    // `expired` is answered only to a token that is otherwise good.
    [[nodiscard]] boost::system::result<token_claims, token_error>
    verify(token_kind kind, std::string_view token, unix_time now) const;

    // The JWK Set (RFC 7517 section 5, RFC 8037 section 2) with which others verify access tokens:
    // the keys of EdDSA, the current one first. Empty: there are none.
    [[nodiscard]] std::string key_set() const;

private:
    token_keys keys_;
    std::string audience_;
};

} // namespace countersign::core
