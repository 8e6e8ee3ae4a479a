// The program with a TLS listener: its files, what it says of them, and SIGHUP.
#include "app/tls_keeper.hpp"

#include "app/configuration.hpp"
#include "app/system.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/server_process.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace countersign::app {
namespace {

using namespace std::chrono_literals;
using tests::certificate_authority;
using tests::certificate_files;
using tests::http_connection;
using tests::server_process;
using tests::temporary_directory;

tls_settings settings_of(const certificate_files& files) {
    return {.certificate = files.certificate, .key = files.key};
}

// What read_tls_files() says of them, with CERTIFICATE and KEY for their paths.
std::string complaint_about(const certificate_files& files) {
    const auto read = read_tls_files(settings_of(files), system_clock_now());
    auto sentence = read ? "" : read.error().sentence;
    const auto shorten = [&sentence](const std::string& path, const char* name) {
        for (auto at = sentence.find(path); at != std::string::npos; at = sentence.find(path))
            sentence.replace(at, path.size(), name);
    };
    shorten(files.key, "KEY");
    shorten(files.certificate, "CERTIFICATE");
    return sentence;
}

class TlsFiles : public testing::Test {
protected:
    const temporary_directory folder;
    const certificate_authority authority{folder.path()};
    const certificate_files good = authority.issue();
};

TEST_F(TlsFiles, ThatAreGood_AreRead) {
    EXPECT_EQ(complaint_about(good), "");
}

TEST_F(TlsFiles, AKeyThatOthersCanAccess_IsRefused) {
    for (const auto mode : {0640U, 0604U, 0610U, 0666U}) {
        std::filesystem::permissions(good.key, static_cast<std::filesystem::perms>(mode));
        EXPECT_EQ(complaint_about(good),
                  "tls.key: others than the owner can access the file: chmod 600 KEY");
    }
}

TEST_F(TlsFiles, ThatAreMissing_AreNamed) {
    auto files = good;
    files.certificate = folder.path() / "missing";
    EXPECT_EQ(complaint_about(files),
              "tls.certificate: cannot read CERTIFICATE: No such file or directory");
    files = good;
    files.key = folder.path();
    EXPECT_EQ(complaint_about(files), "tls.key: KEY is not a regular file");
}

TEST_F(TlsFiles, ThatAreOfNoUse_AreNamedWithTheReason) {
    const auto expired = authority.issue({.valid_from = -48h, .valid_until = -1h});
    EXPECT_TRUE(complaint_about(expired).starts_with(
        "tls.certificate: CERTIFICATE holds a certificate (number 1) that has expired: "));
    const auto other = authority.issue();
    EXPECT_EQ(complaint_about({.certificate = good.certificate, .key = other.key}),
              "tls.key: KEY is not the key of the certificate, which must be the first in its "
              "file");
    const auto empty = folder.write("empty", "");
    EXPECT_EQ(complaint_about({.certificate = empty, .key = good.key}),
              "tls.certificate: CERTIFICATE holds no certificate in PEM form");
    EXPECT_EQ(complaint_about({.certificate = good.certificate, .key = empty}),
              "tls.key: KEY holds no private key in PEM form");
}

TEST_F(TlsFiles, OneWithoutTheOther_IsRefused) {
    for (const auto* name : {"tls.certificate", "tls.key"}) {
        const auto result = configure({.file = {}, .environment = {}, .flags = {{name, "x.pem"}}});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().sentence,
                  "tls.certificate and tls.key are needed both, or neither");
    }
}

TEST_F(TlsFiles, ThatAreWrong_EndTheStartWithOneLine) {
    const temporary_directory data;
    std::filesystem::permissions(good.key, static_cast<std::filesystem::perms>(0644));
    tests::program_run run(COUNTERSIGN_PROGRAM, {"serve", "--listen=127.0.0.1:0",
                                                 "--data_dir=" + (data.path() / "data").string(),
                                                 "--tls.certificate=" + good.certificate.string(),
                                                 "--tls.key=" + good.key.string()});
    const auto end = run.wait();
    EXPECT_EQ(end.status, 1);
    EXPECT_EQ(end.errors, "countersign: tls.key: others than the owner can access the file: chmod "
                          "600 " +
                              good.key.string() + "\n");
}

// --- the program ---

class TlsProgram : public TlsFiles {
protected:
    // The files that the program is given, which a test replaces.
    void show(const certificate_files& files) const {
        std::filesystem::copy_file(files.certificate, in_use.certificate,
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::copy_file(files.key, in_use.key,
                                   std::filesystem::copy_options::overwrite_existing);
    }
    void SetUp() override {
        show(good);
        server.emplace(COUNTERSIGN_PROGRAM,
                       tests::server_settings{{"tls.certificate", in_use.certificate},
                                              {"tls.key", in_use.key},
                                              {"policy.email_factor_by_default", "false"}});
    }
    [[nodiscard]] http_connection connect() const {
        return {server->port(), {.ca_file = authority.file()}};
    }
    [[nodiscard]] std::size_t times_logged(std::string_view text) const {
        std::size_t count = 0;
        const auto log = server->log();
        for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1))
            ++count;
        return count;
    }

    const certificate_files in_use{.certificate = folder.path() / "shown.pem",
                                   .key = folder.path() / "shown.key"};
    std::optional<server_process> server;
};

