#include "store/file_lock.hpp"

#include "store/pidfd.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include <sys/stat.h>

#include <charconv>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace countersign::store {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

// The kernel needs a moment to end a killed process, and to release what it had.
constexpr std::chrono::seconds kill_patience{2};

struct holder {
    pid_t process_id;
    descriptor process; // a pidfd: signals through it never reach a process that reused the id
    std::string name;
};

std::string process_name(pid_t process_id) {
    std::ifstream file("/proc/" + std::to_string(process_id) + "/comm");
    std::string name;
    std::getline(file, name);
    return name;
}

bool has_open(const fs::path& process, const struct stat& file) {
    std::error_code error;
    for (fs::directory_iterator it(process / "fd", error), end; !error && it != end;
         it.increment(error)) {
        struct stat other{};
        if (::stat(it->path().c_str(), &other) == 0 && other.st_dev == file.st_dev &&
            other.st_ino == file.st_ino)
            return true;
    }
    return false;
}

// The processes other than this one that have the file open. Only those of our own user are seen.
std::vector<holder> holders_of(const fs::path& file) {
    std::vector<holder> holders;
    struct stat wanted{};
    if (::stat(file.c_str(), &wanted) != 0) return holders;
    std::error_code error;
    for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
        const auto name = it->path().filename().string();
        pid_t process_id = 0;
        const auto [rest, failed] =
            std::from_chars(name.data(), name.data() + name.size(), process_id);
        if (failed != std::errc{} || process_id == ::getpid() || !has_open(it->path(), wanted))
            continue;
        descriptor process(::pidfd_open(process_id, 0));
        // Asked again: the id may be another process' since.
        if (!process || !has_open(it->path(), wanted)) continue;
        holders.push_back({process_id, std::move(process), process_name(process_id)});
    }
    return holders;
}

descriptor lock_now(const fs::path& file) {
    descriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) throw std::system_error(errno, std::system_category(), file.string());
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK || errno == EINTR) return {};
    throw std::system_error(errno, std::system_category(), file.string());
}

// Returns whether there was one to signal.
bool signal_holders(const fs::path& file, const leftover_policy& policy, int number) {
    bool some = false;
    for (const auto& one : holders_of(file)) {
        if (one.name != policy.program) continue;
        spdlog::warn("ending a leftover {} with process id {} (signal {})", one.name,
                     one.process_id, number);
        ::pidfd_send_signal(one.process.get(), number, nullptr, 0);
        some = true;
    }
    return some;
}

[[noreturn]] void refuse(const fs::path& file) {
    const auto holders = holders_of(file);
    std::string who;
    for (const auto& one : holders)
        who += (who.empty() ? "" : ", ") + one.name + " (process id " +
               std::to_string(one.process_id) + ")";
    throw std::runtime_error(file.string() + " stays locked by " +
                             (who.empty() ? "a process of another user" : who));
}

} // namespace

// Polls: flock() has no deadline.
descriptor lock_file(const fs::path& file, std::chrono::milliseconds patience) {
    const auto deadline = clock::now() + patience;
    while (true) {
        if (auto lock = lock_now(file)) return lock;
        if (clock::now() >= deadline) return {};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

descriptor lock_ending_leftovers(const fs::path& file, const leftover_policy& policy) {
    if (auto lock = lock_now(file)) return lock;
    if (signal_holders(file, policy, SIGTERM)) {
        if (auto lock = lock_file(file, policy.grace)) return lock;
        signal_holders(file, policy, SIGKILL);
    }
    if (auto lock = lock_file(file, kill_patience)) return lock;
    refuse(file);
}

} // namespace countersign::store
