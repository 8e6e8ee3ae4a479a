// What a connection does for bodies and replies that are not held in memory as a whole.
#include "net/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <spdlog/spdlog.h>

#include <netinet/tcp.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace countersign::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// What is read of a body, and sent of a reply, at once.
constexpr std::size_t piece_max_bytes = 64 * 1024;
// How much the kernel may hold that was not sent yet. Without this bound it asks for more only when
// a third of its buffer, megabytes, is free, and a slow but steady reader would miss the deadline.
constexpr int unsent_max_bytes = 128 * 1024;

body_problem to_body_problem(const error_code& parse_error) noexcept {
    return parse_error == http::error::body_limit ? body_problem::too_large
                                                  : body_problem::malformed;
}

// An operation that completes at once takes no notice of a cancellation, so loops of them ask.
awaitable<bool> is_cancelled() {
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

// 0 if the content has broken off.
std::size_t read_some(reply_stream& content, std::span<char> into) {
    try {
        const auto size = content.read(into);
        if (size > 0 && size <= into.size()) return size;
        spdlog::error("a reply has ended before its announced size");
    } catch (const std::exception& exception) {
        spdlog::error("a reply has broken off: {}", exception.what());
    } catch (...) {
        spdlog::error("a reply has broken off with an unknown exception");
    }
    return 0;
}

} // namespace

void connection::begin_stream() {
    stream_ = std::make_unique<streamed_body>(*this);
    parser_->body_into(stream_->arrived);
    request_.stream = stream_.get();
}

// The header section must stay where it is, because the request views it: its buffer is put aside,
// and a larger one takes what follows.
void connection::open_window() {
    auto& head = stream_->head;
    const std::size_t size = scan_.size();
    std::vector<char> window(std::max(piece_max_bytes, used_ - size));
    std::memcpy(window.data(), buffer_.data() + size, used_ - size);
    used_ -= size;
    head = std::exchange(buffer_, std::move(window));
    body_begin_ = 0;
}

// The request is answered: takes the small buffer again, with what has arrived of the next one.
void connection::end_stream() {
    if (auto& head = stream_->head; !head.empty()) {
        head.resize(std::max(head.size(), used_));
        std::memcpy(head.data(), buffer_.data(), used_);
        buffer_ = std::move(head);
        written_ = buffer_.size();
    }
    stream_.reset();
}

awaitable<body_source::piece> connection::streamed_body::next() {
    arrived.clear();
    if (!problem && !owner.parser_->is_done()) {
        owner.enter(phase::body);
        problem = co_await owner.read_piece();
        owner.enter(phase::handler);
    }
    if (problem) co_return *problem;
    co_return std::string_view(arrived);
}

// Until something of the body has arrived, or its end.
awaitable<std::optional<body_problem>> connection::read_piece() {
    if (expects_continue_) {
        expects_continue_ = false;
        if (co_await send("HTTP/1.1 100 Continue\r\n\r\n") != outcome::ready)
            co_return body_problem::client_gone;
        enter(phase::body);
    }
    if (stream_->head.empty()) open_window();
    for (;;) {
        if (const auto error = feed_parser()) co_return to_body_problem(error);
        if (!stream_->arrived.empty() || parser_->is_done()) co_return std::nullopt;
        if (used_ == buffer_.size()) co_return body_problem::malformed; // a line without an end
        if (co_await is_cancelled()) co_return body_problem::client_gone;
        error_code error;
        used_ += co_await client_.async_read_some(
            asio::buffer(buffer_.data() + used_, buffer_.size() - used_),
            asio::redirect_error(asio::deferred, error));
        if (error) co_return expired_ ? body_problem::too_slow : body_problem::client_gone;
    }
}

awaitable<connection::outcome> connection::send_stream(reply_stream& content) {
    const auto size = content.size();
    std::vector<char> piece(
        static_cast<std::size_t>(std::min<std::uint64_t>(size, piece_max_bytes)));
    error_code error;
    client_.socket().set_option(
        asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>(unsent_max_bytes),
        error); // where it cannot be set, a slow reader may be cut
    for (std::uint64_t sent = 0; sent < size;) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(size - sent, piece.size()));
        const auto read = read_some(content, {piece.data(), wanted});
        if (read == 0 || co_await is_cancelled()) co_return outcome::gone;
        // Awaited even if the socket takes it at once: others have their turn between the pieces.
        enter(phase::write);
        co_await asio::async_write(client_, asio::buffer(piece.data(), read),
                                   asio::redirect_error(asio::deferred, error));
        if (error) co_return outcome::gone;
        sent += read;
    }
    co_return outcome::ready;
}

} // namespace countersign::net
