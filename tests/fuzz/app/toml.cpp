// The configuration file's text: what is read says the same when it is written out again, and what
// is refused names a line that exists.
#include "app/toml.hpp"
#include "core/text.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace countersign::fuzz {
namespace {

std::string quoted(std::string_view value) {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    std::string out = "\"";
    for (const char letter : value) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte < ' ' || byte == 0x7F) {
            out += "\\u00";
            out += hexadecimal[byte >> 4];
            out += hexadecimal[byte & 15];
        } else {
            if (letter == '"' || letter == '\\') out += '\\';
            out += letter;
        }
    }
    return out += '"';
}

std::string written(const app::toml_entry& entry) {
    std::string line = quoted(entry.name) + " = ";
    if (!entry.is_array) return line + quoted(entry.values.at(0)) + "\n";
    line += '[';
    for (const auto& value : entry.values)
        line += quoted(value) + ",";
    return line + "]\n";
}

void toml(std::string_view input) {
    const auto lines = std::ranges::count(input, '\n') + 1;
    const auto read = app::read_toml(input);
    if (read.has_error()) {
        require(read.error().line >= 1 && read.error().line <= lines, "the line exists");
        require(!read.error().sentence.empty(), "a refusal is a sentence");
        return;
    }
    std::string text;
    std::set<std::string> names;
    int line = 0;
    for (const auto& entry : *read) {
        require(entry.is_array || entry.values.size() == 1, "a setting has one value");
        require(entry.line > line && entry.line <= lines, "entries come in their order");
        require(names.insert(entry.name).second, "a key comes once");
        for (const auto& value : entry.values)
            require(core::is_valid_utf8(value), "a value is text");
        line = entry.line;
        text += written(entry);
    }
    const auto again = app::read_toml(text);
    require(again.has_value() && again->size() == read->size(), "what is written can be read");
    for (std::size_t i = 0; i < read->size(); ++i)
        require((*again)[i].name == (*read)[i].name && (*again)[i].values == (*read)[i].values &&
                    (*again)[i].is_array == (*read)[i].is_array,
                "an entry reads back as it was");
}

const registration here("toml", toml);

} // namespace
} // namespace countersign::fuzz
