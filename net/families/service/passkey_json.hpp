// Passkeys in the JSON of browsers (WebAuthn Level 3 section 5.1): the options that a page hands to
// navigator.credentials, and what comes back. Words only: nothing is verified here.
#pragma once

#include "core/account.hpp"
#include "core/webauthn.hpp"
#include "net/json_body.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace countersign::net::service {

// Of the account's pending passkey: PublicKeyCredentialCreationOptionsJSON.
[[nodiscard]] boost::json::object creation_options(const core::account& account,
                                                   const core::relying_party& party);
// Of the account's live challenge: PublicKeyCredentialRequestOptionsJSON.
[[nodiscard]] boost::json::object request_options(const core::account& account,
                                                  const core::relying_party& party);

struct shown_registration {
    core::registration_response response;
    std::vector<std::string> transports;
};
// RegistrationResponseJSON and AuthenticationResponseJSON; `shown` is the body's member `passkey`.
// What is wrong is said to the body.
[[nodiscard]] shown_registration read_registration(json_body& body,
                                                   const boost::json::object& shown);
[[nodiscard]] core::assertion_response read_assertion(json_body& body,
                                                      const boost::json::object& shown);

} // namespace countersign::net::service
