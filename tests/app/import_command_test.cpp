// `countersign import` from the file to the accounts in Redis.
#include "app/import_command.hpp"

#include "app/open_keys.hpp"
#include "app/run_with_redis.hpp"
#include "core/crypto/encoding.hpp"
#include "core/decide/subjects.hpp"
#include "store/accounts.hpp"
#include "store/managed_redis.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/service_client.hpp"
#include "tests/support/store_fixture.hpp"
#include "tests/support/stored_accounts.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace countersign::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view secret_a = "KRUGS4ZANFZSAYJANRXW4ZZA";
constexpr std::string_view secret_b = "MFRGGZDFMZTWQ2LKNNWG23TP";
constexpr std::string_view exists_otherwise =
    "the subject is there already, with another address or without a device of this record; "
    "imports do not change it";

std::string uri(std::string_view label, std::string_view secret) {
    return "otpauth://totp/" + std::string(label) + "?secret=" + std::string(secret);
}
std::string line_of(std::string_view subject, std::string_view email,
                    std::string_view secret = {}) {
    auto line = R"({"subject":")" + std::string(subject) + R"(","email":")" + std::string(email);
    if (!secret.empty()) line += R"(","totp":[")" + uri("Acme:" + std::string(subject), secret);
    return line + (secret.empty() ? "\"}\n" : "\"]}\n");
}
// Subjects `first` to `last`, without devices.
std::string lines_of(int first, int last) {
    std::string text;
    for (int number = first; number <= last; ++number)
        text += line_of("s" + std::to_string(number), std::to_string(number) + "@example.org");
    return text;
}

TEST(ImportCommandLine, EveryOption_IsTaken) {
    const std::array arguments{"countersign",
                               "import",
                               "users.json",
                               "--format",
                               "keycloak",
                               "--email-domain=example.org",
                               "--usernames-as-subjects",
                               "--users-without-totp",
                               "--data_dir=/d"};
    const auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
    const auto* call = std::get_if<invocation>(&parsed);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(call->what, command::import_subjects);
    EXPECT_EQ(call->import_file, "users.json");
    EXPECT_EQ(call->import.format, import_format::keycloak);
    EXPECT_EQ(call->import.email_domain, "example.org");
    EXPECT_TRUE(call->import.usernames_as_subjects);
    EXPECT_TRUE(call->import.users_without_totp);
    EXPECT_EQ(call->flags, (named_values{{"data_dir", "/d"}}));
}

class ImportCommand : public ::testing::Test {
protected:
    ImportCommand() {
        all.data_dir = directory.path() / "data";
        all.redis.durability = store::durability::everysec;
    }

    // Beside a Redis that runs already, as beside a server: imports are quicker then.
    void start_redis() {
        std::filesystem::create_directory(all.data_dir);
        std::filesystem::permissions(all.data_dir, std::filesystem::perms::owner_all);
        redis = std::make_unique<store::managed_redis>(store::managed_redis_options{
            .directory = all.data_dir / "redis", .sync = store::durability::everysec});
    }

    struct report {
        std::string text;
        std::string error; // empty: none
    };
    report import_file(const std::filesystem::path& file, import_options options = {}) const {
        std::ostringstream out;
        invocation call;
        call.what = command::import_subjects;
        call.import_file = file;
        call.import = std::move(options);
        const auto done = run_import_command(call, all, out);
        return {out.str(), done ? "" : done.error().sentence};
    }
    report import(std::string_view text, import_options options = {}) const {
        return import_file(directory.write("import", text), std::move(options));
    }

