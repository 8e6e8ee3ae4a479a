// A realm export of Keycloak, read for an import: what comes of it are import lines, and reasons.
#include "tests/fuzz/app/import_reading.hpp"

namespace countersign::fuzz {
namespace {

void import_keycloak(std::string_view input) {
    for (const bool everybody : {false, true})
        read_import(input, {.format = app::import_format::keycloak,
                            .email_domain = "example.org",
                            .usernames_as_subjects = everybody,
                            .users_without_totp = everybody});
}

const registration here("import_keycloak", import_keycloak);

} // namespace
} // namespace countersign::fuzz
