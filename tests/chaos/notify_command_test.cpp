// `countersign notify`: the notifier as processes of their own beside a server that sends nothing.
#include "tests/support/scene.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace countersign::tests {
namespace {

class notify_process {
public:
    explicit notify_process(const scene& stage) {
        std::vector<std::string> words{COUNTERSIGN_PROGRAM, "notify",
                                       "--data_dir=" + (stage.server.data_dir() / "data").string(),
                                       "--mail.url=" + stage.sink.url(), "--log.level=warn"};
        std::vector<char*> arguments;
        for (auto& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        if (::posix_spawn(&process_, words.front().c_str(), nullptr, nullptr, arguments.data(),
                          environ) != 0)
            throw std::runtime_error("cannot start countersign notify");
    }
    ~notify_process() {
        if (process_ != 0) (void)end(SIGKILL);
    }
    notify_process(const notify_process&) = delete;
    notify_process& operator=(const notify_process&) = delete;

    // The exit status, or 128 and the signal that ended it.
    int end(int signal) {
        const auto ended = std::exchange(process_, 0);
        ::kill(ended, signal);
        int status = 0;
        ::waitpid(ended, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t process_ = 0;
};

constexpr std::string_view login_alert = "New Login";

std::size_t alerts_to(const scene& stage, const native_client& who) {
    return mails_about(stage.sink, who.email, login_alert).size();
}

bool wait_for_alert(const scene& stage, const native_client& who) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (alerts_to(stage, who) == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return alerts_to(stage, who) > 0;
}

TEST(NotifyCommand, SendsWhatAServerWithoutNotifierCommitted) {
    const scene stage(COUNTERSIGN_PROGRAM, {{"mail.notifier", "false"}});
    const auto early = stage.person();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    EXPECT_EQ(alerts_to(stage, early), 0U);

    notify_process notifier(stage);
    EXPECT_TRUE(wait_for_alert(stage, early)) << "what was committed before it started";
    EXPECT_TRUE(wait_for_alert(stage, stage.person()));
    EXPECT_EQ(notifier.end(SIGTERM), 0);
}

TEST(NotifyCommand, KilledOne_LeavesNothingBehindForTheNext) {
    const scene stage(COUNTERSIGN_PROGRAM, {{"mail.notifier", "false"}});
    std::vector<native_client> people;
    for (int round = 0; round < 3; ++round) {
        notify_process notifier(stage);
        for (int person = 0; person < 4; ++person)
            people.push_back(stage.person());
        (void)notifier.end(SIGKILL);
    }
    const notify_process last(stage);
    for (const auto& who : people)
        EXPECT_TRUE(wait_for_alert(stage, who)) << who.email;
}

TEST(NotifyCommand, TwoAtOnce_ShareTheWorkAndSendNothingTwice) {
    const scene stage(COUNTERSIGN_PROGRAM, {{"mail.notifier", "false"}});
    const notify_process one(stage), other(stage);
    std::vector<native_client> people;
    for (int person = 0; person < 8; ++person)
        people.push_back(stage.person());
    for (const auto& who : people)
        EXPECT_TRUE(wait_for_alert(stage, who)) << who.email;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    for (const auto& who : people)
        EXPECT_EQ(alerts_to(stage, who), 1U) << who.email;
}

TEST(NotifyCommand, TwoAtOnce_TellOnceOfALoginThatNobodyCompleted) {
    const scene stage(COUNTERSIGN_PROGRAM,
                      {{"mail.notifier", "false"}, {"tokens.two_factor", "5"}});
    const auto who = stage.person_with_totp();
    const auto told = [&] {
        return mails_about(stage.sink, who.email, "Somebody Used Your Password").size();
    };
    (void)stage.pending_logins(who, 2);
    {
        // What ends before the time is over leaves the rest to the next.
        notify_process killed(stage);
        EXPECT_TRUE(wait_for_alert(stage, who));
        (void)killed.end(SIGKILL);
    }
    EXPECT_EQ(told(), 0U);
    const notify_process one(stage), other(stage);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (told() == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    EXPECT_EQ(told(), 1U);
}

} // namespace
} // namespace countersign::tests
