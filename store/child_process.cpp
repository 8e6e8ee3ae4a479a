#include "store/child_process.hpp"

#include "store/pidfd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <cstring>
#include <sstream>
#include <system_error>

namespace countersign::store {
namespace {

constexpr int inherited_number = 3;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

// Blocks every signal in this thread, so that none of our handlers runs between fork and exec.
class signals_blocked {
public:
    signals_blocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;

private:
    sigset_t before_{};
};

struct prepared_child {
    const char* program;
    char* const* arguments;
    const char* working_directory;
    int inherited, output;
    pid_t parent;
};

// In the child of a program with threads: only async-signal-safe calls, no allocation.
[[noreturn]] void become(const prepared_child& child) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != child.parent) ::_exit(EXIT_FAILURE); // it ended before prctl() took hold
    ::setsid();
    // It gets as much of a processor as before (sched(7)), but when it wakes up it does not push
    // aside who wrote to it, and so finds more to do at a time.
    const sched_param no_priority{};
    ::sched_setscheduler(0, SCHED_BATCH, &no_priority);
    ::umask(077);
    for (int number = 1; number < NSIG; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);

    ::dup2(child.output, STDOUT_FILENO);
    ::dup2(child.output, STDERR_FILENO);
    if (child.inherited != inherited_number)
        ::dup2(child.inherited, inherited_number);
    else
        ::fcntl(inherited_number, F_SETFD, 0);
    // Nothing else of ours: a listening socket that outlived us would swallow connections.
    ::close(STDIN_FILENO);
    ::open("/dev/null", O_RDONLY);
    ::close_range(inherited_number + 1, ~0U, 0);

    char* environment[] = {nullptr}; // no secret of our environment is the child's business
    if (::chdir(child.working_directory) == 0)
        ::execve(child.program, child.arguments, environment);
    ::_exit(127);
}

std::string describe(int status) {
    if (WIFSIGNALED(status)) {
        const auto* name = ::sigabbrev_np(WTERMSIG(status));
        return name ? std::string("signal SIG") + name
                    : "signal " + std::to_string(WTERMSIG(status));
    }
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

} // namespace

child_process::child_process(const child_options& options) {
    auto arguments = options.arguments;
    arguments.insert(arguments.begin(), options.program.string());
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (auto& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const prepared_child child{.program = options.program.c_str(),
                               .arguments = pointers.data(),
                               .working_directory = options.working_directory.c_str(),
                               .inherited = options.inherited,
                               .output = options.output,
                               .parent = ::getpid()};
    const signals_blocked blocked;
    process_id_ = ::fork();
    if (process_id_ == 0) become(child);
    if (process_id_ < 0) fail("fork");
    process_ = descriptor(::pidfd_open(process_id_, 0));
    if (!process_) {
        const int error = errno;
        ::kill(process_id_, SIGKILL);
        ::waitpid(process_id_, nullptr, 0);
        errno = error;
        fail("pidfd_open");
    }
}

child_process::~child_process() {
    if (ending_) return;
    signal(SIGKILL);
    ::waitpid(process_id_, nullptr, 0);
}

void child_process::signal(int number) noexcept {
    ::pidfd_send_signal(process_.get(), number, nullptr, 0);
}

std::optional<std::string> child_process::wait(std::chrono::milliseconds patience) {
    if (ending_) return ending_;
    pollfd ended{process_.get(), POLLIN, 0};
    if (::poll(&ended, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
    int status = 0;
    ending_ = ::waitpid(process_id_, &status, 0) < 0 ? "status unknown" : describe(status);
    return ending_;
}

std::filesystem::path find_program(const std::string& name) {
    const auto is_program = [](const std::filesystem::path& path) {
        std::error_code error;
        return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
    };
    if (name.find('/') != std::string::npos)
        return is_program(name) ? std::filesystem::absolute(name) : std::filesystem::path{};
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/usr/local/bin:/usr/bin:/bin");
    for (std::string folder; std::getline(folders, folder, ':');)
        if (const auto candidate = std::filesystem::path(folder) / name;
            candidate.is_absolute() && is_program(candidate))
            return candidate;
    return {};
}

} // namespace countersign::store
