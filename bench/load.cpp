#include "bench/load.hpp"

#include "bench/processes.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace countersign::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

std::atomic<bool> interrupted{false};

// Open loop: how often it sends what is due and takes what has come. Waking for each request by
// itself took it half a processor, which a server's clients do not take from it; latency counts
// from when a request was due, and is up to two of these too long.
constexpr std::chrono::microseconds tick{250};

struct reply_view {
    std::size_t size = 0; // 0: not complete yet
    unsigned status = 0;
    bool closes = false;
    bool retry_after = false;
    std::string_view body;
};

// The value of Content-Length, however its letters are written; 0 without one.
std::size_t content_length(std::string_view head) {
    for (auto at = head.find("ontent-"); at != std::string_view::npos;
         at = head.find("ontent-", at + 1)) {
        const auto rest = head.substr(at + 7);
        if (!rest.starts_with("Length: ") && !rest.starts_with("length: ")) continue;
        std::size_t length = 0;
        std::from_chars(rest.data() + 8, rest.data() + rest.size(), length);
        return length;
    }
    return 0;
}

reply_view read_reply(std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos || end < 12) return {};
    const auto head = bytes.substr(0, end + 2);
    const auto length = content_length(head);
    if (bytes.size() < end + 4 + length) return {};
    reply_view reply{.size = end + 4 + length, .body = bytes.substr(end + 4, length)};
    std::from_chars(head.data() + 9, head.data() + 12, reply.status);
    reply.closes = head.find("onnection: close") != std::string_view::npos;
    if (reply.status == 503)
        reply.retry_after = head.find("Retry-After: ") != std::string_view::npos;
    return reply;
}

struct connection {
    int descriptor = -1;
    bool waits = false; // for a reply
    clock::time_point due;
    std::string received; // of an incomplete reply
};

int open_connection(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int why = errno;
        ::close(descriptor);
        throw std::system_error(why, std::generic_category(), "connect");
    }
    return descriptor;
}

// Of this thread, until the end of the scope.
class scheduled_as {
public:
    explicit scheduled_as(int policy) : before_(::sched_getscheduler(0)) { set(policy); }
    ~scheduled_as() { set(before_); }
    scheduled_as(const scheduled_as&) = delete;
    scheduled_as& operator=(const scheduled_as&) = delete;

private:
    static void set(int policy) {
        const sched_param no_priority{};
        ::sched_setscheduler(0, policy, &no_priority);
    }
    int before_;
};

class generator {
public:
    generator(const load_options& options, request_source& source)
        : options_(options), source_(source), connections_(options.connections),
          poll_(::epoll_create1(EPOLL_CLOEXEC)) {
        try {
            for (auto& one : connections_)
                open(one);
        } catch (...) {
            close_all();
            throw;
        }
        for (auto& one : connections_)
            idle_.push_back(&one);
    }
    ~generator() { close_all(); }
    generator(const generator&) = delete;
    generator& operator=(const generator&) = delete;

    load_result run() {
        greet();
        ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); // open loop: wake on time
        // Closed loop: whoever answers is not pushed aside by it, as if it were on another machine.
        const scheduled_as policy(options_.rate_per_s > 0 ? SCHED_OTHER : SCHED_BATCH);
        for (const auto pid : options_.watched)
            result_.watched_cpu_s.push_back(-processor_seconds(pid));
        const auto own = thread_processor_seconds();
        begin_ = clock::now();
        end_ = begin_ + options_.duration;
        if (options_.rate_per_s > 0)
            interval_ = nanoseconds(static_cast<std::int64_t>(1e9 / options_.rate_per_s));
        send_what_is_due(begin_);
        for (auto now = begin_; now < end_ && !over(); now = clock::now()) {
            if (options_.rate_per_s > 0) {
                std::this_thread::sleep_for(std::min<nanoseconds>(tick, end_ - now));
                while (wait(nanoseconds(0))) {
                }
            } else {
                (void)wait(end_ - now);
            }
            send_what_is_due(clock::now());
        }
        const auto ended = std::min(clock::now(), end_);
        result_.seconds = std::chrono::duration<double>(ended - begin_).count();
        for (std::size_t at = 0; at < options_.watched.size(); ++at)
            result_.watched_cpu_s[at] += processor_seconds(options_.watched[at]);
        result_.generator_cpu_s = thread_processor_seconds() - own;
        if (options_.rate_per_s > 0 && !used_up_) result_.unsent = due_by(ended) - result_.sent;

        draining_ = true;
        const auto patience = clock::now() + options_.drain;
        while (waiting_ > 0 && clock::now() < patience && !interrupted)
            (void)wait(std::chrono::milliseconds(10));
        result_.broken += waiting_;
        return std::move(result_);
    }

