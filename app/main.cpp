// The program: read the command line and the settings, then do the one thing that was asked.
#include "app/account_command.hpp"
#include "app/command_line.hpp"
#include "app/configuration.hpp"
#include "app/core_dumps.hpp"
#include "app/import_command.hpp"
#include "app/key_command.hpp"
#include "app/keys_command.hpp"
#include "app/logging.hpp"
#include "app/mail_appearance.hpp"
#include "app/mail_command.hpp"
#include "app/serve.hpp"

#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <utility>

namespace countersign::app {

namespace {

int complain(const std::string& sentence, int exit_code) {
    std::cerr << "countersign: " << sentence << '\n';
    return exit_code;
}

// Whether the command makes mails, or says whether such a command would start.
bool needs_mail_theme(const invocation& call) {
    return call.what == command::serve || call.what == command::notify ||
           call.what == command::config_check ||
           (call.what == command::mail && call.mail.what == mail_action::test);
}

// `theme` is there if the command needs one.
fallible<void> perform(const invocation& call, const configuration& configured,
                       std::optional<notify::mail_theme> theme) {
    const auto& all = configured.values;
    switch (call.what) {
    case command::serve: {
        const logging log(all.log);
        return serve(all, *std::move(theme));
    }
    case command::notify: {
        const logging log(all.log);
        return run_notifier(all, *std::move(theme));
    }
    case command::key_create:
    case command::key_list:
    case command::key_revoke:
        return run_key_command(call, all, std::cout);
    case command::keys:
        return run_keys_command(call.keys, all, std::cout);
    case command::import_subjects:
        return run_import_command(call, all, std::cout);
    case command::mail:
        return run_mail_command(call.mail, all, std::cout);
    case command::activity:
        return run_activity_command(call, all, std::cout);
    case command::account:
        return run_account_command(call, all, std::cout);
    case command::config_check:
        print_configuration(std::cout, configured);
        return {};
    }
    return {};
}

int run(int argc, const char* const* argv) {
    const auto parsed = parse_command_line(argc, argv);
    if (const auto* exit = std::get_if<early_exit>(&parsed)) {
        (exit->exit_code == 0 ? std::cout : std::cerr) << exit->text;
        return exit->exit_code;
    }
    const auto& call = std::get<invocation>(parsed);
    const auto configured = configure({call.file, process_environment(), call.flags});
    if (!configured) return complain(configured.error().sentence, exit_code_usage);
    if (!configured->values.core_dumps) forbid_core_dumps();
    std::optional<notify::mail_theme> theme;
    if (needs_mail_theme(call)) {
        auto read = read_mail_theme(configured->values);
        if (!read) return complain(read.error().sentence, exit_code_usage);
        theme = *std::move(read);
    }
    const auto done = perform(call, *configured, std::move(theme));
    return done ? 0 : complain(done.error().sentence, exit_code_failure);
}

} // namespace

} // namespace countersign::app

int main(int argc, char** argv) {
    try {
        return countersign::app::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "countersign: %s\n", error.what());
        return countersign::app::exit_code_failure;
    }
}
