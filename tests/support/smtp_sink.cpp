#include "tests/support/smtp_sink.hpp"

#include "notify/mime_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

namespace countersign::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using tls_stream = asio::ssl::stream<tcp::socket&>;

// base64 of "\0user\0pass word".
constexpr std::string_view plain_credentials = "AHVzZXIAcGFzcyB3b3Jk";

std::string between(std::string_view line, char open, char close) {
    const auto start = line.find(open);
    const auto end = line.find(close, start);
    if (start == std::string_view::npos || end == std::string_view::npos) {
        return {};
    }
    return std::string(line.substr(start + 1, end - start - 1));
}

} // namespace

struct smtp_sink::impl {
    explicit impl(smtp_sink_options given)
        : options(std::move(given)),
          acceptor(context, {asio::ip::make_address("127.0.0.1"), options.port}) {
        if (!options.certificate_file.empty()) {
            tls.use_certificate_chain_file(options.certificate_file);
            tls.use_private_key_file(options.key_file, asio::ssl::context::pem);
            if (options.tls_version_max != 0) {
                ::SSL_CTX_set_max_proto_version(tls.native_handle(), options.tls_version_max);
                ::SSL_CTX_set_cipher_list(tls.native_handle(), "ALL:@SECLEVEL=0");
            }
        }
        port = acceptor.local_endpoint().port();
        accepting = std::thread([this] { accept(); });
    }

    ~impl() {
        {
            const std::lock_guard lock(mutex);
            stopping = true;
            for (auto& socket : sockets) {
                ::shutdown(socket.native_handle(), SHUT_RDWR);
            }
        }
        ::shutdown(acceptor.native_handle(), SHUT_RDWR);
        accepting.join();
        for (auto& thread : serving) {
            thread.join();
        }
    }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    void accept() {
        for (;;) {
            boost::system::error_code failure;
            tcp::socket accepted = acceptor.accept(failure);
            const std::lock_guard lock(mutex);
            if (failure || stopping) {
                return;
            }
            ++connection_count;
            auto& socket = sockets.emplace_back(std::move(accepted));
            serving.emplace_back([this, &socket] { serve(socket); });
        }
    }

    void serve(tcp::socket& socket);

    smtp_sink_options options;
    asio::io_context context;
    asio::ssl::context tls{asio::ssl::context::tls_server};
    tcp::acceptor acceptor;
    std::uint16_t port = 0;
    std::thread accepting;

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    bool stopping = false;
    int connection_count = 0;
    std::list<tcp::socket> sockets;
    std::list<std::thread> serving;
    std::vector<received_mail> taken;
};

namespace {

// One connection's dialogue, over the socket or over TLS on it.
class session {
public:
    session(smtp_sink_options& options, asio::ssl::context& tls, tcp::socket& socket,
            std::function<void(received_mail)> deliver)
        : options_(options), tls_(tls), socket_(socket), deliver_(std::move(deliver)) {}

    void run() {
        if (options_.implicit_tls && !begin_tls()) {
            return;
        }
        if (!answer("CONNECT", "220 sink.test ESMTP")) {
            return;
        }
        while (const auto line = read_line()) {
            if (!handle(*line)) {
                return;
            }
        }
    }

private:
    bool handle(const std::string& line) {
        if (line.starts_with("EHLO")) {
            return answer(line, capabilities());
        }
        if (line.starts_with("MAIL FROM:")) {
            mail_.from = between(line, '<', '>');
            return answer(line, "250 ok");
        }
        if (line.starts_with("RCPT TO:")) {
            mail_.to = between(line, '<', '>');
            return answer(line, "250 ok");
        }
        if (line == "DATA") {
            return answer(line, "354 go on") && (refused_ || take_message());
        }
        if (line == "STARTTLS") {
            return answer(line, "220 go on") && (refused_ || begin_tls());
        }
        if (line.starts_with("AUTH PLAIN")) {
            return authenticate(line);
        }
        if (line.starts_with("AUTH LOGIN")) {
            return ask_for_login();
        }
        if (line == "QUIT") {
            answer(line, "221 bye");
            return false;
        }
        return answer(line, "250 ok");
    }

    [[nodiscard]] std::string capabilities() const {
        std::string out = "250-sink.test\r\n";
        if (options_.offer_auth) {
            out += "250-AUTH " + options_.auth_mechanism + "\r\n";
        }
        if (!options_.certificate_file.empty() && options_.offer_start_tls && !stream_) {
            out += "250-STARTTLS\r\n";
        }
        return out + "250 SIZE 1000000";
    }

    bool authenticate(const std::string& line) {
        std::string credentials = line.substr(std::min<std::size_t>(line.size(), 11));
        if (credentials.empty()) {
            if (!answer("AUTH PLAIN", "334 ") || refused_) {
                return refused_;
            }
            credentials = read_line().value_or("");
        }
        return answer("AUTH", credentials == plain_credentials ? "235 welcome" : "535 5.7.8 no");
    }

