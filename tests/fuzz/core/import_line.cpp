// Lines of an import: what is taken is written as one line that is read back to the same value, and
// a refusal has a name and a sentence.
#include "core/import_line.hpp"
#include "tests/fuzz/target.hpp"

#include <set>

namespace countersign::fuzz {
namespace {

bool same(const core::otpauth& left, const core::otpauth& right) {
    return left.issuer == right.issuer && left.account_name == right.account_name &&
           left.secret == right.secret && left.parameters == right.parameters;
}

bool same(const core::import_line& left, const core::import_line& right) {
    return left.subject == right.subject && left.email == right.email && left.name == right.name &&
           left.locale == right.locale && left.backup_code_digests == right.backup_code_digests &&
           std::equal(left.totp.begin(), left.totp.end(), right.totp.begin(), right.totp.end(),
                      [](const auto& a, const auto& b) { return same(a, b); });
}

void import_line(std::string_view input) {
    const auto read = core::parse_import_line(input);
    if (read.has_error()) {
        require(!core::to_string(read.error()).empty() && !core::describe(read.error()).empty(),
                "a refusal has a name and a sentence");
        return;
    }
    require(input.size() <= core::import_line_size_max, "a line is within its bound");
    require(core::is_valid_subject(read->subject), "the subject is one");
    require(core::is_valid_display_name(read->name), "the name can be shown");
    require(read->totp.size() <= core::totp_devices_max, "the devices are within their bound");
    for (auto left = read->totp.begin(); left != read->totp.end(); ++left) {
        require(core::is_valid_utf8(core::device_label(*left)), "a device's label is text");
        for (auto right = std::next(left); right != read->totp.end(); ++right)
            require(!(left->secret == right->secret), "no secret comes twice (T-01)");
    }
    const std::set<std::string> digests(read->backup_code_digests.begin(),
                                        read->backup_code_digests.end());
    require(digests.size() == read->backup_code_digests.size(), "no backup code comes twice");

    const auto line = core::to_json(*read);
    require(line.find('\n') == std::string::npos, "a line is one line");
    const auto again = core::parse_import_line(line);
    require(again.has_value() && same(*again, *read), "what is written reads back as it was");
}

const registration here("import_line", import_line);

} // namespace
} // namespace countersign::fuzz
