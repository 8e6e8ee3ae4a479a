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
    auto* revoke = add_leaf(*key, "revoke", "Ends a key, within a second", command::key_revoke,
                            of_the_store, out);
    revoke->add_option("ID", out.key_id, "As `key list` shows it")->required();
}

// Those that shape the accounts that an import makes.
bool of_an_import(const setting& row) {
    return of_the_store(row) || row.name == "policy.email_factor" ||
           row.name == "policy.email_factor_by_default" || row.name.starts_with("policy.import_");
}

void add_import_command(CLI::App& program, invocation& out) {
    auto* import =
        add_leaf(program, "import", "Brings in users of another system with their factors",
                 command::import_subjects, of_an_import, out);
    import->add_option("FILE", out.import_file, "The file, or - for the standard input")
        ->required();
    import
        ->add_option_function<std::string>(
            "--format",
            [&out](const std::string& name) { out.import.format = import_format_from(name); },
            "What the file is: ndjson, otpauth, authelia or keycloak; else its content tells")
        ->check(CLI::IsMember({"ndjson", "otpauth", "authelia", "keycloak"}))
        ->type_name("NAME");
    import
        ->add_option("--email-domain", out.import.email_domain,
                     "Makes addresses of user names where the file has none: NAME@DOMAIN")
        ->type_name("DOMAIN");
    import->add_flag("--usernames-as-subjects", out.import.usernames_as_subjects,
                     "Keycloak: the subject is the user's name rather than the id");
    import->add_flag("--users-without-totp", out.import.users_without_totp,
                     "Keycloak: take users without an authenticator app too");
}

bool of_a_submission(const setting& row) {
    return row.name.starts_with("mail.") || row.name == "app.name" || row.name == "data_dir";
}

void add_account_command(CLI::App& program, const char* name, const char* description, command what,
                         invocation& out) {
    auto* leaf = add_leaf(program, name, description, what, of_the_store, out);
    leaf->add_option("ACCOUNT", out.account, "Its id, or what a backend calls the subject")
        ->required();
}

void add_mail_commands(CLI::App& program, invocation& out) {
    auto* mail = add_command(program, "mail", "The mails that wait or were given up");
    mail->require_subcommand(1);
    const auto add = [&](const char* name, const char* description, mail_action what,
                         is_shown shown = of_the_store) {
        auto* leaf = add_leaf(*mail, name, description, command::mail, shown, out);
        leaf->preparse_callback([&out, what](std::size_t) { out.mail.what = what; });
        return leaf;
    };
    const auto add_json = [&out](CLI::App* leaf) {
        leaf->add_flag("--json", out.mail.json, "Prints JSON");
    };
    const auto add_id = [&out](CLI::App* leaf) {
        return leaf->add_option("ID", out.mail.id, "As `mail list` shows it");
    };

    add_json(
        add("status", "How many mails wait, since when, and who sends them", mail_action::status));
    auto* list = add("list", "Lists mails, the oldest first", mail_action::list);
    list->add_option_function<std::string>(
            "--lane",
            [&out](const std::string& name) {
                out.mail.filter.lane =
                    name == "code" ? core::mail_lane::code : core::mail_lane::alert;
            },
            "Only codes and links (code), or only alerts (alert)")
        ->check(CLI::IsMember({"code", "alert"}))
        ->type_name("NAME");
    auto* states = list->add_option_group("Which");
    states->require_option(0, 1);
    const auto add_state = [&](const char* flag, store::mail_state state, const char* meaning) {
        states->add_flag_callback(flag, [&out, state] { out.mail.filter.state = state; }, meaning);
    };
    add_state("--waiting", store::mail_state::waiting, "Only those that are sent next");
    add_state("--retry", store::mail_state::retry, "Only those that are tried again later");
    add_state("--dead", store::mail_state::dead, "Only those that were given up");
    list->add_option("--limit", out.mail.filter.limit, "How many at the most [100]")
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("NUMBER");
    add_json(list);
    auto* show = add("show", "Shows a mail, without its code, with its recipients in full",
                     mail_action::show);
    add_id(show)->required();
    add_json(show);
    auto* retry = add("retry", "Sends again what was given up", mail_action::retry);
    auto* which = retry->add_option_group("Which");
    which->require_option(1);
    add_id(which);
    which->add_flag("--all", out.mail.all, "Everything that was given up");
    auto* drop = add("drop", "Deletes a mail that was given up", mail_action::drop);
    add_id(drop)->required();
    drop->add_flag("--yes", out.mail.yes, "Without it, nothing is deleted");
    auto* test = add("test", "Sends a test mail at once and prints what the relay says",
                     mail_action::test, of_a_submission);
    test->add_option("ADDRESS", out.mail.address, "Who gets it")->required();
}

// Those that say how long what a key made may come back.
bool of_the_keys(const setting& row) {
    return of_the_store(row) || row.name.starts_with("tokens.");
}

void add_keys_commands(CLI::App& program, invocation& out) {
    auto* keys = add_command(program, "keys", "The server's own keys, and how they are replaced");
    keys->require_subcommand(1);
    const auto add = [&](const char* name, const char* description, keys_action what) {
        auto* leaf = add_leaf(*keys, name, description, command::keys, of_the_keys, out);
        leaf->preparse_callback([&out, what](std::size_t) { out.keys.what = what; });
        return leaf;
    };
    const auto add_groups = [&out](CLI::App* leaf) {
        leaf->add_flag("--tokens", out.keys.groups.tokens, "The keys that sign tokens");
        leaf->add_flag("--encryption", out.keys.groups.encryption,
                       "The key that secrets are sealed under");
        leaf->add_flag("--pepper", out.keys.groups.pepper,
                       "The key of the hashes of codes, tokens and addresses");
    };

    auto* show = add("show", "Lists the keys, without their secrets", keys_action::show);
    show->add_flag("--use", out.keys.count_use,
                   "Counts what is under each key: looks at every account");
    auto* rotate =
        add("rotate", "Makes new keys; what old ones made still counts", keys_action::rotate);
    add_groups(rotate);
    rotate->add_flag("--stage", out.keys.stage,
                     "Several servers: the new keys are understood, and not used yet");
    rotate->add_flag("--activate", out.keys.activate, "Uses the keys that were made with --stage");
    rotate->add_flag("--change-algorithm", out.keys.change_algorithm,
                     "Access tokens are to be signed by another algorithm: tokens.algorithm");
    add("reseal", "Puts what stands under old keys under the current ones", keys_action::reseal);
    auto* retire = add("retire", "Drops old keys that nothing needs", keys_action::retire);
    add_groups(retire);
    retire->add_flag("--now", out.keys.now,
                     "Also those whose tokens, codes or hashes may be in use: these are refused");
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
    add_keys_commands(program, out);
    add_import_command(program, out);
    add_mail_commands(program, out);
    add_account_command(program, "activity",
                        "Prints an account's own security history, the newest first",
                        command::activity, out);
    add_account_command(program, "account", "Prints what is stored of an account, in JSON",
                        command::account, out);
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
