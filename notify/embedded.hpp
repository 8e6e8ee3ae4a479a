// The files of catalogues/ and templates/, put into the program when it is built.
#pragma once

#include <span>
#include <string_view>

namespace countersign::notify {

struct embedded_file {
    std::string_view name; // relative to notify/, e.g. "catalogues/en.json"
    std::string_view text;
};
[[nodiscard]] std::span<const embedded_file> embedded_files() noexcept;

} // namespace countersign::notify