    [[nodiscard]] store::redis_address address() const {
        return store::managed_redis_address(all.data_dir / "redis");
    }
    [[nodiscard]] std::map<std::string, std::string> accounts() const {
        return tests::stored_accounts(address());
    }
    // The account, with the secrets of its devices in base32.
    struct opened_account {
        core::account value;
        std::vector<std::string> secrets;
    };
    [[nodiscard]] std::optional<opened_account> account_of(std::string_view subject) const {
        return run_with_redis(address(), "test", [&](store::connection& connection) {
            return open_account(connection, core::account_of_subject(subject));
        });
    }
    // Waits for as many accounts.
    void await_accounts(std::size_t count) const {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (accounts().size() < count) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("the accounts did not come");
            std::this_thread::sleep_for(5ms);
        }
    }

    [[nodiscard]] std::string data_flag() const { return "--data_dir=" + all.data_dir.string(); }
    [[nodiscard]] tests::program_run::ending run_program(std::vector<std::string> words) const {
        words.insert(words.begin(), "import");
        words.push_back(data_flag());
        return tests::program_run(COUNTERSIGN_PROGRAM, std::move(words)).wait();
    }

    tests::temporary_directory directory;
    settings all;
    std::unique_ptr<store::managed_redis> redis;

private:
    [[nodiscard]] awaitable<std::optional<opened_account>>
    open_account(store::connection& connection, core::account_id id) const {
        tests::seeded_random random(1);
        const auto opened = co_await open_keys(all.data_dir, connection, random);
        if (!opened) throw std::runtime_error(opened.error().sentence);
        store::accounts stored(connection, random, opened->data.partitions);
        auto loaded = co_await stored.load(std::move(id));
        if (!loaded || !*loaded) co_return std::nullopt;
        opened_account found{(*std::move(*loaded)).value, {}};
        EXPECT_EQ(core::check_invariants(found.value), std::nullopt);
        const auto ring = opened->keys.encryption_keys();
        for (const auto& device : found.value.totp) {
            const auto secret = ring.open(device.sealed_secret,
                                          core::totp_secret_context(found.value.id, device.id));
            found.secrets.push_back(secret ? core::to_base32(core::bytes_of(secret->reveal()))
                                           : "not to be opened");
        }
        co_return found;
    }
};

// --- Each format

TEST_F(ImportCommand, ImportLines_BecomeAccounts) {
    start_redis();
    const auto done = import(
        R"({"subject":"ada","email":"Ada@example.org","name":"Ada","locale":"de","totp":[")" +
        uri("Acme:ada", secret_a) + "\"],\"backupCodes\":[\"" + std::string(64, 'a') + "\"]}\n" +
        line_of("bob", "bob@example.org"));
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.text, "created 2, unchanged 0, rejected 0, skipped 0\n");
    const auto ada = account_of("ada"), bob = account_of("bob");
    ASSERT_TRUE(ada && bob);
    EXPECT_EQ(ada->value.email, "ada@example.org");
    EXPECT_EQ(ada->value.name, "Ada");
    EXPECT_EQ(ada->value.locale, "de");
    EXPECT_EQ(ada->secrets, (std::vector<std::string>{std::string(secret_a)}));
    EXPECT_EQ(ada->value.backup_code_hashes.size(), 1U);
    EXPECT_FALSE(ada->value.email_factor_since);
    EXPECT_TRUE(bob->value.totp.empty());
    EXPECT_TRUE(bob->value.email_factor_since);
}

TEST_F(ImportCommand, AListOfUris_BecomesAccounts) {
    start_redis();
    const auto list = "# exported on Monday\n" + uri("Acme:ada", secret_a) + "\n" +
                      uri("Acme:ada", secret_b) + "\n" + uri("Acme:bob@example.com", secret_a) +
                      "\n";
    const auto done = import(list, {.email_domain = "example.org"});
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.text, "created 2, unchanged 0, rejected 0, skipped 0\n");
    const auto ada = account_of("ada"), bob = account_of("bob@example.com");
    ASSERT_TRUE(ada && bob);
    EXPECT_EQ(ada->value.email, "ada@example.org");
    EXPECT_EQ(ada->secrets,
              (std::vector<std::string>{std::string(secret_a), std::string(secret_b)}));
    EXPECT_EQ(bob->value.email, "bob@example.com");
}

