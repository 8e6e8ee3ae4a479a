// Pieces of a mail made of hostile values: a value stays one header, one address, one text. The
// input's records: a value, an address, a text.
#include "notify/mime.hpp"
#include "core/text.hpp"
#include "notify/mime_reader.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <string>

namespace countersign::fuzz {
namespace {

constexpr std::size_t line_max = 76; // RFC 2045 section 6.7, RFC 2047 section 2

// Lines that end in CRLF, plain ASCII; all but the first begin with white space.
void check_header(std::string_view header, std::size_t length_max) {
    bool first = true;
    while (!header.empty()) {
        const auto end = header.find("\r\n");
        require(end != std::string_view::npos, "a header line ends in CRLF");
        const auto line = header.substr(0, end);
        require(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }),
                "a header line is printable ASCII");
        require(line.size() <= length_max, "a header line is short");
        require(first || line.starts_with(' '), "a header goes on with white space");
        require(line.find_first_not_of(' ') != std::string_view::npos,
                "a header line is not empty");
        header.remove_prefix(end + 2);
        first = false;
    }
}

void value_in_headers(std::string_view value) {
    const auto line = notify::one_line(value);
    require(core::is_valid_utf8(line), "a line is text");
    require(notify::one_line(line) == line, "a line is one already");
    require(core::code_point_count(line).value_or(~std::size_t{}) <= 200, "a line has its length");
    const auto subject = notify::text_header("Subject", line);
    check_header(subject, line_max);
    require(notify::read_header(subject + "\r\n", "Subject") == line,
            "a header reads back as it was");
    check_header(notify::mailbox_header("From", line, "a@example.org"), line_max);

    const auto escaped = notify::html_escaped(value);
    require(escaped.find_first_of("<>\"'") == std::string::npos, "markup is escaped");
}

void address_in_headers(std::string_view address) {
    if (!notify::is_safe_address(address)) return;
    require(address.find_first_of(" \t\r\n<>,;\"") == std::string_view::npos &&
                std::ranges::count(address, '@') == 1 && !notify::domain_of(address).empty(),
            "a safe address is one address");
    const auto header = notify::mailbox_header("To", {}, address);
    require(header == "To: " + std::string(address) + "\r\n", "an address is one header");
}

void text_as_quoted_printable(std::string_view text) {
    const auto encoded = notify::quoted_printable(text);
    std::string_view rest = encoded;
    while (!rest.empty()) {
        const auto end = rest.find("\r\n");
        require(end != std::string_view::npos && end <= line_max, "a line of text is short");
        const auto line = rest.substr(0, end);
        require(
            std::ranges::all_of(line, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; }),
            "a line of text is printable");
        require(line.empty() || (line.back() != ' ' && line.back() != '\t'),
                "no blanks are lost at a line's end");
        require(!line.starts_with("--=_"), "no line is a boundary of ours");
        rest.remove_prefix(end + 2);
    }
    // Its end is the one thing that may be added.
    auto decoded = notify::decode_quoted_printable(encoded);
    std::string expected(text);
    if (!expected.empty() && !expected.ends_with('\n')) expected += '\n';
    for (std::size_t at = 0; (at = decoded.find("\r\n", at)) != std::string::npos;)
        decoded.erase(at, 1);
    require(decoded == expected, "a text reads back as it was");
}

void mime(std::string_view input) {
    records in(input);
    value_in_headers(in.next());
    address_in_headers(in.next());
    text_as_quoted_printable(in.next());
}

const registration here("mime", mime);

} // namespace
} // namespace countersign::fuzz
