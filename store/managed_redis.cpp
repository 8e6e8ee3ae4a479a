#include "store/managed_redis.hpp"

#include "store/child_process.hpp"
#include "store/file_lock.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <exception>
#include <fstream>
#include <future>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace countersign::store {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds owner_patience{1000};     // a killed Countersign ends a moment later
constexpr milliseconds settled_after{10000};     // a child that lived so long did not die quickly
constexpr milliseconds first_restart_pause{100}; // doubling …
constexpr milliseconds last_restart_pause{2000}; // … to this
constexpr std::size_t log_lines_shown = 8;

fs::path socket_of(const fs::path& directory) {
    return directory / "redis.sock";
}

// Relative names: Redis runs in the directory. What each line guards against: docs/outbox.md.
std::string configuration(durability sync) {
    const auto* fsync = sync == durability::always ? "always" : "everysec";
    return std::string("# Written by Countersign at every start: changes here are lost.\n"
                       "port 0\n"
                       "unixsocket redis.sock\n"
                       "unixsocketperm 600\n"
                       "protected-mode yes\n"
                       "daemonize no\n"
                       "dir .\n"
                       "logfile redis.log\n"
                       "appendonly yes\n"
                       "no-appendfsync-on-rewrite no\n"
                       "aof-load-truncated yes\n"
                       "rdbcompression no\n"
                       "auto-aof-rewrite-percentage 200\n"
                       "auto-aof-rewrite-min-size 256mb\n"
                       "latency-tracking no\n"
                       "save \"\"\n"
                       "stop-writes-on-bgsave-error yes\n"
                       "hash-max-listpack-value 16384\n"
                       "maxmemory-policy noeviction\n"
                       "busy-reply-threshold 100\n"
                       "enable-debug-command no\n"
                       "enable-module-command no\n"
                       "enable-protected-configs no\n"
                       "appendfsync ") +
           fsync + "\n";
}

// Made anew, so that the mode is ours whatever stood there.
void write_configuration(const fs::path& file, durability sync) {
    fs::remove(file);
    const descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const auto text = configuration(sync);
    if (!out || ::write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::system_error(errno, std::system_category(), file.string());
}

// The socket's address; throws if its path does not fit into one.
sockaddr_un socket_address(const fs::path& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const auto text = path.string();
    if (text.size() >= sizeof address.sun_path)
        throw std::runtime_error(
            "data_dir is too long: a Unix socket's path has at most 107 bytes, "
            "and " +
            text + " has " + std::to_string(text.size()));
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

// One PING: the first line of the answer, or why there is none.
std::string ping(const sockaddr_un& address) {
    const descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    constexpr std::string_view request = "PING\r\n";
    std::array<char, 128> answer{};
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
        return std::system_category().message(errno);
    const auto size = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (size < 0) return std::system_category().message(errno);
    const std::string_view text(answer.data(), static_cast<std::size_t>(size));
    return std::string(text.substr(0, text.find('\r')));
}

std::string last_lines(const fs::path& file) {
    std::ifstream in(file);
    std::deque<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(std::move(line));
        if (lines.size() > log_lines_shown) lines.pop_front();
    }
    std::string text;
    for (const auto& line : lines)
        text += "\n    " + line;
    return text;
}

} // namespace

redis_address managed_redis_address(const fs::path& directory) {
    redis_address address;
    address.unix_socket = socket_of(fs::absolute(directory)).string();
    return address;
}

// The child belongs to one thread, which starts, watches, restarts and stops it: the kernel ends
// the child when that thread ends, however it does (see child_process).
struct managed_redis::impl {
    explicit impl(managed_redis_options given) : options(std::move(given)) {
        options.directory = fs::absolute(options.directory);
        address = socket_address(socket_of(options.directory));
        program = find_program(options.program);
        if (program.empty())
            throw std::runtime_error("there is no program " + options.program +
                                     ": install the packages redis-server and redis-tools, or set "
                                     "redis.url to a Redis that runs already");
        fs::create_directories(options.directory);
        fs::permissions(options.directory, fs::perms::owner_all);
        owner = lock_file(options.directory / "owner", owner_patience);
        if (!owner)
            throw std::runtime_error(options.directory.string() +
                                     " is in use by a running Countersign");
        write_configuration(options.directory / "redis.conf", options.sync);
        stop_request = descriptor(::eventfd(0, EFD_CLOEXEC));
        if (!stop_request) throw std::system_error(errno, std::system_category(), "eventfd");

        std::promise<void> started;
        auto outcome = started.get_future();
        supervisor = std::thread(&impl::supervise, this, std::move(started));
        try {
            outcome.get();
        } catch (...) {
            supervisor.join();
            throw;
        }
    }

