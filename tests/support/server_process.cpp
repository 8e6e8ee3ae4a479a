#include "tests/support/server_process.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace countersign::tests {

namespace {

constexpr std::chrono::seconds ready_patience{20};

// Below the kernel's range for outgoing connections (32768 and up), so that none of them takes the
// port while the server is down; spread over processes that run at the same time.
std::uint16_t candidate_port() {
    static unsigned drawn = 0;
    constexpr unsigned first = 20'000, count = 12'000;
    return static_cast<std::uint16_t>(
        first + (static_cast<unsigned>(::getpid()) * 17 + drawn++ * 613) % count);
}

bool somebody_answers(std::uint16_t port) {
    try {
        (void)http_request(port, "GET", "/health/live");
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

std::filesystem::path make_directory() {
    auto pattern = (std::filesystem::temp_directory_path() / "countersign-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("no temporary directory can be made");
    return pattern;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

server_process::server_process(const std::filesystem::path& program, server_settings settings,
                               const std::filesystem::path& keys)
    : program_(program), data_dir_(make_directory()), settings_(std::move(settings)) {
    if (!keys.empty()) {
        std::filesystem::create_directory(data_dir_ / "data");
        std::filesystem::permissions(data_dir_ / "data", std::filesystem::perms(0700));
        std::filesystem::copy_file(keys, this->keys());
    }
    settings_.try_emplace("policy.ip_limits", "false");
    start_on_a_free_port();
}

server_process::~server_process() {
    if (process_ != 0) (void)stop();
    std::error_code ignored;
    std::filesystem::remove_all(data_dir_, ignored);
}

void server_process::start_on_a_free_port() {
    constexpr int attempts_max = 5;
    for (int attempts = 1;; ++attempts) {
        do
            port_ = candidate_port();
        while (somebody_answers(port_));
        try {
            start();
            return;
        } catch (const std::runtime_error&) {
            const bool taken = log().find("Address already in use") != std::string::npos;
            if (process_ != 0) (void)stop();
            if (!taken || attempts == attempts_max) throw;
            std::filesystem::remove(data_dir_ / "log");
        }
    }
}

void server_process::start() {
    std::vector<std::string> words{program_.string(), "serve",
                                   "--listen=127.0.0.1:" + std::to_string(port_),
                                   "--data_dir=" + (data_dir_ / "data").string()};
    for (const auto& [name, value] : settings_)
        words.push_back("--" + name + "=" + value);
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, (data_dir_ / "log").c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    const int failed =
        ::posix_spawn(&process_, words.front().c_str(), &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::runtime_error("cannot start " + program_.string());
    wait_until_ready();
}

std::vector<std::string> server_process::data_options() const {
    std::vector<std::string> options{"--data_dir=" + (data_dir_ / "data").string()};
    if (const auto url = settings_.find("redis.url"); url != settings_.end())
        options.push_back("--redis.url=" + url->second);
    return options;
}

void server_process::wait_until_ready() {
    const auto deadline = std::chrono::steady_clock::now() + ready_patience;
    for (;;) {
        try {
            if (connect().request("GET", "/health/ready").status == 200) return;
        } catch (const std::runtime_error&) {
            // Not listening yet.
        }
        if (::waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = 0;
            throw std::runtime_error("the server ended at its start:\n" + log());
        }
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("the server did not become ready:\n" + log());
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

http_connection server_process::connect() const {
    return settings_.contains("tls.certificate") ? http_connection(port_, tls_wish{})
                                                 : http_connection(port_);
}

void server_process::kill() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
}

int server_process::stop() {
    ::kill(process_, SIGTERM);
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

pid_t server_process::redis_process() const {
    // proc(5): the server's main thread lists the children of all its threads there only together.
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process_) + "/task")) {
        std::ifstream children(task.path() / "children");
        for (pid_t child = 0; children >> child;)
            if (read_file("/proc/" + std::to_string(child) + "/comm") == "redis-server\n")
                return child;
    }
    throw std::runtime_error("the server has no managed Redis now");
}

std::string server_process::log() const {
    return read_file(data_dir_ / "log");
}

bool server_process::has_logged(std::string_view text) const {
    using clock = std::chrono::steady_clock;
    for (const auto until = clock::now() + std::chrono::seconds(5); clock::now() < until;
         std::this_thread::sleep_for(std::chrono::milliseconds(10)))
        if (log().find(text) != std::string::npos) return true;
    return false;
}

double server_process::processor_seconds() const {
    // proc(5): after the command in parentheses, fields 14 and 15 are user and system ticks.
    const auto line = read_file("/proc/" + std::to_string(process_) + "/stat");
    std::istringstream rest(line.substr(line.rfind(')') + 2));
    const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
    const double ticks = std::stod(fields.at(11)) + std::stod(fields.at(12));
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

} // namespace countersign::tests