TEST_F(ImportCommand, AutheliasExport_BecomesAccounts) {
    start_redis();
    const auto done = import("totp_configurations:\n"
                             "    - created_at: 2024-03-01T10:20:30Z\n"
                             "      last_used_at: 2025-01-02T03:04:05Z\n"
                             "      username: ada\n"
                             "      issuer: Authelia\n"
                             "      algorithm: SHA512\n"
                             "      digits: 8\n"
                             "      period: 60\n"
                             "      secret: S1JVR1M0WkFORlpTQVlKQU5SWFc0WlpB\n",
                             {.email_domain = "example.org"});
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.text, "created 1, unchanged 0, rejected 0, skipped 0\n");
    const auto ada = account_of("ada");
    ASSERT_TRUE(ada);
    EXPECT_EQ(ada->secrets, (std::vector<std::string>{std::string(secret_a)}));
    EXPECT_EQ(ada->value.totp.at(0).parameters,
              (core::totp_parameters{
                  .algorithm = core::hash_algorithm::sha512, .digits = 8, .period_s = 60}));
}

constexpr std::string_view keycloak_export = R"({
  "realm" : "acme",
  "users" : [ {
    "id" : "9c2d7f6a-1111-4000-8000-000000000001",
    "username" : "ada", "email" : "ada@example.org", "firstName" : "Ada", "lastName" : "Byron",
    "credentials" : [ {
      "type" : "otp", "userLabel" : "phone",
      "secretData" : "{\"value\":\"Zk3fT8qLw0XyB5nRd7Ju\"}",
      "credentialData" :
        "{\"subType\":\"totp\",\"digits\":6,\"period\":30,\"algorithm\":\"HmacSHA1\"}"
    } ]
  }, {
    "id" : "9c2d7f6a-1111-4000-8000-000000000002",
    "username" : "bob", "email" : "bob@example.org", "credentials" : [ ]
  } ]
})";

TEST_F(ImportCommand, KeycloaksExport_BecomesAccounts) {
    start_redis();
    const auto few = import(keycloak_export);
    EXPECT_EQ(few.error, "");
    EXPECT_EQ(few.text, "created 1, unchanged 0, rejected 0, skipped 0\n"
                        "left out for having no authenticator app: 1\n");
    const auto ada = account_of("9c2d7f6a-1111-4000-8000-000000000001");
    ASSERT_TRUE(ada);
    EXPECT_EQ(ada->value.name, "Ada Byron");
    EXPECT_EQ(ada->secrets,
              (std::vector<std::string>{core::to_base32(core::bytes_of("Zk3fT8qLw0XyB5nRd7Ju"))}));
    EXPECT_FALSE(account_of("9c2d7f6a-1111-4000-8000-000000000002"));

    all.policy.email_factor_by_default = false;
    const auto everyone = import(keycloak_export, {.users_without_totp = true});
    EXPECT_EQ(everyone.text, "created 1, unchanged 1, rejected 0, skipped 0\n");
    const auto bob = account_of("9c2d7f6a-1111-4000-8000-000000000002");
    ASSERT_TRUE(bob);
    EXPECT_FALSE(bob->value.email_factor_since);
    // By another name she would be a second subject with the address of the first.
    const auto renamed = import(keycloak_export, {.usernames_as_subjects = true});
    EXPECT_EQ(renamed.text, "record 1 (ada): rejected: another account has the e-mail address\n"
                            "created 0, unchanged 0, rejected 1, skipped 0\n"
                            "left out for having no authenticator app: 1\n");
}

// --- The report

TEST_F(ImportCommand, RecordsThatAreNotImported_AreReportedInTheirOrder) {
    start_redis();
    const auto done = import(line_of("ada", "ada@example.org", secret_a) + "nonsense\n" +
                             std::string(20'000, 'x') + "\n" + line_of("bob", "ADA@example.org") +
                             line_of("ada", "ada@example.org", secret_b) + R"({"subject":"eve"})" +
                             "\n" + line_of("eve", "eve@example.org"));
    EXPECT_EQ(done.text,
              "record 2: rejected: a line is one JSON object in UTF-8, with no member twice\n"
              "record 3: rejected: a line has at most 16384 bytes\n"
              "record 4 (bob): rejected: another account has the e-mail address\n"
              "record 5 (ada): rejected: " +
                  std::string(exists_otherwise) + "\nrecord 6: rejected: " +
                  std::string(core::describe(core::import_line_error::invalid_email)) +
                  "\ncreated 2, unchanged 0, rejected 5, skipped 0\n");
    EXPECT_EQ(done.error, "5 records were not imported: the report says why");
    EXPECT_EQ(accounts().size(), 2U);
    EXPECT_FALSE(account_of("bob"));
}

TEST_F(ImportCommand, WhatCannotBeCarriedOver_IsNoFault) {
    start_redis();
    const auto done = import("otpauth://hotp/eve?secret=GEZDGNBVGY3TQOJQ&counter=1\n" +
                             uri("ada@example.org", secret_a) + "\n");
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.text, "record 1: skipped: counter-based codes (HOTP) are not carried over\n"
                         "created 1, unchanged 0, rejected 0, skipped 1\n");
}

