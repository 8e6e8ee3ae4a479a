// From file, environment and flags to settings: a flag beats the environment, the environment beats
// the file, the file beats the default. Whatever is unknown or wrong is an error, wherever it
// stands.
#pragma once

#include "app/problem.hpp"
#include "app/setting_table.hpp"
#include "app/settings.hpp"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace countersign::app {

// Names and values, e.g. {"COUNTERSIGN_MAIL_URL", "smtp://…"} or {"mail.url", "smtp://…"}.
using named_values = std::vector<std::pair<std::string, std::string>>;

struct configuration_sources {
    std::optional<std::filesystem::path> file;
    named_values environment; // what does not begin with COUNTERSIGN_ is not looked at
    named_values flags;       // names of settings
};

struct effective_value {
    const setting* row;
    std::string shown;  // secrets as ***
    std::string origin; // `default`, `FILE:LINE`, `COUNTERSIGN_…` or `--…`
};

struct configuration {
    settings values;
    std::vector<effective_value> report; // in the order of the table
};

// The error names the setting, and file and line, variable or flag. A file that holds a secret must
// not be accessible to others than its owner.
[[nodiscard]] fallible<configuration> configure(const configuration_sources& sources);

// The COUNTERSIGN_ variables of this process.
[[nodiscard]] named_values process_environment();

// One line per setting, `name = value # origin`: what `countersign config check` prints. It can be
// used as a configuration file again, but for the secrets.
void print_configuration(std::ostream& out, const configuration& effective);

} // namespace countersign::app
