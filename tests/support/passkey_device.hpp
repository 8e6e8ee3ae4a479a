// An authenticator in software with one passkey, and the browser in front of it. What it says can
// be spoilt member by member, so that each check of a relying party can be seen to fail.
#pragma once

#include "core/webauthn.hpp"

#include <openssl/types.h>

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::tests {

inline constexpr std::string_view passkey_rp_id = "example.org";
inline constexpr std::string_view passkey_origin = "https://login.example.org";

// Flags of authenticator data (WebAuthn Level 3 section 6.1).
inline constexpr unsigned flag_user_present = 0x01, flag_user_verified = 0x04,
                          flag_backup_eligible = 0x08, flag_backed_up = 0x10,
                          flag_credential = 0x40, flag_extensions = 0x80;

class passkey_device {
public:
    explicit passkey_device(core::passkey_algorithm algorithm = core::passkey_algorithm::es256);

    // What the authenticator says.
    std::string rp_id{passkey_rp_id};
    unsigned flags = flag_user_present | flag_user_verified;
    std::uint32_t counter = 0; // of the next ceremony; does not count by itself
    std::string credential_id; // bytes
    std::string cose_key;      // CBOR
    std::string extensions;    // CBOR, or none
    std::string behind_data;   // behind the end of the authenticator data
    bool says_credential_in_assertions = false;

    // What it says of itself: `none`, or `packed`, signed with the passkey itself.
    std::string format = "none";
    std::optional<std::string> statement;          // CBOR, in place of the right one
    std::optional<std::string> attestation_object; // the whole of it

    // What the browser says.
    std::string origin{passkey_origin};
    std::optional<std::string> type, challenge; // in place of the right ones
    boost::json::object more_client_data;       // beside them
    std::optional<std::string> client_data;     // the whole of it

    std::optional<std::string> signature; // in place of the right one

    // `challenge` is base64url, as the options have it.
    [[nodiscard]] core::registration_response create(std::string_view challenge) const;
    [[nodiscard]] core::assertion_response get(std::string_view challenge) const;

    // The same as browsers say them in JSON (section 5.1).
    [[nodiscard]] boost::json::object create_json(std::string_view challenge) const;
    [[nodiscard]] boost::json::object
    get_json(std::string_view challenge,
             const std::optional<std::string>& user_handle = std::nullopt) const;

private:
    [[nodiscard]] std::string client_data_of(std::string_view right_type,
                                             std::string_view right_challenge) const;
    [[nodiscard]] std::string authenticator_data(bool with_credential) const;
    [[nodiscard]] std::string sign(const std::string& authenticator_data,
                                   const std::string& client_data_json) const;

    core::passkey_algorithm algorithm_;
    std::shared_ptr<EVP_PKEY> key_;
};

// CBOR of what tests write: a text, bytes, a number.
[[nodiscard]] std::string cbor_text(std::string_view text);
[[nodiscard]] std::string cbor_bytes(std::string_view bytes);
[[nodiscard]] std::string cbor_number(std::int64_t number);

} // namespace countersign::tests
