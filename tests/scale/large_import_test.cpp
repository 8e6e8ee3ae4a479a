// Imports of a hundred thousand subjects: the memory does not grow with them, and a second run
// changes nothing. The figures go to the standard output.
#include "core/crypto/encoding.hpp"
#include "store/managed_redis.hpp"
#include "tests/support/program_run.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/service_client.hpp"
#include "tests/support/stored_accounts.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

namespace countersign::tests {
namespace {

constexpr int subjects = 100'000;
constexpr long growth_max_kib = 4 * 1024; // a third of the file

// 32 digits of base32, another for each number.
std::string secret_of(int number) {
    std::array<std::byte, 20> bytes{};
    for (std::size_t at = 0; at < bytes.size(); ++at)
        bytes[at] = static_cast<std::byte>(static_cast<unsigned>(number) >> (at % 4 * 8));
    return core::to_base32(bytes);
}

std::string line_of(int number) {
    const auto name = "u" + std::to_string(number);
    return R"({"subject":")" + name + R"(","email":")" + name +
           R"(@example.org","totp":["otpauth://totp/Acme:)" + name +
           "?secret=" + secret_of(number) + "&issuer=Acme\"]}\n";
}

struct rate {
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    [[nodiscard]] long per_second() const {
        const std::chrono::duration<double> lasted = std::chrono::steady_clock::now() - begun;
        return static_cast<long>(subjects / lasted.count());
    }
};

// Everything, and the memory that it takes between the first tenth and the end.
struct measured {
    long first_per_second = 0, second_per_second = 0, at_a_tenth_kib = 0, at_the_end_kib = 0;

    void check_and_print(std::string_view way, std::string_view durability) const {
        std::cout << way << ", redis.durability=" << durability << ": " << first_per_second
                  << " subjects/s, again " << second_per_second << "/s; peak memory "
                  << at_a_tenth_kib << " KiB after a tenth, " << at_the_end_kib
                  << " KiB at the end\n";
        EXPECT_LT(at_the_end_kib - at_a_tenth_kib, growth_max_kib);
    }
};

class LargeImport : public ::testing::TestWithParam<std::string_view> {
protected:
    LargeImport() {
        text.reserve(std::size_t{subjects} * 160);
        for (int number = 0; number < subjects; ++number) {
            if (number == subjects / 10) a_tenth = text.size();
            text += line_of(number);
        }
    }

    [[nodiscard]] std::string_view head() const {
        return std::string_view(text).substr(0, a_tenth);
    }
    [[nodiscard]] std::string_view tail() const { return std::string_view(text).substr(a_tenth); }
    [[nodiscard]] std::string data_dir() const { return (server.data_dir() / "data").string(); }
    [[nodiscard]] std::map<std::string, std::string> accounts() const {
        return stored_accounts(store::managed_redis_address(server.data_dir() / "data" / "redis"));
    }
    void expect_apps_verify() const {
        for (const int number : {0, subjects / 2, subjects - 1}) {
            authenticator app(secret_of(number));
            EXPECT_EQ(backend.verify("u" + std::to_string(number), app.next()).body,
                      R"({"verified":true,"method":"totp","remainingBackupCodes":0})");
        }
    }

    std::string text;
    std::size_t a_tenth = 0;
    server_process server{
        COUNTERSIGN_PROGRAM,
        {{"api.families", "service"}, {"redis.durability", std::string(GetParam())}}};
    service_client backend{.port = server.port(),
                           .key = make_service_key(COUNTERSIGN_PROGRAM, server).key};
};

INSTANTIATE_TEST_SUITE_P(Durability, LargeImport, ::testing::Values("everysec", "always"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(LargeImport, ByTheCommand_TakesFlatMemory_AndTheSecondTimeChangesNothing) {
    measured figures;
    const rate first;
    program_run program(COUNTERSIGN_PROGRAM, {"import", "-", "--data_dir=" + data_dir()});
    program.write(head());
    figures.at_a_tenth_kib = peak_memory_kib(program.process());
    program.write(tail());
    // What is left are at most the buffers between the two.
    figures.at_the_end_kib = peak_memory_kib(program.process());
    const auto done = program.wait();
    figures.first_per_second = first.per_second();
    EXPECT_EQ(done.out, "created 100000, unchanged 0, rejected 0, skipped 0\n") << done.errors;
    EXPECT_EQ(done.status, 0);
    const auto made = accounts();
    EXPECT_EQ(made.size(), std::size_t{subjects});

    // Now as a file.
    const auto file = server.data_dir() / "import.ndjson";
    std::ofstream(file) << text;
    const rate second;
    program_run again(COUNTERSIGN_PROGRAM, {"import", file.string(), "--data_dir=" + data_dir()});
    EXPECT_EQ(again.wait().out, "created 0, unchanged 100000, rejected 0, skipped 0\n");
    figures.second_per_second = second.per_second();
    EXPECT_TRUE(accounts() == made);
    expect_apps_verify();
    figures.check_and_print("command", GetParam());
}

TEST_P(LargeImport, ByHttp_TakesFlatMemory_AndTheSecondTimeChangesNothing) {
    measured figures;
    http_connection connection(server.port(), "127.0.0.1", std::chrono::minutes(5));
    const auto head_of_request =
        "POST /api/service/v1/imports HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
        backend.key +
        "\r\nContent-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(text.size()) +
        "\r\n\r\n";
    const auto summary_of = [](const http_response& reply) {
        EXPECT_EQ(reply.status, 200U);
        return reply.body.substr(reply.body.rfind('\n', reply.body.size() - 2) + 1);
    };
    const auto summary = [](int created, int unchanged) {
        return R"({"summary":{"lines":100000,"created":)" + std::to_string(created) +
               R"(,"unchanged":)" + std::to_string(unchanged) +
               R"(,"rejected":0,"failed":0,"stopped":false}})" + "\n";
    };

    const rate first;
    connection.send(head_of_request);
    connection.send(head());
    figures.at_a_tenth_kib = peak_memory_kib(server.process());
    connection.send(tail());
    const auto done = connection.receive();
    figures.first_per_second = first.per_second();
    figures.at_the_end_kib = peak_memory_kib(server.process());
    EXPECT_EQ(summary_of(done), summary(subjects, 0));
    const auto made = accounts();
    EXPECT_EQ(made.size(), std::size_t{subjects});

    const rate second;
    connection.send(head_of_request);
    connection.send(text);
    EXPECT_EQ(summary_of(connection.receive()), summary(0, subjects));
    figures.second_per_second = second.per_second();
    EXPECT_TRUE(accounts() == made);
    expect_apps_verify();
    figures.check_and_print("HTTP", GetParam());
}

} // namespace
} // namespace countersign::tests
