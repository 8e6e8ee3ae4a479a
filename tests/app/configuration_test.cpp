#include "app/configuration.hpp"

#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace countersign::app {
namespace {

using tests::temporary_directory;

std::string error_of(const configuration_sources& sources) {
    const auto result = configure(sources);
    return result ? "" : result.error().sentence;
}

std::string error_of_flag(std::string name, std::string value) {
    return error_of(
        {.file = {}, .environment = {}, .flags = {{std::move(name), std::move(value)}}});
}

// The error that a file of this text gives, with FILE for its path.
std::string error_of_file(std::string_view text, unsigned mode = 0600) {
    const temporary_directory directory;
    const auto file = directory.write("c.toml", text, mode);
    auto error = error_of({.file = file, .environment = {}, .flags = {}});
    for (auto at = error.find(file.string()); at != std::string::npos;
         at = error.find(file.string()))
        error.replace(at, file.string().size(), "FILE");
    return error;
}

const effective_value& value_of(const configuration& all, std::string_view name) {
    return *std::ranges::find(all.report, name, [](const auto& each) { return each.row->name; });
}

TEST(Configuration, WithoutSources_IsTheDefaults) {
    const auto all = configure({});

    ASSERT_TRUE(all);
    EXPECT_EQ(all->values.listen.port, 8080);
    EXPECT_EQ(all->values.app.base_uri, "http://localhost:8080");
    EXPECT_FALSE(all->values.redis.url);
    EXPECT_GE(all->values.threads, 1);
    EXPECT_EQ(all->values.policy.mail_cooldown, core::seconds(60));
    EXPECT_FALSE(all->values.policy.require_second_factor);
    EXPECT_EQ(value_of(*all, "mail.workers").origin, "default");
}

TEST(Configuration, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
    const temporary_directory directory;
    const auto file = directory.write(
        "c.toml", "[mail]\nworkers = 2\nnotifier = false\n[policy]\ntotp_window = 2\n", 0644);
    const named_values environment{{"COUNTERSIGN_MAIL_WORKERS", "3"},
                                   {"COUNTERSIGN_POLICY_TOTP_WINDOW", "3"},
                                   {"PATH", "/bin"}};

    const auto all = configure(
        {.file = file, .environment = environment, .flags = {{"policy.totp_window", "4"}}});

    ASSERT_TRUE(all) << all.error().sentence;
    EXPECT_EQ(all->values.policy.totp_window, 4);
    EXPECT_EQ(all->values.mail.workers, 3);
    EXPECT_FALSE(all->values.mail.notifier);
    EXPECT_EQ(value_of(*all, "policy.totp_window").origin, "--policy.totp_window");
    EXPECT_EQ(value_of(*all, "mail.workers").origin, "COUNTERSIGN_MAIL_WORKERS");
    EXPECT_EQ(value_of(*all, "mail.notifier").origin, file.string() + ":3");
}

TEST(Configuration, EverySetting_RefusesNonsenseAndNamesItself) {
    for (const auto& row : setting_table()) {
        const bool takes_any_text = row.name == "data_dir" || row.name == "app.name" ||
                                    row.name == "mail.ca_file" || row.name == "mail.logo_text" ||
                                    row.name == "mail.templates" ||
                                    row.name == "webauthn.rp_name" || row.name.starts_with("tls.");
        if (takes_any_text) continue;
        EXPECT_TRUE(
            error_of_flag(row.name, "?").starts_with("--" + row.name + ": " + row.name + " "))
            << row.name << ": " << error_of_flag(row.name, "?");
    }
    EXPECT_TRUE(error_of_flag("data_dir", "").starts_with("--data_dir: data_dir must be"));
    EXPECT_TRUE(error_of_flag("app.name", "a:b").starts_with("--app.name: app.name must be"));
    EXPECT_TRUE(error_of_flag("webauthn.rp_name", "\n").starts_with("--webauthn.rp_name: "));
}

TEST(Configuration, EverySetting_TakesWhatItShows) {
    const settings defaults;
    for (const auto& row : setting_table()) {
        settings all;
        EXPECT_TRUE(row.set(all, row.show(defaults))) << row.name;
        EXPECT_EQ(row.show(all), row.show(defaults));
    }
}

TEST(Configuration, Names_AreUniqueAlsoInTheEnvironment) {
    std::set<std::string> names;
    for (const auto& row : setting_table())
        names.insert(environment_name(row.name));
    EXPECT_EQ(names.size(), setting_table().size());
    EXPECT_EQ(environment_name("policy.alerts.new_login"), "COUNTERSIGN_POLICY_ALERTS_NEW_LOGIN");
}

TEST(Configuration, UnknownNames_AreErrorsWhereverTheyStand) {
    EXPECT_EQ(error_of_flag("mail.uri", "x"), "--mail.uri: there is no setting of this name");
    EXPECT_EQ(error_of({.file = {}, .environment = {{"COUNTERSIGN_MAIL_URI", "x"}}, .flags = {}}),
              "COUNTERSIGN_MAIL_URI: there is no setting of this name");
    EXPECT_EQ(error_of_file("[mail]\nuri = 'x'"), "FILE:2: there is no setting mail.uri");
}

TEST(Configuration, ErrorsInTheFile_NameFileAndLine) {
    EXPECT_EQ(error_of_file("\n[mail]\nworkers = 65"),
              "FILE:3: mail.workers must be a whole number from 1 to 64, not \"65\"");
    EXPECT_EQ(error_of_file("listen ="),
              "FILE:1: a value is \"text\", a whole number, true, false, or an array of these");
    EXPECT_EQ(error_of_file("listen = ['127.0.0.1:1']"),
              "FILE:1: listen takes one value, not an array");
    EXPECT_EQ(error_of_file("trusted_proxies = '::1'"), "FILE:1: trusted_proxies must be an array");
}

TEST(Configuration, ErrorOfAHiddenValue_IsStillAnError) {
    EXPECT_NE(error_of({.file = {},
                        .environment = {{"COUNTERSIGN_THREADS", "x"}},
                        .flags = {{"threads", "1"}}}),
              "");
}

TEST(Configuration, MissingFile_IsNamed) {
    EXPECT_EQ(error_of({.file = "/nowhere/c.toml", .environment = {}, .flags = {}}),
              "cannot read /nowhere/c.toml: No such file or directory");
}

TEST(Configuration, FileWithASecret_MustNotBeAccessibleToOthers) {
    for (const auto* text : {"mail.url = 'smtp://u:canary@h'", "redis.url = 'redis://:canary@h'",
                             "clara.private_key = 'canary-0123456789'\n"
                             "clara.public_key = '0123456789abcdef'"}) {
        const auto error = error_of_file(text, 0640);
        EXPECT_TRUE(error.starts_with("FILE:1: ")) << error;
        EXPECT_TRUE(error.ends_with("chmod 600 FILE")) << error;
        EXPECT_EQ(error.find("canary"), std::string::npos) << error;
        EXPECT_EQ(error_of_file(text, 0600), "");
    }
    EXPECT_EQ(error_of_file("mail.url = 'smtp://u@h'", 0644), "");
}

TEST(Configuration, WrongSecret_IsNotInTheError) {
    for (const auto* name : {"mail.url", "redis.url"})
        EXPECT_EQ(error_of_flag(name, "http://u:canary@h").find("canary"), std::string::npos);
    EXPECT_EQ(error_of_flag("clara.private_key", "canary").find("canary"), std::string::npos);
}

TEST(Configuration, Lists_ComeFromArraysAndFromCommas) {
    const temporary_directory directory;
    const auto file = directory.write("c.toml", "trusted_proxies = ['10.0.0.0/8', '::1']");
    const std::vector<std::string> expected{"10.0.0.0/8", "::1/128"};

    EXPECT_EQ(configure({.file = file, .environment = {}, .flags = {}})->values.trusted_proxies,
              expected);
    EXPECT_EQ(configure({.file = {},
                         .environment = {{"COUNTERSIGN_TRUSTED_PROXIES", "10.0.0.0/8, ::1"}},
                         .flags = {}})
                  ->values.trusted_proxies,
              expected);
}

TEST(Configuration, Families_AreANonEmptySetInAFixedOrder) {
    using enum api_family;
    const auto families = [](const std::string& value) {
        return configure({.file = {}, .environment = {}, .flags = {{"api.families", value}}})
            ->values.families;
    };
    EXPECT_EQ(settings{}.families, (std::vector{singularity, service}));
    EXPECT_EQ(families("clara"), std::vector{clara});
    // The first of two that have a path in common answers it, whoever was named first.
    EXPECT_EQ(families("service,slugbase, singularity,slugbase"),
              (std::vector{singularity, slugbase, service}));
    EXPECT_EQ(error_of_flag("api.families", "singularity,clarity"),
              "--api.families: api.families must hold names of API families (singularity, "
              "slugbase, clara, service), not \"clarity\"");
    EXPECT_NE(error_of_flag("api.families", ""), "");
}

TEST(Configuration, KeysOfClara_AreLongEnoughAndOneWord) {
    const std::string good = "0123456789abcdef";
    for (const auto* name : {"clara.public_key", "clara.private_key"})
        for (const auto& wrong : {std::string("x"), good.substr(1), good + " ", good + "\"",
                                  good + "\t", good + "\xc3\xa9", good + "\r\nX: y"})
            EXPECT_EQ(error_of_flag(name, wrong),
                      "--" + std::string(name) + ": " + name +
                          " must be at least 16 printable ASCII characters without spaces")
                << wrong;
    EXPECT_EQ(error_of({.file = {},
                        .environment = {},
                        .flags = {{"clara.public_key", good},
                                  {"clara.private_key", "fedcba9876543210"}}}),
              "");
}

TEST(Configuration, ColoursOfMails_AreSixHexadecimalDigits) {
    for (const auto* name : {"mail.accent_color", "mail.accent_color_dark"}) {
        for (const auto* wrong : {"red", "#12345", "#1234567", "123456#", "#12345g", "#12 456"})
            EXPECT_NE(error_of_flag(name, wrong).find("must be a colour such as"),
                      std::string::npos)
                << wrong;
        EXPECT_EQ(error_of_flag(name, "#A1b2C3"), "");
    }
    EXPECT_NE(error_of_flag("mail.accent_color", ""), "");
    EXPECT_EQ(error_of_flag("mail.accent_color_dark", ""), "");
    EXPECT_NE(error_of_flag("mail.logo_text", "a\nb"), "");
    EXPECT_NE(error_of_flag("mail.logo_text", "\u202eb"), "");
}

TEST(Configuration, AlertSwitches_AreThereForAlertsOnly) {
    for (const auto* code : {"one_time_code", "email_verification_code", "password_reset_code"})
        EXPECT_EQ(find_setting(std::string("policy.alerts.") + code), nullptr) << code;
    for (const auto* alert : {"recovery_codes_created", "second_factor_reset", "api_token_created"})
        EXPECT_NE(find_setting(std::string("policy.alerts.") + alert), nullptr) << alert;
    const auto all =
        configure({.file = {}, .environment = {}, .flags = {{"policy.alerts.new_login", "false"}}});
    ASSERT_TRUE(all);
    EXPECT_FALSE(all->values.policy.alert_on(core::event_type::new_login));
    EXPECT_TRUE(all->values.policy.alert_on(core::event_type::two_factor_added));
}

TEST(Configuration, SettingsThatContradictEachOther_AreRefused) {
    EXPECT_TRUE(error_of_flag("policy.attempts_longest_pause", "5")
                    .starts_with("policy.attempts_longest_pause must not"));
    EXPECT_TRUE(
        error_of_flag("policy.mails_per_day", "1").starts_with("policy.mails_per_day must"));
    EXPECT_TRUE(error_of_flag("policy.attempts_lock_after", "1")
                    .starts_with("policy.attempts_lock_after must not"));
    EXPECT_TRUE(error_of_flag("tokens.refresh", "1").starts_with("tokens.refresh must not"));
}

TEST(Configuration, OriginsOfPasskeys_AreOfTheDomainThatTheyAreBoundTo) {
    EXPECT_EQ(error_of_flag("webauthn.origins", "https://example.org"),
              "webauthn.origins needs webauthn.rp_id");
    const auto with = [](std::string origins) {
        return configure({.file = {},
                          .environment = {},
                          .flags = {{"webauthn.rp_id", "example.org"},
                                    {"webauthn.origins", std::move(origins)}}});
    };
    EXPECT_TRUE(with("https://login.example.org,https://example.org:8443"));
    EXPECT_EQ(with("https://example.com").error().sentence,
              "webauthn.origins must be of webauthn.rp_id or below it, not https://example.com");
}

// Browsers drop a cookie of such a name that is not Secure.
TEST(Configuration, HostPrefixedCookies_NeedHttps) {
    const auto with = [](named_values more) {
        more.emplace_back("api.host_prefixed_cookies", "true");
        return configure({.file = {}, .environment = {}, .flags = std::move(more)});
    };
    const auto plain = with({});
    ASSERT_FALSE(plain);
    EXPECT_TRUE(plain.error().sentence.starts_with("api.host_prefixed_cookies needs "));
    EXPECT_TRUE(with({{"app.base_uri", "https://id.example.org"}}));
    EXPECT_TRUE(with({{"tls.certificate", "/c.pem"}, {"tls.key", "/k.pem"}}));
}

TEST(Configuration, TheTwoKeysOfClara_AreNotTheSame) {
    for (const auto* name : {"clara.public_key", "clara.private_key"})
        EXPECT_EQ(error_of_flag(name, "0123456789abcdef"), "");
    const auto all = configure({.file = {},
                                .environment = {},
                                .flags = {{"clara.public_key", "0123456789abcdef"},
                                          {"clara.private_key", "0123456789abcdef"}}});
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().sentence, "clara.public_key and clara.private_key must not be the same");
}