TEST_F(ImportCommand, AnEmptyFile_IsNoFaultWhereItsFormatIsNamed) {
    start_redis();
    const auto done = import("", {.format = import_format::ndjson});
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.text, "created 0, unchanged 0, rejected 0, skipped 0\n");
}

TEST_F(ImportCommand, RunAgain_ChangesNotAByte) {
    start_redis();
    const auto text = line_of("ada", "ada@example.org", secret_a) + lines_of(1, 300) +
                      line_of("bob", "ada@example.org");
    EXPECT_EQ(import(text).error, "1 record was not imported: the report says why");
    const auto made = accounts();
    EXPECT_EQ(made.size(), 301U);
    const auto again = import(text);
    EXPECT_TRUE(again.text.ends_with("created 0, unchanged 301, rejected 1, skipped 0\n"))
        << again.text;
    EXPECT_EQ(accounts(), made);
}

TEST_F(ImportCommand, AFileThatCannotBe_IsSaidBeforeAnythingIsMade) {
    EXPECT_EQ(import_file("/nowhere").error, "cannot read /nowhere: No such file or directory");
    EXPECT_NE(import("hello").error.find("is in no format that can be told"), std::string::npos);
    EXPECT_TRUE(import(line_of("a", "a@b.org"), {.email_domain = "@"})
                    .error.starts_with("--email-domain is"));
    EXPECT_FALSE(std::filesystem::exists(all.data_dir));
}

TEST_F(ImportCommand, AnAccountThatCannotBeRead_IsRejected_AndTheOthersAreNot) {
    start_redis();
    ASSERT_EQ(import(line_of("ada", "ada@example.org")).error, "");
    {
        boost::asio::io_context context(1);
        tests::test_connection connection(context, {.address = address()});
        std::vector<std::string> spoil{"HSET", accounts().begin()->first, "d", "{}"};
        ASSERT_TRUE(tests::run_coroutine(context, connection->command(std::move(spoil))));
    }
    const auto done = import(line_of("ada", "ada@example.org") + line_of("bob", "bob@example.org"));
    EXPECT_EQ(done.text, "record 1 (ada): rejected: what is stored of it cannot be read: the log "
                         "on the standard error says where\n"
                         "created 1, unchanged 0, rejected 1, skipped 0\n");
}

TEST_F(ImportCommand, AReportThatCannotBeWritten_IsAnError) {
    start_redis();
    struct : std::streambuf {
    } nowhere;
    std::ostream out(&nowhere);
    invocation call;
    call.import_file = directory.write("import", line_of("ada", "ada@example.org"));
    const auto done = run_import_command(call, all, out);
    ASSERT_TRUE(done.has_error());
    EXPECT_EQ(done.error().sentence, "the report could not be written to the end");
    EXPECT_TRUE(account_of("ada"));
}

// --- The program

