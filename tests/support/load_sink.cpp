#include "tests/support/load_sink.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <condition_variable>
#include <fcntl.h>
#include <mutex>
#include <pthread.h>
#include <string_view>
#include <thread>
#include <time.h>
#include <utility>

namespace countersign::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;

std::string in_brackets(std::string_view line) {
    const auto open = line.find('<');
    const auto close = line.find('>');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
        return {};
    return std::string(line.substr(open + 1, close - open - 1));
}

// Programs that are started meanwhile would keep the port or the connection open.
template <typename Socket>
void keep_from_children(Socket& socket) {
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
}

// What all connections fill.
struct record {
    std::size_t data_max = 0;
    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::size_t count = 0;
    std::vector<taken_mail> mails;
    std::vector<ended_connection> ends;

    void add(taken_mail mail) {
        const std::lock_guard lock(mutex);
        ++count;
        mails.push_back(std::move(mail));
        changed.notify_all();
    }
    void add(ended_connection end) {
        const std::lock_guard lock(mutex);
        ends.push_back(end);
    }
};

// One connection's dialogue. What has arrived is worked off at once, so a client may send several
// commands together (RFC 2920).
class session : public std::enable_shared_from_this<session> {
public:
    session(record& all, tcp::socket socket, std::uint64_t number)
        : all_(all), socket_(std::move(socket)), number_(number) {
        keep_from_children(socket_);
        socket_.set_option(tcp::no_delay(true));
    }

    void start() {
        replies_ = "220 sink.test ESMTP\r\n";
        if (send()) receive();
    }

private:
    void receive() {
        socket_.async_read_some(
            asio::buffer(buffer_), [self = shared_from_this()](
                                       const boost::system::error_code& failure, std::size_t size) {
                if (failure || !self->take(size))
                    self->all_.add(ended_connection{self->number_, clock::now(), self->quit_});
                else
                    self->receive();
            });
    }

    // False: the connection is over.
    bool take(std::size_t size) {
        unread_.append(buffer_.data(), size);
        while (!quit_ && (in_message_ ? take_message() : take_line())) {
        }
        return send() && !quit_;
    }

    bool send() {
        boost::system::error_code failure;
        asio::write(socket_, asio::buffer(replies_), failure);
        replies_.clear();
        return !failure;
    }

    // False: there is none yet.
    bool take_line() {
        const auto end = unread_.find("\r\n");
        if (end == std::string::npos) return false;
        const std::string_view line(unread_.data(), end);
        if (line.starts_with("EHLO")) {
            replies_ += "250-sink.test\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n";
        } else if (line == "DATA") {
            replies_ += "354 go on\r\n";
            in_message_ = true;
            looked_at_ = 0;
        } else if (line == "QUIT") {
            replies_ += "221 bye\r\n";
            quit_ = true;
        } else {
            if (line.starts_with("RCPT TO:")) to_ = in_brackets(line);
            replies_ += "250 ok\r\n";
        }
        unread_.erase(0, end + 2);
        return true;
    }

    bool take_message() {
        constexpr std::string_view mark = "\r\n.\r\n";
        const auto end = unread_.find(mark, looked_at_);
        if (end == std::string::npos) {
            looked_at_ = unread_.size() < mark.size() ? 0 : unread_.size() - mark.size();
            return false;
        }
        all_.add(taken_mail{.connection = number_,
                            .arrived = clock::now(),
                            .to = std::move(to_),
                            .data = unread_.substr(0, std::min(end + 2, all_.data_max))});
        unread_.erase(0, end + mark.size());
        replies_ += "250 2.0.0 queued\r\n";
        in_message_ = false;
        return true;
    }

    record& all_;
    tcp::socket socket_;
    std::uint64_t number_;
    std::array<char, 16'384> buffer_{};
    std::string unread_, replies_, to_;
    std::size_t looked_at_ = 0; // of `unread_`: no message's end begins before
    bool in_message_ = false;
    bool quit_ = false;
};

} // namespace

struct load_sink::impl {
    explicit impl(const load_sink_options& options)
        : all{.data_max = options.data_max},
          acceptor(context, {asio::ip::address_v4::loopback(), options.port}),
          port(acceptor.local_endpoint().port()) {
        keep_from_children(acceptor);
        accept();
        thread = std::thread([this] { context.run(); });
    }
    ~impl() {
        context.stop();
        thread.join();
    }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    void accept() {
        acceptor.async_accept([this](const boost::system::error_code& failure, tcp::socket socket) {
            if (failure) return;
            std::make_shared<session>(all, std::move(socket), ++connections)->start();
            accept();
        });
    }

    record all; // outlives the connections
    asio::io_context context{1};
    tcp::acceptor acceptor;
    std::uint16_t port;
    std::uint64_t connections = 0;
    std::thread thread;
};

load_sink::load_sink(load_sink_options options) : impl_(std::make_unique<impl>(options)) {}
load_sink::~load_sink() = default;

std::uint16_t load_sink::port() const noexcept {
    return impl_->port;
}

std::string load_sink::url() const {
    return "smtp://127.0.0.1:" + std::to_string(port());
}

std::size_t load_sink::count() const {
    const std::lock_guard lock(impl_->all.mutex);
    return impl_->all.count;
}

bool load_sink::wait_for(std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(impl_->all.mutex);
    return impl_->all.changed.wait_for(lock, timeout, [&] { return impl_->all.count >= count; });
}

std::vector<taken_mail> load_sink::take_mails() {
    const std::lock_guard lock(impl_->all.mutex);
    return std::exchange(impl_->all.mails, {});
}

std::vector<ended_connection> load_sink::take_ends() {
    const std::lock_guard lock(impl_->all.mutex);
    return std::exchange(impl_->all.ends, {});
}

double load_sink::processor_seconds() const {
    clockid_t which{};
    timespec used{};
    if (::pthread_getcpuclockid(impl_->thread.native_handle(), &which) != 0 ||
        ::clock_gettime(which, &used) != 0)
        return 0;
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

} // namespace countersign::tests
