// A list of otpauth URIs, read for an import: what comes of it are import lines, and reasons.
#include "tests/fuzz/app/import_reading.hpp"

namespace countersign::fuzz {
namespace {

void import_otpauth(std::string_view input) {
    read_import(input, {.format = app::import_format::otpauth, .email_domain = "example.org"});
}

const registration here("import_otpauth", import_otpauth);

} // namespace
} // namespace countersign::fuzz
