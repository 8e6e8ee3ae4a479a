// The command line: which command, and which settings are given as flags.
#pragma once

#include "app/configuration.hpp"
#include "app/import_record.hpp"
#include "app/keys_options.hpp"
#include "app/mail_options.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace countersign::app {

enum class command : std::uint8_t {
    serve,
    notify,
    key_create,
    key_list,
    key_revoke,
    keys,
    import_subjects,
    mail,
    activity,
    account,
    config_check
};

struct invocation {
    command what = command::serve;
    std::optional<std::filesystem::path> file; // --config
    named_values flags;                        // one for each setting given
    std::string key_name;                      // key create --name
    std::string key_scopes;                    // key create --scopes, as typed
    std::string key_id;                        // key revoke ID
    std::filesystem::path import_file;         // import FILE
    import_options import;                     // import --format …
    mail_options mail;                         // mail …
    keys_options keys;                         // keys …
    std::string account = {};                  // activity ACCOUNT, account ACCOUNT
};

// What to print instead of running a command: help, the version, or what is wrong with the line.
struct early_exit {
    int exit_code; // 0, or exit_code_usage
    std::string text;
};

[[nodiscard]] std::variant<invocation, early_exit> parse_command_line(int argc,
                                                                      const char* const* argv);

} // namespace countersign::app
