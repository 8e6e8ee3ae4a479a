// A realm export of Keycloak 8 or later (`kc.sh export`): one realm with its `users`, an array of
// such realms, or a file of users ("realm" and "users"). Of each user the OTP credentials of type
// totp are taken, with id, e-mail address, names and `attributes.locale`. The password stays
// behind.
#pragma once

#include "app/import_record.hpp"

#include <memory>
#include <string>

namespace countersign::app {

// `name` is the file's, for sentences. All of it is read at once.
//
// A user without such a credential is passed over unless `users_without_totp` is set; a service
// account always. What cannot be carried over (HOTP, recovery codes) is a record `skipped` of its
// own behind the user's; a credential that cannot be read rejects its user, so that nobody is
// brought over with half of the devices.
[[nodiscard]] fallible<std::unique_ptr<import_reader>>
read_keycloak_export(core::secret_string text, const std::string& name, import_options options);

} // namespace countersign::app
