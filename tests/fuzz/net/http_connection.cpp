// A connection's bytes, from the socket to the dispatcher: what is answered is an unambiguous
// message as a second, independent reading has it; what is not is refused once, and nothing behind
// it is answered; and none of it depends on the pieces in which the bytes arrive.
#include "net/connection.hpp"
#include "tests/fuzz/net/reference_reader.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <spdlog/spdlog.h>

#include <array>
#include <cerrno>
#include <exception>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace countersign::fuzz {
namespace {

namespace asio = boost::asio;

constexpr std::string_view final_status = "HTTP/1.1 ";

// Every third path has its body streamed, so that both ways are taken.
class recorder final : public net::dispatcher {
public:
    std::vector<message> answered;
    int refused = 0;

    net::body_plan accept_head(net::request& head) override {
        if (head.path.size() % 3 == 0) return {.how = net::body_plan::delivery::streamed};
        return {};
    }
    awaitable<net::reply> dispatch(const net::request& request) override {
        require(refused == 0, "nothing is answered behind a refusal");
        message got{.method = std::string(boost::beast::http::to_string(request.method)),
                    .target = std::string(request.target()),
                    .body = std::string(request.body())};
        net::reply out{.body = "{}"};
        while (request.stream != nullptr) {
            const auto piece = co_await request.stream->next();
            if (piece.has_error()) {
                out.status = 400;
                ++broken;
                co_return out;
            }
            if (piece->empty()) break;
            got.body += *piece;
        }
        answered.push_back(std::move(got));
        co_return out;
    }
    net::reply problem(net::transport_problem problem, std::string_view, std::string_view,
                       std::string_view) override {
        ++refused;
        require(refused == 1, "a connection is refused once");
        return {.status = net::status_of(problem), .body = "{}"};
    }
    awaitable<void> stop() override { co_return; }

    int broken = 0; // answers to messages of which not all came
};

// One connection, of which the client's end is ours.
class conversation {
public:
    explicit conversation(net::dispatcher& handler) : set_(context_) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw std::system_error(errno, std::generic_category(), "socketpair");
        client_ = ends[0];
        set_.handler = &handler;
        set_.counted = &counters_;
        set_.date = "Thu, 01 Jan 1970 00:00:00 GMT";
        net::tcp_socket socket(context_);
        socket.assign(asio::ip::tcp::v4(), ends[1]);
        asio::co_spawn(context_, net::serve(std::move(socket), set_),
                       [this](const std::exception_ptr& failure) {
                           failure_ = failure;
                           done_ = true;
                       });
    }
    ~conversation() { ::close(client_); }
    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;

    void send(std::string_view bytes) {
        while (!bytes.empty() && !done_) {
            const auto sent = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) break; // the server has left
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
            let_it_work();
        }
    }
    // All that the server says until it leaves.
    std::string finish() {
        ::shutdown(client_, SHUT_WR);
        for (int turns = 0; !done_; ++turns) {
            require(turns < 10'000, "a connection whose client is done ends");
            let_it_work();
        }
        let_it_work();
        if (failure_) std::rethrow_exception(failure_);
        return std::move(received_);
    }

private:
    void let_it_work() {
        context_.restart();
        context_.poll();
        std::array<char, 4096> buffer{};
        for (;;) {
            const auto count = ::recv(client_, buffer.data(), buffer.size(), 0);
            if (count <= 0) return;
            received_.append(buffer.data(), static_cast<std::size_t>(count));
        }
    }

    asio::io_context context_;
    net::connection_counters counters_;
    net::connection_set set_;
    int client_ = -1;
    bool done_ = false;
    std::exception_ptr failure_;
    std::string received_;
};

struct outcome {
    std::vector<message> answered;
    int refused = 0, broken = 0;
    std::string replies;
};

outcome serve_in_pieces(std::string_view input, std::size_t size) {
    recorder handler;
    conversation client(handler);
    for (std::size_t at = 0; at < input.size(); at += size)
        client.send(input.substr(at, size));
    auto replies = client.finish();
    return {std::move(handler.answered), handler.refused, handler.broken, std::move(replies)};
}

// The replies but for the invitations to go on (100), each as long as it says.
int count_replies(std::string_view bytes) {
    int count = 0;
    while (!bytes.empty()) {
        require(bytes.starts_with(final_status), "a reply begins with its status");
        const auto end = bytes.find("\r\n\r\n");
        require(end != std::string_view::npos, "a reply's header section ends");
        const bool invitation = bytes.substr(final_status.size(), 3) == "100";
        const bool has_content =
            bytes.substr(0, end + 2).find("Content-Length: 2\r\n") != bytes.npos;
        bytes.remove_prefix(end + 4);
        if (invitation) continue;
        ++count;
        if (has_content && bytes.starts_with("{}")) bytes.remove_prefix(2); // none after HEAD
    }
    return count;
}

void http_connection(std::string_view input) {
    [[maybe_unused]] static const bool quiet = (spdlog::set_level(spdlog::level::off), true);
    const auto whole = serve_in_pieces(input, input.size() + 1);
    require(count_replies(whole.replies) ==
                static_cast<int>(whole.answered.size()) + whole.broken + whole.refused,
            "one message has one reply");

    auto rest = input;
    for (const auto& got : whole.answered) {
        const auto read = take_message(rest);
        require(read.has_value(), "what is answered is unambiguous");
        require(*read == got, "what is answered is what was sent");
    }

    const auto size = input.empty() ? 1 : 1 + static_cast<unsigned char>(input.back()) % 7;
    const auto pieces = serve_in_pieces(input, size);
    require(pieces.answered == whole.answered, "pieces of a message mean the same");
    require(pieces.refused == whole.refused && pieces.broken == whole.broken,
            "pieces of what is no message mean the same");
}

const registration here("http_connection", http_connection);

} // namespace
} // namespace countersign::fuzz