TEST_F(ImportCommand, WithoutAServer_AccountsAreKeptForIt_AndTheStatusTells) {
    const auto file = directory.write("import", lines_of(1, 200)).string();
    const auto first = run_program({file});
    EXPECT_EQ(first.status, 0);
    EXPECT_EQ(first.out, "created 200, unchanged 0, rejected 0, skipped 0\n");
    EXPECT_EQ(first.errors, "");
    const auto second = run_program({file});
    EXPECT_EQ(second.status, 0);
    EXPECT_EQ(second.out, "created 0, unchanged 200, rejected 0, skipped 0\n");

    const auto wrong = directory.write("wrong", lines_of(200, 202) + "nonsense\n").string();
    const auto third = run_program({wrong});
    EXPECT_EQ(third.status, 1);
    EXPECT_EQ(third.errors, "countersign: 1 record was not imported: the report says why\n");
    EXPECT_EQ(run_program({"/nowhere"}).status, 1);
    EXPECT_EQ(run_program({file, "--format=xml"}).status, 2);
    EXPECT_EQ(run_program({}).status, 2);
    start_redis();
    EXPECT_EQ(accounts().size(), 202U);
}

TEST_F(ImportCommand, ThroughAPipe_TakesTheStandardInput) {
    start_redis();
    tests::program_run program(COUNTERSIGN_PROGRAM, {"import", "-", data_flag()});
    program.write(lines_of(1, 10));
    program.finish_input();
    EXPECT_EQ(program.wait().out, "created 10, unchanged 0, rejected 0, skipped 0\n");
    EXPECT_TRUE(account_of("s10"));
}

TEST_F(ImportCommand, OnATerminal_ShowsHowFarItIs_AndTakesThatAwayAtTheEnd) {
    const auto file = directory.write("import", lines_of(1, 500) + "nonsense\n");
    const auto line = "script -qec '" + std::string(COUNTERSIGN_PROGRAM) + " import " +
                      file.string() + " " + data_flag() + "' /dev/null < /dev/null";
    std::FILE* out = ::popen(line.c_str(), "r"); // NOLINT(cert-env33-c): a test's own words
    ASSERT_NE(out, nullptr);
    std::string shown;
    for (std::array<char, 256> piece{};
         std::fgets(piece.data(), static_cast<int>(piece.size()), out) != nullptr;)
        shown += piece.data();
    EXPECT_EQ(WEXITSTATUS(::pclose(out)), 1);
    EXPECT_TRUE(shown.starts_with("\r\x1b[K")) << shown;
    EXPECT_NE(shown.find(" %  created "), std::string::npos) << shown;
    EXPECT_NE(
        shown.find("\r\x1b[Krecord 501: rejected: a line is one JSON object in UTF-8, with no "
                   "member twice\r\n"),
        std::string::npos)
        << shown;
    // On a slow machine it shows once more how far it is before the end.
    const auto end = shown.find("created 500, unchanged 0, rejected 1, skipped 0\r\n"
                                "countersign: 1 record was not imported: the report says why\r\n");
    ASSERT_NE(end, std::string::npos) << shown;
    const auto before = shown.substr(0, end);
    EXPECT_TRUE(before.ends_with("\r\n") || before.ends_with("\r\x1b[K")) << shown;
}

// --- What comes in between

TEST_F(ImportCommand, BesideAServer_ImportedAppsVerify) {
    const tests::server_process server(COUNTERSIGN_PROGRAM,
                                       {{"api.families", "service"}, {"policy.totp_window", "1"}});
    const auto key = tests::make_service_key(COUNTERSIGN_PROGRAM, server).key;
    const auto file = directory.write("import", line_of("ada", "ada@example.org", secret_a));
    tests::program_run program(
        COUNTERSIGN_PROGRAM,
        {"import", file.string(), "--data_dir=" + (server.data_dir() / "data").string()});
    EXPECT_EQ(program.wait().out, "created 1, unchanged 0, rejected 0, skipped 0\n");
    const tests::service_client backend{.port = server.port(), .key = key};
    tests::authenticator app(secret_a);
    EXPECT_EQ(backend.verify("ada", app.wrong()).body.find(R"("verified":true)"),
              std::string::npos);
    EXPECT_EQ(backend.verify("ada", app.next()).body,
              R"({"verified":true,"method":"totp","remainingBackupCodes":0})");
}