    // "User Name" and "Password", in base64.
    bool ask_for_login() {
        if (!answer("AUTH LOGIN", "334 VXNlciBOYW1lAA==") || refused_) {
            return refused_;
        }
        const bool right_user = read_line() == "dXNlcg==";
        if (!answer("AUTH LOGIN", "334 UGFzc3dvcmQA")) {
            return false;
        }
        const bool right_password = read_line() == "cGFzcyB3b3Jk";
        return answer("AUTH", right_user && right_password ? "235 welcome" : "535 5.7.8 no");
    }

    bool take_message() {
        mail_.data.clear();
        while (const auto line = read_line()) {
            if (*line == ".") {
                return answer(".", "250 2.0.0 queued");
            }
            mail_.data.append(line->starts_with('.') ? line->substr(1) : *line).append("\r\n");
        }
        return false;
    }

    bool begin_tls() {
        stream_ = std::make_unique<tls_stream>(socket_, tls_);
        boost::system::error_code failure;
        stream_->handshake(tls_stream::server, failure);
        return !failure;
    }

    // What the test asks for, or else `usual`. False: the connection is over. The mail counts as
    // taken before the client hears of it, so that a test which waited for the client finds it.
    bool answer(std::string_view line, std::string usual) {
        refused_ = false;
        sink_answer cue = options_.cue ? options_.cue(line) : sink_answer{};
        if (cue.delay.count() > 0) {
            std::this_thread::sleep_for(cue.delay);
        }
        if (line == "." && cue.take) {
            deliver_(mail_);
        }
        if (cue.close) {
            boost::system::error_code ignored;
            socket_.shutdown(tcp::socket::shutdown_both, ignored);
            return false;
        }
        refused_ = !cue.reply.empty() && cue.reply.front() >= '4';
        if (line == "." && !refused_ && !cue.take) {
            deliver_(mail_);
        }
        const std::string reply =
            (cue.reply.empty() && !cue.raw ? usual : cue.reply) + (cue.raw ? "" : "\r\n");
        bool open = cue.per_byte.count() > 0 ? trickle(reply, cue.per_byte) : write(reply);
        if (open && !cue.then.empty()) {
            std::this_thread::sleep_for(cue.then_after);
            open = write(cue.then);
        }
        return open && !cue.close_after;
    }

    bool trickle(std::string_view text, std::chrono::milliseconds pause) {
        return std::ranges::all_of(text, [&](char letter) {
            std::this_thread::sleep_for(pause);
            return write({&letter, 1});
        });
    }

    bool write(std::string_view text) {
        boost::system::error_code failure;
        if (stream_) {
            asio::write(*stream_, asio::buffer(text), failure);
        } else {
            asio::write(socket_, asio::buffer(text), failure);
        }
        return !failure;
    }

    std::optional<std::string> read_line() {
        boost::system::error_code failure;
        const auto buffer = asio::dynamic_buffer(unread_);
        const auto length = stream_ ? asio::read_until(*stream_, buffer, "\r\n", failure)
                                    : asio::read_until(socket_, buffer, "\r\n", failure);
        if (failure) {
            return std::nullopt;
        }
        std::string line = unread_.substr(0, length - 2);
        unread_.erase(0, length);
        return line;
    }

    smtp_sink_options& options_;
    asio::ssl::context& tls_;
    tcp::socket& socket_;
    std::function<void(received_mail)> deliver_;
    std::unique_ptr<tls_stream> stream_;
    std::string unread_;
    received_mail mail_;
    bool refused_ = false; // the last answer was 4xx or 5xx
};

} // namespace

void smtp_sink::impl::serve(tcp::socket& socket) {
    session(options, tls, socket, [this](received_mail mail) {
        const std::lock_guard lock(mutex);
        taken.push_back(std::move(mail));
        changed.notify_all();
    }).run();
    ::shutdown(socket.native_handle(), SHUT_RDWR); // the descriptor lives until the sink does
}

smtp_sink::smtp_sink(smtp_sink_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {}
smtp_sink::~smtp_sink() = default;

std::uint16_t smtp_sink::port() const noexcept {
    return impl_->port;
}

std::string smtp_sink::url() const {
    return "smtp://127.0.0.1:" + std::to_string(port());
}

std::vector<received_mail> smtp_sink::mails() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->taken;
}

bool smtp_sink::wait_for(std::size_t count, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(impl_->mutex);
    return impl_->changed.wait_for(lock, timeout, [&] { return impl_->taken.size() >= count; });
}

int smtp_sink::connections() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->connection_count;
}

std::string text_part(std::string_view data) {
    return notify::read_part(data, "text/plain").value_or("");
}

std::string html_part(std::string_view data) {
    return notify::read_part(data, "text/html").value_or("");
}

std::string header(std::string_view data, std::string_view name) {
    return notify::read_header(data, name).value_or("");
}

std::optional<std::string> find_six_digits(std::string_view text) {
    const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    for (auto start = text.begin(); start != text.end();) {
        start = std::find_if(start, text.end(), is_digit);
        const auto end = std::find_if_not(start, text.end(), is_digit);
        if (end - start == 6) {
            return std::string(start, end);
        }
        start = end;
    }
    return std::nullopt;
}

std::optional<std::string> find_token(std::string_view text) {
    constexpr std::string_view mark = "?token=";
    const auto start = text.find(mark);
    if (start == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(start + mark.size());
    return std::string(text.substr(0, text.find_first_of(" \r\n\"<&")));
}

} // namespace countersign::tests
