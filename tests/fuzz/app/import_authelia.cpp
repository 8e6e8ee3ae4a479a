// The YAML of Authelia, read for an import: what comes of it are import lines, and reasons.
#include "tests/fuzz/app/import_reading.hpp"

namespace countersign::fuzz {
namespace {

void import_authelia(std::string_view input) {
    read_import(input, {.format = app::import_format::authelia, .email_domain = "example.org"});
}

const registration here("import_authelia", import_authelia);

} // namespace
} // namespace countersign::fuzz
