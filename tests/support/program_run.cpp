#include "tests/support/program_run.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace countersign::tests {

namespace {

std::filesystem::path make_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "countersign-run-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("no temporary directory can be made");
    return pattern;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

program_run::program_run(const std::filesystem::path& program, std::vector<std::string> words)
    : directory_(make_directory()) {
    // A pair of sockets rather than a pipe: writing to a process that has ended is then an error
    // and no signal.
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::runtime_error("no standard input can be made");
    input_ = ends[0];
    words.insert(words.begin(), program.string());
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
    constexpr int fresh = O_WRONLY | O_CREAT | O_TRUNC;
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, (directory_ / "out").c_str(), fresh,
                                       0600);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, (directory_ / "errors").c_str(),
                                       fresh, 0600);
    const int failed =
        ::posix_spawn(&process_, words.front().c_str(), &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    if (failed == 0) return;
    process_ = 0;
    ::close(input_);
    throw std::runtime_error("cannot start " + program.string());
}

program_run::~program_run() {
    if (process_ != 0) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    finish_input();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void program_run::write(std::string_view input) {
    while (!input.empty()) {
        const auto written = ::send(input_, input.data(), input.size(), MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw std::runtime_error("the program reads no more of its input");
        input.remove_prefix(static_cast<std::size_t>(written));
    }
}

void program_run::finish_input() {
    if (input_ != -1) ::close(input_);
    input_ = -1;
}

void program_run::signal(int number) const {
    ::kill(process_, number);
}

program_run::ending program_run::wait(std::chrono::milliseconds deadline) {
    finish_input();
    const auto until = std::chrono::steady_clock::now() + deadline;
    int status = 0;
    while (::waitpid(process_, &status, WNOHANG) != process_) {
        if (std::chrono::steady_clock::now() > until)
            throw std::runtime_error("the program did not end");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    process_ = 0;
    return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = read_file(directory_ / "out"),
            .errors = read_file(directory_ / "errors")};
}

long peak_memory_kib(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
    throw std::runtime_error("there is no process " + std::to_string(process));
}

} // namespace countersign::tests