bool is_live(http_connection& client) {
    return client.request("GET", "/health/live").status == 200;
}

TEST_F(TlsProgram, RepliesTellBrowsersToComeByHttps_AndCookiesAreSecure) {
    auto client = connect();
    EXPECT_EQ(client.request("GET", "/health/live").header("Strict-Transport-Security"),
              "max-age=31536000");
    const std::string account = R"("email":"ada@example.org","password":"Correct-Horse-7")";
    EXPECT_EQ(client
                  .request("POST", "/api/auth/register?send-email=false", {},
                           "{" + account + R"(,"name":"Ada"})")
                  .status,
              200U);
    const auto login = client.request("POST", "/api/auth/login", {}, "{" + account + "}");
    ASSERT_EQ(login.status, 200U) << login.body;
    std::size_t cookies = 0;
    for (const auto& [name, value] : login.headers) {
        if (name != "Set-Cookie" || value.find("Max-Age=0") != std::string::npos) continue;
        ++cookies;
        EXPECT_TRUE(value.ends_with("; Secure")) << value;
    }
    EXPECT_GE(cookies, 2U);
}

TEST_F(TlsProgram, WhatIsSoonToExpire_IsWarnedAbout) {
    EXPECT_TRUE(server->has_logged("tls.certificate is valid until ")); // the test's last a day
    EXPECT_TRUE(server->has_logged("set app.base_uri to an https address"));
}

TEST_F(TlsProgram, AtSighup_ANewCertificateIsShown_AndOpenConnectionsLiveOn) {
    auto old = connect();
    EXPECT_TRUE(is_live(old));
    const auto before = old.tls().certificate_serial();
    const auto ticket = old.tls().ticket();

    show(authority.issue());
    ::kill(server->process(), SIGHUP);
    ASSERT_TRUE(server->has_logged("SIGHUP: tls.certificate is read again"));

    const auto shown = [this] {
        auto fresh = connect();
        EXPECT_TRUE(is_live(fresh));
        return fresh.tls().certificate_serial();
    };
    for (int i = 0; i < 100 && shown() == before; ++i)
        std::this_thread::sleep_for(1ms); // each thread takes it when it has a moment
    EXPECT_NE(shown(), before);
    EXPECT_TRUE(is_live(old));
    http_connection resumed(server->port(), {.ca_file = authority.file(), .resumes = ticket});
    EXPECT_TRUE(resumed.tls().resumed());
    EXPECT_EQ(server->stop(), 0);
}

TEST_F(TlsProgram, AtSighup_FilesThatAreWrong_AreComplainedAbout_AndTheOldOnesStay) {
    auto old = connect();
    const auto serial = old.tls().certificate_serial();
    const auto hang_up = [&](std::size_t times) {
        ::kill(server->process(), SIGHUP);
        const auto until = std::chrono::steady_clock::now() + 5s;
        while (times_logged("the certificate in use stays") < times &&
               std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(10ms);
        EXPECT_EQ(times_logged("the certificate in use stays"), times) << server->log();
        auto fresh = connect();
        EXPECT_TRUE(is_live(fresh));
        EXPECT_EQ(fresh.tls().certificate_serial(), serial);
    };
    show(authority.issue({.valid_from = -48h, .valid_until = -1h}));
    hang_up(1);
    show({.certificate = authority.issue().certificate, .key = good.key});
    hang_up(2);
    std::filesystem::remove(in_use.key);
    hang_up(3);
    EXPECT_TRUE(is_live(old));
    EXPECT_EQ(times_logged(" error SIGHUP: tls."), 3U);
}

// Not tight: what counts is that nothing grows with the buffers of TLS records (16 KiB each way).
TEST_F(TlsProgram, IdleConnections_TakeLittleMemory) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    GTEST_SKIP() << "the sanitizer keeps what was freed, and shadows";
#endif
    constexpr long count = 400, each_max_kib = 32;
    const auto open = [this](long number) {
        std::vector<http_connection> clients;
        for (long i = 0; i < number; ++i) {
            clients.emplace_back(server->connect());
            EXPECT_TRUE(is_live(clients.back()));
        }
        return clients;
    };
    const auto resident_kib = [this] {
        std::ifstream status("/proc/" + std::to_string(server->process()) + "/status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
        return 0L;
    };
    (void)open(50);
    const auto before = resident_kib();
    const auto clients = open(count);
    EXPECT_LT(resident_kib() - before, count * each_max_kib);
}

} // namespace
} // namespace countersign::app
