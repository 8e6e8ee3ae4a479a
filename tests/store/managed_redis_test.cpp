#include "store/managed_redis.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

namespace countersign::store {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Sends one inline command and returns what came back, or the error's name.
std::string ask(const redis_address& where, std::string command) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    where.unix_socket.copy(address.sun_path, sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::array<char, 4096> answer{};
    command += "\r\n";
    std::string text = "no connection";
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(socket, command.data(), command.size(), MSG_NOSIGNAL) > 0) {
        const auto size = ::recv(socket, answer.data(), answer.size(), 0);
        text.assign(answer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    ::close(socket);
    return text;
}

bool within(std::chrono::milliseconds patience, const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

std::string content_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

// A process that ended but was not reaped counts as ended: the machine's init may be slow.
bool runs(pid_t process_id) {
    const auto stat = content_of("/proc/" + std::to_string(process_id) + "/stat");
    const auto after_name = stat.rfind(')');
    return after_name != std::string::npos && stat.substr(after_name, 3) != ") Z";
}

unsigned mode_of(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
}

std::string failure_of(const managed_redis_options& options) {
    try {
        const managed_redis redis(options);
        return "it started";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

class ManagedRedis : public testing::Test {
protected:
    ManagedRedis() {
        std::string name = "/tmp/countersign-XXXXXX";
        directory = fs::path(::mkdtemp(name.data())) / "redis";
    }
    ~ManagedRedis() override {
        if (leftover > 0) ::kill(leftover, SIGKILL);
        fs::remove_all(directory.parent_path());
    }

    [[nodiscard]] managed_redis_options options() const {
        managed_redis_options options;
        options.directory = directory;
        return options;
    }
    [[nodiscard]] managed_redis_options impatient() const {
        auto impatient = options();
        impatient.stop_deadline = 300ms;
        return impatient;
    }

    // A server of this directory that nobody looks after, as if its Countersign had been killed
    // and the signal at its death had not come.
    void start_leftover() {
        {
            const managed_redis writes_the_configuration(options());
        }
        leftover = ::fork();
        if (leftover == 0) {
            const int lock = ::open((directory / "lock").c_str(), O_RDWR);
            if (::flock(lock, LOCK_EX | LOCK_NB) == 0 && ::chdir(directory.c_str()) == 0)
                ::execlp("redis-server", "redis-server", "redis.conf", nullptr);
            ::_exit(127);
        }
        ASSERT_TRUE(within(5s, [&] {
            return ask(managed_redis_address(directory), "PING").starts_with("+PONG");
        }));
    }

    // A process that owns a managed Redis and never stops it. Returns the process and its child.
    std::pair<pid_t, pid_t> start_owner() {
        std::array<int, 2> pipe{};
        EXPECT_EQ(::pipe(pipe.data()), 0);
        const pid_t owner = ::fork();
        if (owner == 0) {
            const managed_redis redis(options());
            const int child = redis.process_id();
            if (::write(pipe[1], &child, sizeof child) != sizeof child) ::_exit(1);
            while (true)
                ::pause();
        }
        int child = 0;
        EXPECT_EQ(::read(pipe[0], &child, sizeof child), sizeof child);
        ::close(pipe[0]);
        ::close(pipe[1]);
        return {owner, child};
    }

    fs::path directory;
    pid_t leftover = -1;
};

TEST_F(ManagedRedis, AnswersWhenTheConstructorReturns) {
    const managed_redis redis(options());
    EXPECT_EQ(ask(redis.address(), "PING"), "+PONG\r\n");
    EXPECT_EQ(redis.address().unix_socket, managed_redis_address(directory).unix_socket);
}

TEST_F(ManagedRedis, IsClosedToOtherUsers) {
    const managed_redis redis(options());
    ask(redis.address(), "SET a 1");
    EXPECT_EQ(mode_of(directory), 0700U);
    EXPECT_EQ(mode_of(directory / "redis.sock"), 0600U);
    for (const auto& entry : fs::recursive_directory_iterator(directory))
        EXPECT_EQ(mode_of(entry) & 077U, 0U) << entry;
}

TEST_F(ManagedRedis, WritesEveryCommandToDiskBeforeAnswering) {
    const managed_redis redis(options());
    EXPECT_NE(ask(redis.address(), "CONFIG GET appendfsync").find("always"), std::string::npos);
    EXPECT_NE(ask(redis.address(), "CONFIG GET appendonly").find("yes"), std::string::npos);
    EXPECT_NE(ask(redis.address(), "CONFIG GET maxmemory-policy").find("noeviction"),
              std::string::npos);
}

TEST_F(ManagedRedis, RelaxedDurability_IsEverySecond) {
    auto relaxed = options();
    relaxed.sync = durability::everysec;
    const managed_redis redis(relaxed);
    EXPECT_NE(ask(redis.address(), "CONFIG GET appendfsync").find("everysec"), std::string::npos);
}

TEST_F(ManagedRedis, DoesNotPushAsideThoseThatWakeIt) {
    const managed_redis redis(options());
    EXPECT_EQ(::sched_getscheduler(redis.process_id()), SCHED_BATCH);
}

TEST_F(ManagedRedis, AKilledChildIsRestarted_WithItsData) {
    const managed_redis redis(options());
    for (int round = 0; round < 3; ++round) {
        const auto number = std::to_string(round);
        ASSERT_EQ(ask(redis.address(), "SET round " + number), "+OK\r\n");
        const int before = redis.process_id();
        ::kill(before, SIGKILL);
        EXPECT_TRUE(within(
            2s, [&] { return ask(redis.address(), "GET round") == "$1\r\n" + number + "\r\n"; }));
        EXPECT_NE(redis.process_id(), before);
    }
}

TEST_F(ManagedRedis, AChildKilledWhileItRewritesItsFile_IsRestarted) {
    const managed_redis redis(options());
    for (int key = 0; key < 50; ++key)
        ask(redis.address(), "SET " + std::to_string(key) + " 1");
    // The fork that rewrites has the lock too, and outlives the server by far.
    ask(redis.address(), "CONFIG SET rdb-key-save-delay 1000000");
    ASSERT_TRUE(ask(redis.address(), "BGREWRITEAOF").starts_with("+Background"));
    ::kill(redis.process_id(), SIGKILL);
    EXPECT_TRUE(within(2s, [&] { return ask(redis.address(), "GET 49") == "$1\r\n1\r\n"; }));
}

TEST_F(ManagedRedis, StopsCleanly) {
    std::optional<managed_redis> redis(std::in_place, options());
    const int child = redis->process_id();
    ask(redis->address(), "SET kept yes");
    redis.reset();
    EXPECT_FALSE(runs(child));
    EXPECT_FALSE(fs::exists(directory / "redis.sock"));
    EXPECT_NE(content_of(directory / "redis.log").find("bye bye"), std::string::npos);

    const managed_redis again(options());
    EXPECT_EQ(ask(again.address(), "GET kept"), "$3\r\nyes\r\n");
}

TEST_F(ManagedRedis, AHungChildIsKilledAtTheStop) {
    std::optional<managed_redis> redis(std::in_place, impatient());
    const int child = redis->process_id();
    ::kill(child, SIGSTOP);
    redis.reset();
    EXPECT_FALSE(runs(child));
}

TEST_F(ManagedRedis, TheChildEndsSoonAfterAKilledOwner) {
    const auto [owner, child] = start_owner();
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    EXPECT_TRUE(within(5s, [&, id = child] { return !runs(id); }));
}

TEST_F(ManagedRedis, TakesOverFromAKilledOwner) {
    const auto [owner, child] = start_owner();
    ask(managed_redis_address(directory), "SET kept yes");
    ::kill(owner, SIGKILL);
    const managed_redis redis(options());
    EXPECT_FALSE(runs(child));
    EXPECT_EQ(ask(redis.address(), "GET kept"), "$3\r\nyes\r\n");
    ::waitpid(owner, nullptr, 0);
}

TEST_F(ManagedRedis, EndsALeftoverFirst) {
    start_leftover();
    ask(managed_redis_address(directory), "SET kept yes");
    const managed_redis redis(options());
    EXPECT_FALSE(runs(leftover));
    EXPECT_EQ(ask(redis.address(), "GET kept"), "$3\r\nyes\r\n");
    ::waitpid(leftover, nullptr, 0);
}

TEST_F(ManagedRedis, KillsALeftoverThatHangs) {
    start_leftover();
    ::kill(leftover, SIGSTOP);
    const managed_redis redis(impatient());
    EXPECT_FALSE(runs(leftover));
    EXPECT_EQ(ask(redis.address(), "PING"), "+PONG\r\n");
    ::waitpid(leftover, nullptr, 0);
}

TEST_F(ManagedRedis, LeavesAForeignHolderOfTheLockAlone) {
    fs::create_directories(directory);
    const int lock = ::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
    leftover = ::fork();
    if (leftover == 0) {
        ::dup(lock);
        ::execlp("sleep", "sleep", "60", nullptr);
        ::_exit(127);
    }
    ::close(lock);
    EXPECT_NE(failure_of(options()).find("stays locked by sleep"), std::string::npos);
    EXPECT_TRUE(runs(leftover));
    ::kill(leftover, SIGKILL);
    ::waitpid(leftover, nullptr, 0);
}

TEST_F(ManagedRedis, OfManyAtOnce_OneWins) {
    start_leftover();
    std::mutex mutex;
    std::vector<std::unique_ptr<managed_redis>> winners;
    std::vector<std::string> refusals;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            try {
                auto redis = std::make_unique<managed_redis>(options());
                const std::scoped_lock guard(mutex);
                winners.push_back(std::move(redis));
            } catch (const std::runtime_error& error) {
                const std::scoped_lock guard(mutex);
                refusals.emplace_back(error.what());
            }
        });
    for (auto& thread : threads)
        thread.join();
    ASSERT_EQ(winners.size(), 1U);
    for (const auto& text : refusals)
        EXPECT_NE(text.find("in use"), std::string::npos) << text;
    EXPECT_EQ(ask(winners.front()->address(), "PING"), "+PONG\r\n");
    EXPECT_FALSE(runs(leftover));
    ::waitpid(leftover, nullptr, 0);
}

TEST_F(ManagedRedis, TheChildInheritsNothingOfOurs) {
    ::setenv("COUNTERSIGN_TEST_SECRET", "hush", 1);
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0); // inherited over exec, as a careless library's would be
    const managed_redis redis(options());
    const fs::path process = "/proc/" + std::to_string(redis.process_id());
    const auto ours = fs::read_symlink("/proc/self/fd/" + std::to_string(pipe[0]));
    for (const auto& entry : fs::directory_iterator(process / "fd"))
        EXPECT_NE(fs::read_symlink(entry), ours);
    EXPECT_EQ(content_of(process / "environ").find("hush"), std::string::npos);
    EXPECT_NE(::getsid(redis.process_id()), ::getsid(0));
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TEST_F(ManagedRedis, AMissingProgram_NamesThePackages) {
    auto missing = options();
    missing.program = "redis-server-that-is-not-there";
    const auto failure = failure_of(missing);
    EXPECT_NE(failure.find("redis-server and redis-tools"), std::string::npos) << failure;
}

TEST_F(ManagedRedis, ATooLongPath_NamesTheSetting) {
    auto deep = options();
    deep.directory /= std::string(100, 'x');
    const auto failure = failure_of(deep);
    EXPECT_NE(failure.find("data_dir is too long"), std::string::npos) << failure;
}

TEST_F(ManagedRedis, DamagedData_IsRefusedWithTheLog) {
    {
        const managed_redis redis(options());
    }
    std::ofstream(directory / "appendonlydir" / "appendonly.aof.manifest") << "damaged\n";
    const auto failure = failure_of(options());
    EXPECT_NE(failure.find("ended at its start: exit status 1"), std::string::npos) << failure;
    EXPECT_NE(failure.find("manifest"), std::string::npos) << failure;
}

TEST_F(ManagedRedis, AServerThatNeverAnswers_IsGivenUp) {
    auto silent = options();
    const auto program = directory.parent_path() / "silent";
    std::ofstream(program) << "#!/bin/sh\nexec sleep 60\n";
    fs::permissions(program, fs::perms::owner_all);
    silent.program = program.string();
    silent.start_deadline = 300ms;
    const auto failure = failure_of(silent);
    EXPECT_NE(failure.find("did not get ready within 300 ms"), std::string::npos) << failure;
}

} // namespace
} // namespace countersign::store
