#include "app/toml.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>

namespace countersign::app {

namespace {

bool is_bare_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
}

bool is_integer(std::string_view word) {
    if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
    return !word.empty() && (word.size() == 1 || word.front() != '0') &&
           std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
    if (point < 0x80) {
        byte(point);
    } else if (point < 0x800) {
        byte(0xC0 | point >> 6);
        byte(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        byte(0xE0 | point >> 12);
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    } else {
        byte(0xF0 | point >> 18);
        byte(0x80 | (point >> 12 & 0x3F));
        byte(0x80 | (point >> 6 & 0x3F));
        byte(0x80 | (point & 0x3F));
    }
}

// One pass over the text. A member that fails throws toml_error, which does not leave this file.
class reader {
public:
    explicit reader(std::string_view text) : text_(text) {}

    std::vector<toml_entry> read() {
        while (skip_blank_lines()) {
            if (peek() == '[')
                read_table();
            else
                read_entry();
            end_of_line();
        }
        return std::move(entries_);
    }

private:
    [[noreturn]] void fail(std::string sentence) const {
        throw toml_error{line_, std::move(sentence)};
    }

    [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[position_]; }
    char next() {
        const char c = text_[position_++];
        if (c == '\n') ++line_;
        return c;
    }
    bool skip(char c) {
        if (at_end() || peek() != c) return false;
        next();
        return true;
    }
    void skip_spaces() {
        while (skip(' ') || skip('\t')) {
        }
    }
    void skip_comment() {
        if (!skip('#')) return;
        while (!at_end() && peek() != '\n') {
            if (const char c = next(); is_control(c) && c != '\r') fail("a control character");
        }
    }
    // To the next line with something on it; false at the end of the file.
    bool skip_blank_lines() {
        do {
            skip_spaces();
            skip_comment();
            skip('\r');
        } while (skip('\n'));
        return !at_end();
    }
    void end_of_line() {
        skip_spaces();
        skip_comment();
        skip('\r');
        if (!at_end() && peek() != '\n') fail("there is more after the value than a comment");
    }

    void read_table() {
        next();
        if (peek() == '[') fail("arrays of tables ([[…]]) mean nothing here");
        table_ = read_key();
        if (!skip(']')) fail("a table's name ends with ]");
        if (std::ranges::find(tables_, table_) != tables_.end())
            fail("the table [" + table_ + "] is there twice");
        tables_.push_back(table_);
    }

    void read_entry() {
        toml_entry entry;
        entry.line = line_;
        entry.name = read_key();
        if (!table_.empty()) entry.name = table_ + "." + entry.name;
        if (!skip('=')) fail("a line is name = value");
        skip_spaces();
        const auto before = std::ranges::find(entries_, entry.name, &toml_entry::name);
        if (before != entries_.end())
            fail(entry.name + " is already given in line " + std::to_string(before->line));
        if (peek() == '[')
            read_array(entry);
        else
            entry.values.push_back(read_value());
        entries_.push_back(std::move(entry));
    }

    // Parts between dots, each bare or quoted, with the spaces after it.
    std::string read_key() {
        std::string key;
        do {
            skip_spaces();
            std::string part;
            if (peek() == '"' || peek() == '\'')
                part = read_string();
            else
                while (is_bare_key_character(peek()))
                    part += next();
            if (part.empty()) fail("a name of letters, digits, _ and - is missing");
            key += (key.empty() ? "" : ".") + part;
            skip_spaces();
        } while (skip('.'));
        return key;
    }

    void read_array(toml_entry& entry) {
        entry.is_array = true;
        next();
        for (;;) {
            if (!skip_blank_lines()) fail("the array of " + entry.name + " is not closed by ]");
            if (skip(']')) return;
            entry.values.push_back(read_value());
            if (!skip_blank_lines()) fail("the array of " + entry.name + " is not closed by ]");
            if (!skip(',') && peek() != ']') fail("the values of an array are separated by commas");
        }
    }

    std::string read_value() {
        if (peek() == '"' || peek() == '\'') return read_string();
        std::string word;
        while (is_bare_key_character(peek()) || peek() == '+' || peek() == '.' || peek() == ':')
            word += next();
        if (word == "true" || word == "false") return word;
        std::string digits;
        std::ranges::copy_if(word, std::back_inserter(digits), [](char c) { return c != '_'; });
        const bool lonely_underscore =
            word.starts_with('_') || word.ends_with('_') || word.find("__") != std::string::npos;
        if (lonely_underscore || !is_integer(digits))
            fail("a value is \"text\", a whole number, true, false, or an array of these");
        return digits.starts_with('+') ? digits.substr(1) : digits;
    }

    std::string read_string() {
        const char quote = next();
        std::string value;
        for (;;) {
            if (at_end() || peek() == '\n') fail("a text is not closed on its line");
            const char c = next();
            if (c == quote) break;
            if (is_control(c)) fail("a control character in a text");
            if (c == '\\' && quote == '"')
                read_escape(value);
            else
                value += c;
        }
        if (value.empty() && peek() == quote) fail("texts of several lines mean nothing here");
        return value;
    }

    void read_escape(std::string& value) {
        static constexpr std::string_view letters = "btnfr\"\\";
        static constexpr std::string_view meanings = "\b\t\n\f\r\"\\";
        const char c = at_end() ? '\0' : next();
        if (const auto index = letters.find(c); index != std::string_view::npos)
            value += meanings[index];
        else if (c == 'u')
            read_code_point(value, 4);
        else if (c == 'U')
            read_code_point(value, 8);
        else
            fail("an unknown escape after \\ (write \\\\ for a backslash, or use 'text')");
    }

    void read_code_point(std::string& value, int digits) {
        std::uint32_t point = 0;
        for (; digits > 0; --digits) {
            static constexpr std::string_view hexadecimal = "0123456789abcdef";
            const char c = peek();
            const auto digit =
                hexadecimal.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
            if (at_end() || digit == std::string_view::npos)
                fail("\\u wants 4 hexadecimal digits, \\U 8");
            next();
            point = point << 4 | static_cast<std::uint32_t>(digit);
        }
        if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) fail("no such character");
        append_utf8(value, point);
    }

    std::string_view text_;
    std::size_t position_ = 0;
    int line_ = 1;
    std::string table_;
    std::vector<std::string> tables_;
    std::vector<toml_entry> entries_;
};

} // namespace

void throw_exception_from_error(const toml_error& error, const boost::source_location& where) {
    throw std::logic_error("a result without a value was read as if it had one: " + error.sentence +
                           " at " + where.to_string());
}

boost::system::result<std::vector<toml_entry>, toml_error> read_toml(std::string_view text) {
    if (!core::is_valid_utf8(text)) return toml_error{1, "the file is not UTF-8"};
    try {
        return reader(text).read();
    } catch (const toml_error& error) {
        return error;
    }
}

} // namespace countersign::app
