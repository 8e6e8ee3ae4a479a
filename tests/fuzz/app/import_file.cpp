// A file of any format, told by its beginning. The first byte chooses the options.
#include "tests/fuzz/app/import_reading.hpp"

namespace countersign::fuzz {
namespace {

void import_file(std::string_view input) {
    if (input.empty()) return;
    const auto choice = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    (void)app::detect_import_format(input);
    read_import(input, {.email_domain = (choice & 1U) != 0 ? "example.org" : "",
                        .usernames_as_subjects = (choice & 2U) != 0,
                        .users_without_totp = (choice & 4U) != 0});
}

const registration here("import_file", import_file);

} // namespace
} // namespace countersign::fuzz
