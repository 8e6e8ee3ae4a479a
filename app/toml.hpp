// The configuration file's text, read strictly: the part of TOML 1.0 that settings need (tables,
// dotted keys, strings on one line, integers, booleans, arrays of these, comments). Everything
// else, a key given twice included, is an error that names the line.
//
// Not CLI11's reader: it cuts quoted values at `#` (a password, for instance), joins keys given
// twice, takes unquoted text, and knows no lines.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace countersign::app {

struct toml_entry {
    std::string name;                // tables and key joined by dots: `mail.url`
    std::vector<std::string> values; // strings without quotes; exactly one unless is_array
    bool is_array = false;
    int line = 0; // where the key stands, from 1
};

struct toml_error {
    int line;
    std::string sentence;
};
[[noreturn]] void throw_exception_from_error(const toml_error& error,
                                             const boost::source_location& where);

// The entries in the order of the file. Errors quote keys, never values.
[[nodiscard]] boost::system::result<std::vector<toml_entry>, toml_error>
read_toml(std::string_view text);

} // namespace countersign::app
