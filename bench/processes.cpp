#include "bench/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace countersign::bench {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

namespace {

double seconds_of(clockid_t which) {
    timespec used{};
    if (::clock_gettime(which, &used) != 0) return 0;
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

struct machine_ticks {
    double busy = 0, all = 0;
};

machine_ticks ticks_now() {
    std::ifstream file("/proc/stat"); // proc(5): user nice system idle iowait irq softirq steal
    std::string name;
    file >> name;
    machine_ticks ticks;
    double value = 0;
    for (int field = 0; field < 8 && file >> value; ++field) {
        ticks.all += value;
        if (field != 3 && field != 4) ticks.busy += value;
    }
    return ticks;
}

} // namespace

double processor_seconds(pid_t process) {
    clockid_t which{};
    return ::clock_getcpuclockid(process, &which) == 0 ? seconds_of(which) : 0;
}

double thread_processor_seconds() {
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

std::uint64_t resident_bytes(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/statm");
    std::uint64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void pin_to_processor(pid_t process, unsigned processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(process) + "/task"))
        if (::sched_setaffinity(std::stoi(task.path().filename()), sizeof set, &set) != 0)
            throw std::runtime_error("a thread cannot be kept to one processor");
}

double machine_load(double seconds) {
    const auto before = ticks_now();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const auto after = ticks_now();
    return after.all > before.all ? (after.busy - before.busy) / (after.all - before.all) : 0;
}

std::size_t raise_open_files() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    constexpr rlim_t wanted = 65'536;
    rlimit more{.rlim_cur = wanted, .rlim_max = std::max(limit.rlim_max, wanted)};
    if (::setrlimit(RLIMIT_NOFILE, &more) != 0) { // root only
        more = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &more);
    }
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

child_process::child_process(std::vector<std::string> words, const fs::path& log)
    : name_(words.at(0)) {
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string errors = log.empty() ? "/dev/null" : log.string();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe can be made");
    process_ = ::fork();
    if (process_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::dup2(ends[1], STDOUT_FILENO);
        ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
               STDERR_FILENO);
        ::execvp(arguments.front(), arguments.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
    if (process_ < 0) throw std::runtime_error("fork failed");
}

child_process::~child_process() {
    ::close(output_);
    if (process_ <= 0) return;
    ::kill(process_, SIGTERM);
    const auto patience = clock::now() + std::chrono::seconds(5);
    while (::waitpid(process_, nullptr, WNOHANG) == 0) {
        if (clock::now() > patience) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

bool child_process::receive(int patience_ms) {
    pollfd file{.fd = output_, .events = POLLIN, .revents = 0};
    if (::poll(&file, 1, patience_ms) <= 0)
        throw std::runtime_error(name_ + " says nothing more and does not end");
    std::array<char, 65'536> piece{};
    const auto count = ::read(output_, piece.data(), piece.size());
    if (count <= 0) return false;
    received_.append(piece.data(), static_cast<std::size_t>(count));
    return true;
}

std::string child_process::read_line(int patience_s) {
    for (;;) {
        const auto end = received_.find('\n');
        if (end != std::string::npos) {
            auto line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        if (!receive(patience_s * 1'000)) throw std::runtime_error(name_ + " ended");
    }
}

std::string child_process::read_all(int patience_s) {
    while (receive(patience_s * 1'000)) {
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error(name_ + " failed: " + received_);
    return std::move(received_);
}

bool is_on_the_path(const std::string& program) {
    const char* path = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');)
        if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    return false;
}

scratch_directory::scratch_directory() {
    auto pattern = (fs::temp_directory_path() / "countersign-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("no temporary directory can be made");
    path_ = pattern;
}

scratch_directory::~scratch_directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

} // namespace countersign::bench
