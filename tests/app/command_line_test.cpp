#include "app/command_line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace countersign::app {
namespace {

std::variant<invocation, early_exit> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "countersign");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

invocation parsed(std::vector<const char*> arguments) {
    auto result = parse(std::move(arguments));
    if (const auto* exit = std::get_if<early_exit>(&result)) ADD_FAILURE() << exit->text;
    return std::holds_alternative<invocation>(result) ? std::get<invocation>(result) : invocation{};
}

early_exit refused(std::vector<const char*> arguments) {
    auto result = parse(std::move(arguments));
    EXPECT_TRUE(std::holds_alternative<early_exit>(result));
    return std::holds_alternative<early_exit>(result) ? std::get<early_exit>(result) : early_exit{};
}

TEST(CommandLine, EveryCommand_IsUnderstood) {
    EXPECT_EQ(parsed({"serve"}).what, command::serve);
    EXPECT_EQ(parsed({"notify"}).what, command::notify);
    EXPECT_EQ(parsed({"config", "check"}).what, command::config_check);
    EXPECT_EQ(parsed({"key", "list"}).what, command::key_list);
    const auto activity = parsed({"activity", "acme-42"});
    EXPECT_EQ(activity.what, command::activity);
    EXPECT_EQ(activity.account, "acme-42");
    EXPECT_EQ(refused({"activity"}).exit_code, exit_code_usage);
    const auto account = parsed({"account", "acme-42"});
    EXPECT_EQ(account.what, command::account);
    EXPECT_EQ(account.account, "acme-42");
    EXPECT_EQ(refused({"account"}).exit_code, exit_code_usage);
    const auto create = parsed({"key", "create", "--name", "shop", "--scopes", "verify,manage"});
    EXPECT_EQ(create.what, command::key_create);
    EXPECT_EQ(create.key_name, "shop");
    EXPECT_EQ(create.key_scopes, "verify,manage");
    const auto revoke = parsed({"key", "revoke", "0123456789abcdef", "--data_dir=/d"});
    EXPECT_EQ(revoke.what, command::key_revoke);
    EXPECT_EQ(revoke.key_id, "0123456789abcdef");
    EXPECT_EQ(revoke.flags, (named_values{{"data_dir", "/d"}}));
}

TEST(CommandLine, KeysCommands_AreUnderstood) {
    const auto rotate = parsed({"keys", "rotate", "--tokens", "--pepper", "--stage"});
    EXPECT_EQ(rotate.what, command::keys);
    EXPECT_EQ(rotate.keys.what, keys_action::rotate);
    EXPECT_TRUE(rotate.keys.groups.tokens && rotate.keys.groups.pepper && rotate.keys.stage);
    EXPECT_FALSE(rotate.keys.groups.encryption || rotate.keys.activate || rotate.keys.now);
    EXPECT_TRUE(parsed({"keys", "rotate", "--activate"}).keys.activate);
    EXPECT_EQ(parsed({"keys", "reseal"}).keys.what, keys_action::reseal);
    EXPECT_TRUE(parsed({"keys", "show", "--use"}).keys.count_use);
    const auto retire = parsed({"keys", "retire", "--encryption", "--now", "--tokens.access=60"});
    EXPECT_EQ(retire.keys.what, keys_action::retire);
    EXPECT_TRUE(retire.keys.groups.encryption && retire.keys.now);
    EXPECT_EQ(retire.flags, (named_values{{"tokens.access", "60"}}));
    EXPECT_EQ(refused({"keys"}).exit_code, exit_code_usage);
    EXPECT_EQ(refused({"keys", "retire", "--stage"}).exit_code, exit_code_usage);
}

TEST(CommandLine, EverySetting_IsAFlagOfEveryCommand) {
    for (const auto& row : setting_table()) {
        const auto flag = "--" + row.name + "=5";
        const named_values expected{{row.name, "5"}};
        EXPECT_EQ(parsed({"serve", flag.c_str()}).flags, expected);
        EXPECT_EQ(parsed({"notify", flag.c_str()}).flags, expected);
        EXPECT_EQ(parsed({"config", "check", flag.c_str()}).flags, expected);
        EXPECT_EQ(parsed({"key", "list", flag.c_str()}).flags, expected);
    }
}

TEST(CommandLine, ConfigAndFlags_AreTaken) {
    const auto call = parsed({"serve", "--config", "c.toml", "--threads", "2"});
    EXPECT_EQ(call.file, "c.toml");
    EXPECT_EQ(call.flags, (named_values{{"threads", "2"}}));
}

TEST(CommandLine, WhatIsUnknownOrMissing_IsNamedInOneLineWithExitCode2) {
    const std::vector<std::pair<std::vector<const char*>, std::string>> cases{
        {{"serve", "--mail.uri=x"}, "--mail.uri"},
        {{"serve", "more"}, "more"},
        {{"server"}, "server"},
        {{"serve", "--mail.url="}, "--mail.url="},
        {{"serve", "--threads=1", "--threads=2"}, "--threads"},
        {{"serve", "--threads"}, "--threads"},
        {{"key", "create", "--scopes=verify"}, "--name"},
        {{"key", "create", "--name=shop"}, "--scopes"},
        {{"key", "revoke"}, "ID"},
        {{"key"}, "subcommand"},
        {{}, "subcommand"}};
    for (const auto& [arguments, named] : cases) {
        const auto exit = refused(arguments);
        EXPECT_EQ(exit.exit_code, 2) << named;
        EXPECT_NE(exit.text.find(named), std::string::npos) << exit.text;
        EXPECT_EQ(exit.text.find('\n'), exit.text.size() - 1) << exit.text;
    }
}

TEST(CommandLine, HelpAndVersion_AreEverywhere) {
    const std::vector<std::vector<const char*>> places{{},
                                                       {"serve"},
                                                       {"notify"},
                                                       {"key"},
                                                       {"key", "create"},
                                                       {"key", "list"},
                                                       {"key", "revoke"},
                                                       {"config"},
                                                       {"config", "check"}};
    for (auto place : places) {
        place.push_back("--help");
        const auto help = refused(place);
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_NE(help.text.find("Usage:"), std::string::npos) << help.text;
        place.back() = "--version";
        EXPECT_EQ(refused(place).exit_code, 0);
        EXPECT_EQ(refused(place).text.find('.'), 1U) << refused(place).text;
    }
}

TEST(CommandLine, HelpOfServe_ExplainsEverySetting) {
    const auto help = refused({"serve", "--help"}).text;
    for (const auto& row : setting_table())
        EXPECT_NE(help.find("--" + row.name + " "), std::string::npos) << row.name;
}

} // namespace
} // namespace countersign::app
