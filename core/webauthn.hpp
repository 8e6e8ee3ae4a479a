// WebAuthn Level 3, the relying party's half: whether what a browser brought back registers a
// passkey (section 7.1) or proves one (section 7.2). Pure; what is done about the answer is
// core/decide/passkeys.
#pragma once

#include "core/crypto/passkey_key.hpp"
#include "core/result.hpp"

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::core {

// Who we are to browsers: the settings `webauthn.…`.
struct relying_party {
    std::string id;                   // a domain; empty: passkeys are off
    std::string name;                 // what authenticators show; empty: the id
    std::vector<std::string> origins; // as browsers say them; none: https:// and the id
    bool verifies_users = false;      // a PIN or a fingerprint is asked for, not touch alone
    bool takes_synced = true;         // also keys that may leave their device

    [[nodiscard]] bool is_on() const noexcept { return !id.empty(); }
    [[nodiscard]] const std::string& shown_name() const noexcept {
        return name.empty() ? id : name;
    }
    [[nodiscard]] bool accepts(std::string_view origin) const;
    friend bool operator==(const relying_party&, const relying_party&) = default;
};

// The check that failed, in the order of the steps; both sections where both have it.
enum class webauthn_error : std::uint8_t {
    client_data,            // 7.1 steps 5-6, 7.2 steps 8-9: not the JSON that it should be
    type,                   // 7.1 step 7, 7.2 step 10
    challenge,              // 7.1 step 8, 7.2 step 11
    origin,                 // 7.1 step 9, 7.2 step 12
    cross_origin,           // 7.1 step 10, 7.2 step 13
    top_origin,             // 7.1 step 11, 7.2 step 14
    attestation_object,     // 7.1 step 13: not CBOR, or not of the three members
    authenticator_data,     // 7.1 step 13, section 6.1: not whole, or with something behind its end
    rp_id,                  // 7.1 step 14, 7.2 step 15
    user_presence,          // 7.1 step 15, 7.2 step 16
    user_verification,      // 7.1 step 16, 7.2 step 17
    backup_state,           // 7.1 step 17, 7.2 step 18: backed up, and not eligible for it
    algorithm,              // 7.1 step 20: none of those that were asked for
    public_key,             // 7.1 step 13: no key of its algorithm
    attestation_format,     // 7.1 step 21: neither `none` nor `packed` without certificates
    attestation_statement,  // 7.1 step 22
    credential_id,          // 7.1 step 25: empty, or longer than 1,023 bytes
    credential_registered,  // 7.1 step 26: the account has it already
    credential_not_allowed, // 7.2 step 5: none of the account's
    user_handle,            // 7.2 step 6: of another account
    backup_eligibility,     // 7.1 step 18, where it is not wanted; 7.2 step 19: another than it was
    signature,              // 7.2 step 21
    counter,                // 7.2 step 22: not above the last one
};
// The stable name, as replies say it: "top_origin".
[[nodiscard]] std::string_view to_string(webauthn_error error) noexcept;

// What is kept of a credential (section 4, "credential record").
struct passkey_credential {
    std::string id; // base64url
    passkey_algorithm algorithm = passkey_algorithm::es256;
    std::string public_key; // base64url of attested_key()
    std::uint32_t sign_count = 0;
    bool user_verified = false; // when it was registered
    bool backup_eligible = false, backed_up = false;
    friend bool operator==(const passkey_credential&, const passkey_credential&) = default;
};

inline constexpr std::size_t credential_id_max_bytes = 1023;

// What was asked for.
struct ceremony {
    const relying_party& party;
    std::string_view challenge; // base64url, as the options had it
};

// As the browser gave them, out of base64url.
struct registration_response {
    std::string client_data_json, attestation_object;
};
// The credential that it registers.
[[nodiscard]] boost::system::result<passkey_credential, webauthn_error>
verify_registration(const registration_response& response, const ceremony& asked);

struct assertion_response {
    std::string credential_id; // base64url
    std::string client_data_json, authenticator_data, signature;
    std::optional<std::string> user_handle;
};
// The credential as it is to be kept now (step 24). `user_handle` is the account's.
[[nodiscard]] boost::system::result<passkey_credential, webauthn_error>
verify_assertion(const assertion_response& response, const ceremony& asked,
                 const passkey_credential& kept, std::string_view user_handle);

} // namespace countersign::core
