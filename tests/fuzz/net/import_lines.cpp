// The lines of an import's body: the same in whatever pieces it arrives, and as a plain reading of
// the whole has them.
#include "net/families/service/import_lines.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace countersign::fuzz {
namespace {

constexpr std::size_t line_size_max = 24;

struct line {
    std::uint64_t number = 0;
    std::string text;
    bool too_long = false;

    friend bool operator==(const line&, const line&) = default;
};

std::vector<line> plainly(std::string_view input) {
    std::vector<line> lines;
    for (std::uint64_t number = 1; !input.empty(); ++number) {
        auto text = input.substr(0, input.find('\n'));
        input.remove_prefix(std::min(text.size() + 1, input.size()));
        if (text.ends_with('\r')) text.remove_suffix(1);
        const bool too_long = text.size() > line_size_max;
        if (!text.empty()) lines.push_back({number, too_long ? "" : std::string(text), too_long});
    }
    return lines;
}

std::vector<line> in_pieces(std::string_view input, std::size_t size) {
    std::vector<line> lines;
    net::service::import_lines reader(line_size_max);
    for (bool at_end = false; !at_end;) {
        const auto piece = input.substr(0, size);
        input.remove_prefix(piece.size());
        at_end = piece.empty();
        reader.feed(piece);
        while (const auto next = reader.next())
            lines.push_back({next->number, std::string(next->text), next->too_long});
    }
    return lines;
}

void import_lines(std::string_view input) {
    const auto expected = plainly(input);
    for (const std::size_t size : {input.size() + 1, std::size_t{1}, std::size_t{5}})
        require(in_pieces(input, size) == expected, "lines are the same in any pieces");
}

const registration here("import_lines", import_lines);

} // namespace
} // namespace countersign::fuzz
