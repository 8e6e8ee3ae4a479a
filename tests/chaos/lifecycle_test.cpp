// Starts over the remains of a crash, ends in the middle of work, and mail servers that come and
// go.
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <sys/wait.h>
#include <thread>

namespace countersign::tests {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Processes named redis-server whose working directory this is.
std::vector<pid_t> redis_servers_in(const std::filesystem::path& directory) {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code gone;
        std::string program;
        std::getline(std::ifstream(entry.path() / "comm"), program);
        if (program == "redis-server" &&
            std::filesystem::read_symlink(entry.path() / "cwd", gone) == directory)
            found.push_back(std::stoi(name));
    }
    return found;
}

TEST(Lifecycle, StartOverALeftoverRedis_EndsItAndKeepsTheData) {
    scene stage(COUNTERSIGN_PROGRAM);
    auto who = stage.person();
    // Frozen, it cannot hear that its server has died.
    const auto leftover = stage.server.redis_process();
    ::kill(leftover, SIGSTOP);
    stage.server.kill();
    const auto directory = std::filesystem::canonical(stage.server.data_dir() / "data" / "redis");
    ASSERT_EQ(redis_servers_in(directory), std::vector{leftover});

    stage.server.start();
    const auto running = stage.server.redis_process();
    EXPECT_NE(running, leftover);
    EXPECT_EQ(redis_servers_in(directory), std::vector{running});
    EXPECT_EQ(who.call("GET", "/api/users/me").status, 200);
}

TEST(Lifecycle, SecondServeOnTheSameData_IsRefusedWithASentence) {
    const scene stage(COUNTERSIGN_PROGRAM);
    const auto command =
        std::string(COUNTERSIGN_PROGRAM) +
        " serve --listen=127.0.0.1:0 --data_dir=" + (stage.server.data_dir() / "data").string() +
        " 2>&1";
    auto* const pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string output;
    std::array<char, 1024> bytes{};
    while (const auto size = std::fread(bytes.data(), 1, bytes.size(), pipe))
        output.append(bytes.data(), size);
    const auto status = ::pclose(pipe);
    EXPECT_EQ(WEXITSTATUS(status), 1);
    EXPECT_NE(output.find("already serves"), std::string::npos) << output;
    EXPECT_EQ(http_request(stage.server.port(), "GET", "/health/ready").status, 200);
}

TEST(Lifecycle, Sigterm_FinishesTheRequestInHand) {
    scene stage(COUNTERSIGN_PROGRAM);
    const auto who = stage.person();
    const std::string body =
        R"({"email":")" + who.email + R"(","password":")" + who.password + "\"}";
    const auto request = "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                         "application/json\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body;
    http_connection connection(stage.server.port());
    http_connection idle(stage.server.port());
    connection.send(std::string_view(request).substr(0, request.size() - 1));
    std::this_thread::sleep_for(milliseconds(100));

    auto stopped = std::async(std::launch::async, [&] { return stage.server.stop(); });
    EXPECT_TRUE(idle.is_closed_by_server());
    std::this_thread::sleep_for(milliseconds(200));
    EXPECT_EQ(stopped.wait_for(milliseconds(0)), std::future_status::timeout);
    EXPECT_THROW((void)http_request(stage.server.port(), "GET", "/health/live"),
                 std::runtime_error); // it accepts nothing new
    connection.send(std::string_view(request).substr(request.size() - 1));
    const auto reply = connection.receive();
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.header("Connection").value_or(""), "close");
    EXPECT_EQ(stopped.get(), 0);
    // What it answered with is durable.
    stage.server.start();
    auto session = who;
    session.access = text_in(json_of(reply), "accessToken");
    EXPECT_EQ(session.call("GET", "/api/users/me").status, 200);
}

TEST(Lifecycle, MailServerAway_CostsTheApiNothingAndTheMailsArriveLater) {
    auto sink = std::make_optional<smtp_sink>();
    const auto port = sink->port();
    const scene stage(COUNTERSIGN_PROGRAM, {{"mail.url", sink->url()}});
    auto who = stage.person(); // its mail about a new login
    ASSERT_TRUE(sink->wait_for(1, std::chrono::seconds(10)));
    sink.reset();

    std::string password = who.password;
    constexpr std::size_t changes = 5;
    for (std::size_t change = 0; change < changes; ++change) {
        const auto next = "Another-Horse-" + std::to_string(change);
        const auto begin = clock::now();
        EXPECT_EQ(who.call("PUT", "/api/users/me/password",
                           R"({"oldPassword":")" + password + R"(","newPassword":")" + next + "\"}")
                      .status,
                  200);
        EXPECT_LT(clock::now() - begin, std::chrono::seconds(2));
        password = next;
        std::this_thread::sleep_for(milliseconds(300));
    }

    sink.emplace(smtp_sink_options{.port = port});
    EXPECT_TRUE(sink->wait_for(changes, std::chrono::seconds(40)));
    EXPECT_EQ(mails_about(*sink, who.email, "Password Was Changed").size(), changes);
}

} // namespace
} // namespace countersign::tests
