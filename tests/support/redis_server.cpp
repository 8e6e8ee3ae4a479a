#include "tests/support/redis_server.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace countersign::tests {

namespace {

constexpr std::chrono::seconds start_deadline{10};

std::filesystem::path make_directory() {
    auto name = (std::filesystem::temp_directory_path() / "countersign-redis-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary directory for Redis");
    return name;
}

// Whether a PING on the socket is answered with PONG within a moment.
bool answers(const std::string& path) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    const timeval moment{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
    constexpr std::string_view ping = "PING\r\n";
    std::string reply(7, '\0');
    const bool answered =
        ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
        ::write(socket, ping.data(), ping.size()) == static_cast<ssize_t>(ping.size()) &&
        ::read(socket, reply.data(), reply.size()) > 0 && reply.starts_with("+PONG");
    ::close(socket);
    return answered;
}

} // namespace

redis_server::redis_server(append_only durability, std::vector<std::string> settings)
    : durability_(durability), settings_(std::move(settings)), directory_(make_directory()) {
    start();
}

redis_server::~redis_server() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

store::redis_address redis_server::address() const {
    store::redis_address address;
    address.unix_socket = directory_ / "redis.sock";
    return address;
}

void redis_server::start() {
    std::vector<std::string> words{"redis-server",
                                   "--port",
                                   "0",
                                   "--unixsocket",
                                   address().unix_socket,
                                   "--dir",
                                   directory_,
                                   "--save",
                                   "",
                                   "--logfile",
                                   directory_ / "log",
                                   "--enable-debug-command",
                                   "local",
                                   "--appendonly",
                                   durability_ == append_only::off ? "no" : "yes",
                                   "--appendfsync",
                                   "always"};
    words.insert(words.end(), settings_.begin(), settings_.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);

    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("fork failed");
    if (process_ == 0) {
        ::execvp(arguments.front(), arguments.data());
        ::_exit(127);
    }
    wait_until_it_answers();
}

void redis_server::wait_until_it_answers() const {
    const auto until = std::chrono::steady_clock::now() + start_deadline;
    while (!answers(address().unix_socket)) {
        if (std::chrono::steady_clock::now() > until || ::waitpid(process_, nullptr, WNOHANG) != 0)
            throw std::runtime_error("redis-server did not start; is it installed?");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void redis_server::kill() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
}

void redis_server::restart() {
    kill();
    start();
}

void redis_server::pause() {
    ::kill(process_, SIGSTOP);
    int status = 0;
    if (::waitpid(process_, &status, WUNTRACED) != process_ || !WIFSTOPPED(status))
        throw std::runtime_error("redis-server did not stop");
}

void redis_server::resume() {
    ::kill(process_, SIGCONT);
}

} // namespace countersign::tests
