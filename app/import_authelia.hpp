// The YAML of `authelia storage user totp export`: `totp_configurations`, a list of objects with
// username, issuer, algorithm, digits, period, and as `secret` the base64 of the secret's base32
// text. The subject is the user name; there are no addresses in it.
#pragma once

#include "app/import_record.hpp"

#include <memory>
#include <string>

namespace countersign::app {

// `name` is the file's, for sentences. All of it is read at once, some 300 bytes of memory for each
// configuration. Aliases are not followed.
[[nodiscard]] fallible<std::unique_ptr<import_reader>>
read_authelia_export(core::secret_string text, const std::string& name, import_options options);

} // namespace countersign::app