private:
    [[nodiscard]] bool over() const { return interrupted || (used_up_ && waiting_ == 0); }

    void open(connection& one) {
        one.descriptor = open_connection(options_.port);
        epoll_event event{.events = EPOLLIN, .data = {.ptr = &one}};
        ::epoll_ctl(poll_, EPOLL_CTL_ADD, one.descriptor, &event);
    }

    // One request on each connection that does not count, so that the server has accepted it.
    void greet() {
        constexpr std::string_view hello = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
        draining_ = true;
        for (auto* one : idle_) {
            one->waits = true;
            (void)::send(one->descriptor, hello.data(), hello.size(), MSG_NOSIGNAL);
        }
        waiting_ = idle_.size();
        idle_.clear();
        end_ = clock::time_point::max();
        const auto patience = clock::now() + std::chrono::seconds(15);
        while (waiting_ > 0 && clock::now() < patience && !interrupted)
            (void)wait(std::chrono::milliseconds(10));
        if (waiting_ > 0 && !interrupted)
            throw std::runtime_error(std::to_string(waiting_) + " connections were not answered");
        draining_ = false;
        result_ = {};
    }

    void close_all() noexcept {
        for (auto& one : connections_)
            if (one.descriptor >= 0) ::close(one.descriptor);
        ::close(poll_);
    }

    [[nodiscard]] std::uint64_t due_by(clock::time_point now) const {
        return static_cast<std::uint64_t>((now - begin_) / interval_) + 1;
    }

    void send_what_is_due(clock::time_point now) {
        if (options_.rate_per_s <= 0) {
            while (!idle_.empty() && !used_up_ && now < end_)
                if (!send_next(now)) break;
            return;
        }
        const auto due = due_by(std::min(now, end_));
        while (!idle_.empty() && result_.sent < due)
            if (!send_next(begin_ + interval_ * result_.sent)) return;
    }

    bool send_next(clock::time_point due) {
        const auto bytes = source_.next();
        if (bytes.empty()) {
            used_up_ = true;
            return false;
        }
        auto& one = *idle_.back();
        idle_.pop_back();
        ++result_.sent;
        one.due = due;
        one.waits = true;
        ++waiting_;
        std::size_t gone = 0;
        while (gone < bytes.size()) {
            const auto count =
                ::send(one.descriptor, bytes.data() + gone, bytes.size() - gone, MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) break; // the reader finds the connection closed
            gone += static_cast<std::size_t>(count);
        }
        return true;
    }

    // True: there may be more at once.
    bool wait(nanoseconds longest) {
        std::array<epoll_event, 512> events{};
        const timespec room{.tv_sec = longest.count() / 1'000'000'000,
                            .tv_nsec = longest.count() % 1'000'000'000};
        const int count =
            ::epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &room, nullptr);
        for (int at = 0; at < count; ++at)
            receive(*static_cast<connection*>(events[static_cast<std::size_t>(at)].data.ptr));
        return count == static_cast<int>(events.size());
    }

    void receive(connection& one) {
        const auto count = ::recv(one.descriptor, buffer_.data(), buffer_.size(), 0);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (count <= 0) {
            reopen(one);
            return;
        }
        std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
        if (!one.received.empty()) bytes = one.received.append(bytes);
        const auto reply = read_reply(bytes);
        if (reply.size == 0) {
            if (one.received.empty()) one.received = bytes;
            return;
        }
        take(one, reply, bytes);
        one.received.clear();
        if (reply.closes) reopen(one);
        if (draining_) return;
        // The one that has just been answered sends next: its memory is warm.
        if (options_.rate_per_s <= 0 && clock::now() < end_) send_next(clock::now());
    }

    void take(connection& one, const reply_view& reply, std::string_view bytes) {
        if (!one.waits) throw std::runtime_error("a reply to no request");
        one.waits = false;
        --waiting_;
        idle_.push_back(&one);
        const auto now = clock::now();
        const bool good = source_.accepts(reply.status, reply.body);
        if (now <= end_) {
            ++result_.replies;
            ++result_.statuses[reply.status];
            result_.good += good ? 1 : 0;
            result_.retry_after += reply.retry_after ? 1 : 0;
        } else {
            ++result_.late;
        }
        if (good)
            result_.latency.record(static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(now - one.due).count()));
        else if (result_.first_bad.empty())
            result_.first_bad = bytes.substr(0, 600);
    }

    // Its server closed it: after the last reply that it grants a connection, or without one.
    void reopen(connection& one) {
        ::close(one.descriptor);
        one.descriptor = -1;
        one.received.clear();
        if (one.waits) {
            one.waits = false;
            --waiting_;
            ++result_.broken;
            idle_.push_back(&one);
            if (result_.first_bad.empty()) result_.first_bad = "the connection was closed";
        }
        try {
            open(one);
        } catch (const std::system_error& error) {
            if (result_.first_bad.empty()) result_.first_bad = error.what();
            std::erase(idle_, &one);
        }
    }

    const load_options& options_;
    request_source& source_;
    std::vector<connection> connections_;
    std::vector<connection*> idle_;
    int poll_;
    clock::time_point begin_, end_;
    nanoseconds interval_{1};
    std::uint64_t waiting_ = 0;
    bool used_up_ = false;
    bool draining_ = false;
    std::array<char, 65'536> buffer_{};
    load_result result_;
};

} // namespace

double load_result::rate() const {
    return seconds > 0 ? static_cast<double>(good) / seconds : 0;
}

std::uint64_t load_result::bad() const {
    return replies - good + broken;
}

double load_result::each_us(double cpu_s) const {
    return replies > 0 ? cpu_s * 1e6 / static_cast<double>(replies) : 0;
}

load_result run_load(const load_options& options, request_source& source) {
    return std::make_unique<generator>(options, source)->run();
}

void interrupt_loads() noexcept {
    interrupted = true;
}

bool loads_interrupted() noexcept {
    return interrupted;
}

} // namespace countersign::bench