TEST_F(ImportCommand, AKilledRedis_IsWaitedFor) {
    start_redis();
    tests::program_run program(COUNTERSIGN_PROGRAM,
                               {"import", "-", "--format=ndjson", data_flag()});
    program.write(lines_of(1, 1000));
    await_accounts(500);
    ASSERT_EQ(::kill(redis->process_id(), SIGKILL), 0);
    program.write(lines_of(1001, 2000));
    const auto ending = program.wait();
    EXPECT_EQ(ending.status, 0) << ending.errors;
    // What had just been written when its answer was lost may be found again, or be gone from the
    // disk and made again.
    EXPECT_EQ(accounts().size(), 2000U) << ending.out;
    EXPECT_NE(ending.out.find(", rejected 0, skipped 0\n"), std::string::npos) << ending.out;
}

TEST_F(ImportCommand, ARedisThatStaysAway_StopsIt_AndTheNextRunFinishes) {
    start_redis();
    tests::program_run program(COUNTERSIGN_PROGRAM,
                               {"import", "-", "--format=ndjson", data_flag()});
    program.write(lines_of(1, 1000));
    await_accounts(500);
    redis.reset();
    program.write(lines_of(1001, 2000));
    const auto ending = program.wait();
    EXPECT_EQ(ending.status, 1);
    EXPECT_NE(ending.errors.find("countersign: stopped at record "), std::string::npos)
        << ending.errors;
    EXPECT_TRUE(ending.errors.ends_with(
        ": Redis: unavailable; run the import again, what is there stays as it is\n"))
        << ending.errors;
    EXPECT_NE(ending.out.find(", rejected 0, skipped 0\n"), std::string::npos) << ending.out;

    const auto again = import(lines_of(1, 2000));
    EXPECT_EQ(again.error, "");
    start_redis();
    EXPECT_EQ(accounts().size(), 2000U);
}

TEST_F(ImportCommand, ASlowPipe_IsWaitedForInPeace) {
    start_redis();
    tests::program_run program(COUNTERSIGN_PROGRAM,
                               {"import", "-", "--format=ndjson", data_flag()});
    program.write(lines_of(1, 100));
    await_accounts(64);
    std::this_thread::sleep_for(4s); // longer than a connection stays without a sign of life
    program.write(lines_of(101, 200));
    const auto ending = program.wait();
    EXPECT_EQ(ending.out, "created 200, unchanged 0, rejected 0, skipped 0\n");
    EXPECT_EQ(ending.errors, "");
}

// Of 1000 lines, fifteen batches have been imported, and more are waited for.
constexpr std::size_t batches_of_1000 = 15 * 64;

TEST_F(ImportCommand, AskedToEnd_EndsAfterTheRecordsInHand_AndTheNextRunFinishes) {
    start_redis();
    int first = 1;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        tests::program_run program(COUNTERSIGN_PROGRAM,
                                   {"import", "-", "--format=ndjson", data_flag()});
        const auto before = accounts().size();
        program.write(lines_of(first, first + 999));
        await_accounts(before + batches_of_1000);
        std::this_thread::sleep_for(100ms);
        program.signal(number);
        std::this_thread::sleep_for(100ms);
        program.write(lines_of(first + 1000, first + 1000));
        const auto ending = program.wait();
        EXPECT_EQ(ending.status, 1) << number;
        EXPECT_EQ(ending.errors, "countersign: ended before the end of the file: run the import "
                                 "again, what is there stays as it is\n");
        EXPECT_EQ(ending.out, "created 960, unchanged 0, rejected 0, skipped 0\n");
        first += 1000;
    }
    EXPECT_EQ(import(lines_of(1, 3000)).text,
              "created 120, unchanged 2880, rejected 0, skipped 0\n");
}

TEST_F(ImportCommand, AskedToEndTwice_EndsAtOnce) {
    start_redis();
    tests::program_run program(COUNTERSIGN_PROGRAM,
                               {"import", "-", "--format=ndjson", data_flag()});
    program.write(lines_of(1, 1000));
    await_accounts(batches_of_1000);
    for (int times = 0; times < 2; ++times) {
        std::this_thread::sleep_for(100ms);
        program.signal(SIGINT);
    }
    std::this_thread::sleep_for(100ms);
    EXPECT_EQ(program.wait().status, 128 + SIGINT);
    EXPECT_EQ(accounts().size(), batches_of_1000);
}

} // namespace
} // namespace countersign::app
