#include "app/command_line.hpp"

#include <CLI/CLI.hpp>

#include <string_view>

namespace countersign::app {

namespace {

constexpr const char* settings_group =
    "Settings (also COUNTERSIGN_… variables and --config's file)";

// Which settings a command's help shows; it takes all of them.
using is_shown = bool (*)(const setting&);

bool every(const setting&) {
    return true;
}
bool of_the_store(const setting& row) {
    return row.name == "data_dir" || row.name.starts_with("redis.");
}

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& description) {
    auto* added = parent.add_subcommand(name, description);
    added->set_version_flag("--version", COUNTERSIGN_VERSION);
    return added;
}

// A command that runs: it takes --config and the settings.
CLI::App* add_leaf(CLI::App& parent, const std::string& name, const std::string& description,
                   command what, is_shown shown, invocation& out) {
    auto* leaf = add_command(parent, name, description);
    leaf->callback([&out, what] { out.what = what; });
    leaf->add_option_function<std::string>(
            "--config", [&out](const std::string& path) { out.file = path; },
            "A TOML file with settings")
        ->type_name("FILE");
    const settings defaults;
    for (const auto& row : setting_table()) {
        const auto value = row.show(defaults);
        leaf->add_option_function<std::string>(
                "--" + row.name,
                [&out, name_of_row = row.name](const std::string& text) {
                    out.flags.emplace_back(name_of_row, text);
                },
                row.meaning + (value.empty() ? "" : " [" + value + "]"))
            ->type_name(std::string(placeholder(row.kind)))
            ->group(shown(row) ? settings_group : "");
    }
    return leaf;
}

void add_key_commands(CLI::App& program, invocation& out) {
    auto* key = add_command(program, "key", "Keys of backends that use the service API");
    key->require_subcommand(1);
    auto* create = add_leaf(*key, "create", "Makes a key and prints it, once", command::key_create,
                            of_the_store, out);
    create->add_option("--name", out.key_name, "What the key is for, e.g. shop")->required();
    create
        ->add_option("--scopes", out.key_scopes,
                     "What it may do: verify, manage, sessions, import; separated by commas")
        ->required();
    add_leaf(*key, "list", "Lists the keys, without their secrets", command::key_list, of_the_store,
             out);
    auto* revoke =
        add_leaf(*key, "revoke", "Ends a key at once", command::key_revoke, of_the_store, out);
    revoke->add_option("ID", out.key_id, "As `key list` shows it")->required();
}

// CLI11 takes the next argument for the value of `--name=`, so this is refused beforehand.
std::optional<early_exit> find_empty_value(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument(argv[i]);
        if (argument.starts_with("--") && argument.find('=') == argument.size() - 1)
            return early_exit{exit_code_usage,
                              "countersign: " + std::string(argument) + " needs a value\n"};
    }
    return std::nullopt;
}

early_exit explain(const CLI::App& program, const CLI::ParseError& error) {
    if (error.get_name() == "CallForHelp") return {0, program.help()};
    if (error.get_exit_code() == 0) return {0, std::string(error.what()) + "\n"};
    // For `countersign server`, CLI11 says only that a command is missing.
    const auto unknown = program.remaining(true);
    const auto reason = error.get_name() == "RequiredError" && !unknown.empty()
                            ? "there is no command or argument " + unknown.front()
                            : std::string(error.what());
    return {exit_code_usage, "countersign: " + reason + " (see --help)\n"};
}

} // namespace

std::variant<invocation, early_exit> parse_command_line(int argc, const char* const* argv) {
    if (auto wrong = find_empty_value(argc, argv)) return *std::move(wrong);

    invocation out;
    CLI::App program("Countersign: a self-hosted multi-factor authentication server.",
                     "countersign");
    program.set_version_flag("--version", COUNTERSIGN_VERSION);
    program.require_subcommand(1);
    add_leaf(program, "serve", "Answers requests (and sends mails)", command::serve, every, out);
    add_leaf(program, "notify", "Only sends mails", command::notify, every, out);
    add_key_commands(program, out);
    auto* config = add_command(program, "config", "The configuration");
    config->require_subcommand(1);
    add_leaf(*config, "check", "Checks the settings and prints them, and where each comes from",
             command::config_check, every, out);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return explain(program, error);
    }
    return out;
}

} // namespace countersign::app