    ~impl() {
        ::eventfd_write(stop_request.get(), 1);
        supervisor.join();
    }

    void supervise(std::promise<void> started) {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr); // signals are the other threads' business
        std::unique_ptr<child_process> child;
        try {
            child = start_child(options.stop_deadline);
            wait_until_ready(*child);
        } catch (...) {
            if (child) stop_child(*child);
            started.set_exception(std::current_exception());
            return;
        }
        started.set_value();
        keep_running(std::move(child));
    }

    // Never two servers on one file: the lock comes first, and the child keeps it.
    std::unique_ptr<child_process> start_child(milliseconds leftover_grace) {
        const auto log_file = options.directory / "redis.log";
        const auto lock = lock_ending_leftovers(
            options.directory / "lock",
            {.program = program.filename().string().substr(0, 15), .grace = leftover_grace});
        const descriptor log(
            ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        if (!log) throw std::system_error(errno, std::system_category(), log_file.string());
        auto child =
            std::make_unique<child_process>(child_options{.program = program,
                                                          .arguments = {"redis.conf"},
                                                          .working_directory = options.directory,
                                                          .inherited = lock.get(),
                                                          .output = log.get()});
        process_id = child->process_id();
        return child;
    }

    void wait_until_ready(child_process& child) {
        const auto deadline = clock::now() + options.start_deadline;
        std::string answer;
        while (clock::now() < deadline) {
            answer = ping(address);
            if (answer == "+PONG") return;
            if (const auto ending = child.wait(milliseconds(20)))
                throw std::runtime_error(describe_failure("ended at its start: " + *ending));
        }
        throw std::runtime_error(describe_failure("did not get ready within " +
                                                  std::to_string(options.start_deadline.count()) +
                                                  " ms; to PING: " + answer));
    }

    std::string describe_failure(const std::string& what) const {
        const auto log = options.directory / "redis.log";
        return program.string() + " " + what + "\nThe last lines of " + log.string() + ":" +
               last_lines(log);
    }

    // Watches the child until the stop is asked for; restarts it as often as it dies.
    void keep_running(std::unique_ptr<child_process> child) {
        auto pause = milliseconds{0};
        auto since = clock::now();
        while (!stop_asked_for(child->ended_descriptor(), milliseconds{-1})) {
            const auto ending = child->wait(milliseconds{0});
            if (!ending) continue;
            if (clock::now() - since >= settled_after) pause = milliseconds{0};
            spdlog::warn("the managed Redis (process id {}) died: {}; starting it again",
                         child->process_id(), *ending);
            do {
                if (stop_asked_for(-1, pause)) return;
                pause = std::clamp(2 * pause, first_restart_pause, last_restart_pause);
                child = restart_child();
            } while (!child);
            since = clock::now();
        }
        stop_child(*child);
    }

    // Nothing if it cannot be started now. Who still holds the lock is a fork of the dead child (it
    // was rewriting the file), so it gets no grace.
    std::unique_ptr<child_process> restart_child() {
        try {
            return start_child(milliseconds{0});
        } catch (const std::exception& error) {
            spdlog::error("the managed Redis cannot be started again: {}", error.what());
            return nullptr;
        }
    }

    // Waits for the stop request, or for `other`, or for the time to pass (-1: for ever).
    [[nodiscard]] bool stop_asked_for(int other, milliseconds patience) const {
        std::array<pollfd, 2> wanted{
            {{stop_request.get(), POLLIN, 0}, {other, POLLIN, 0}}}; // poll() skips -1
        ::poll(wanted.data(), wanted.size(), static_cast<int>(patience.count()));
        return wanted[0].revents != 0;
    }

    void stop_child(child_process& child) const {
        child.signal(SIGTERM);
        if (child.wait(options.stop_deadline)) return;
        spdlog::warn("the managed Redis (process id {}) does not stop: killing it",
                     child.process_id());
        child.signal(SIGKILL); // its owner's end reaps it
    }

    managed_redis_options options;
    sockaddr_un address{};
    fs::path program;
    descriptor owner; // held by us alone: tells a live server from a leftover
    descriptor stop_request;
    std::atomic<int> process_id = -1;
    std::thread supervisor;
};

managed_redis::managed_redis(managed_redis_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}
managed_redis::~managed_redis() = default;

redis_address managed_redis::address() const {
    return managed_redis_address(impl_->options.directory);
}
int managed_redis::process_id() const noexcept {
    return impl_->process_id;
}

} // namespace countersign::store