TEST(Configuration, Printed_HidesSecretsAndCanBeReadAgain) {
    const auto all = configure({.file = {},
                                .environment = {},
                                .flags = {{"mail.url", "smtp://u:canary@h:25"},
                                          {"app.name", "A \"quoted\" # \\ name"},
                                          {"tokens.access", "15m"},
                                          {"trusted_proxies", "::1,10.0.0.0/8"}}});
    ASSERT_TRUE(all);
    std::ostringstream out;
    print_configuration(out, *all);

    EXPECT_EQ(out.str().find("canary"), std::string::npos);
    EXPECT_NE(out.str().find("mail.url = \"smtp://***@h:25\""), std::string::npos) << out.str();
    EXPECT_NE(out.str().find("# --mail.url\n"), std::string::npos);
    const temporary_directory directory;
    const auto file = directory.write("c.toml", out.str());
    const auto again = configure({.file = file, .environment = {}, .flags = {}});
    ASSERT_TRUE(again) << again.error().sentence;
    EXPECT_EQ(again->values.app.name, "A \"quoted\" # \\ name");
    EXPECT_EQ(again->values.policy.tokens.access, core::seconds(900));
    EXPECT_EQ(again->values.trusted_proxies.size(), 2U);
}

} // namespace
} // namespace countersign::app
