#include "net/connection.hpp"

#include "core/crypto/secret.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <limits>
#include <span>
#include <string.h> // explicit_bzero

namespace countersign::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t buffer_initial_bytes = 4 * 1024;
// Room kept behind the header section, through which a body that has not yet arrived is read. A
// chunk's first line and a trailer field must fit in it.
constexpr std::size_t body_window_bytes = 2 * 1024;
// What is read and thrown away after the last reply, so that closing does not reset the connection
// before the client has read it (RFC 9112 section 9.6).
constexpr std::size_t linger_max_bytes = 1024 * 1024;
constexpr std::size_t out_kept_max_bytes = 64 * 1024;

// How far down the stack what answers a request leaves parts of it: Boost.JSON reads and writes
// through 4 KB there, and short texts stand in frames.
constexpr std::size_t stack_wiped_bytes = 16 * 1024;

// Overwrites the stack below the caller, where what has returned has left its variables.
[[gnu::noinline]] void wipe_stack() noexcept {
    std::array<std::byte, stack_wiped_bytes> below; // NOLINT: what stands in it is the point
    ::explicit_bzero(below.data(), below.size());   // wider stores than OpenSSL's
}

reply internal_error_reply() {
    reply value;
    value.status = status_of(transport_problem::internal_error);
    value.content_type = "text/plain";
    return value;
}

} // namespace

void connection_set::check() {
    now = std::chrono::steady_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (second != date_second) {
        date_second = second;
        date = http_date(second);
    }
    for (auto* each : open)
        each->check_deadline();
}

void connection_set::begin_drain() {
    draining = true;
    for (auto* each : open)
        each->close_if_idle();
}

connection::connection(tcp_socket socket, connection_set& set)
    : client_(std::move(socket), set.tls ? &*set.tls : nullptr), set_(set),
      buffer_(buffer_initial_bytes) {
    error_code error;
    const auto peer = client_.socket().remote_endpoint(error);
    if (!error) peer_ = peer.address();
    peer_trusted_ = is_trusted(set_.proxies, peer_);
    request_.client_ip = to_text(peer_);
    request_.secure = client_.is_tls();
    place_ = set_.open.insert(set_.open.end(), this);
    set_.counted->open.add(1);
}

connection::~connection() {
    set_.open.erase(place_);
    set_.counted->open.add(-1);
    set_.slot_freed.cancel();
}

void connection::enter(phase next) {
    phase_ = next;
    expired_ = false;
    switch (next) {
    case phase::handshake:
        deadline_ = set_.now + set_.time.handshake;
        return;
    case phase::idle:
        deadline_ = set_.now + set_.time.idle;
        return;
    case phase::header:
        deadline_ = set_.now + set_.time.header;
        return;
    case phase::body:
        deadline_ = set_.now + set_.time.body;
        return;
    case phase::handler: // keeps its own deadlines
        deadline_ = std::chrono::steady_clock::time_point::max();
        return;
    case phase::write:
        deadline_ = set_.now + set_.time.write;
        return;
    case phase::linger:
        deadline_ = set_.now + (client_.is_tls() ? set_.time.tls_linger : set_.time.linger);
        return;
    }
}

void connection::check_deadline() {
    if (set_.now < deadline_) return;
    expired_ = true;
    client_.cancel();
}

void connection::close_if_idle() {
    if (phase_ == phase::idle || phase_ == phase::handshake) client_.cancel();
}

awaitable<void> connection::run() {
    // Terminal cancellation ends the socket's operations and the handler's; both say so by value.
    co_await asio::this_coro::throw_if_cancelled(false);
    if (client_.is_tls() && !co_await shake_hands()) co_return;
    while (!close_) {
        auto state = co_await read_head();
        if (state == outcome::ready && !parser_->is_done() && !stream_)
            state = co_await read_body();
        if (state == outcome::gone) {
            if (phase_ == phase::idle) client_.end_sending_now();
            co_return;
        }
        if (state == outcome::ready) co_await dispatch();
        if (co_await send_reply() == outcome::gone) co_return;
    }
    co_await linger();
}

// False if the connection is to be closed. What went wrong the client is told by TLS itself.
awaitable<bool> connection::shake_hands() {
    enter(phase::handshake);
    if (co_await client_.handshake()) co_return true;
    if (!client_.problem().empty()) {
        spdlog::debug("a TLS handshake failed: {}", client_.problem());
        co_await linger();
    }
    co_return false;
}

// Moves what has arrived of the next request to the front of the buffer, and overwrites what is
// left of the one that was answered: the connection may stay open for long.
void connection::begin_request() {
    used_ -= consumed_;
    if (used_ > 0 && consumed_ > 0) std::memmove(buffer_.data(), buffer_.data() + consumed_, used_);
    consumed_ = 0;
    if (stream_) end_stream();
    core::wipe(std::as_writable_bytes(std::span(buffer_)).subspan(used_, written_ - used_));
    written_ = used_;
    scan_ = {};
    parser_.reset();
    request_.clear();
    expects_continue_ = false;
    enter(used_ == 0 ? phase::idle : phase::header);
}

awaitable<connection::outcome> connection::read_head() {
    begin_request();
    for (;;) {
        if (const auto found = scan_.advance(received(), set_.bounds)) {
            refuse(*found);
            co_return outcome::refused;
        }
        if (scan_.complete()) co_return parse_head();
        if (set_.draining && used_ == 0) co_return outcome::gone;
        // The scan has refused what is larger than the limit, so this ends.
        if (used_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
        const auto state = co_await receive();
        if (state != outcome::ready) co_return state;
    }
}

// Appends what the client sends to the buffer, which has room.
awaitable<connection::outcome> connection::receive() {
    error_code error;
    const auto size = co_await client_.async_read_some(
        asio::buffer(buffer_.data() + used_, buffer_.size() - used_),
        asio::redirect_error(asio::deferred, error));
    used_ += size;
    written_ = std::max(written_, used_);
    if (!error) {
        if (phase_ == phase::idle) enter(phase::header);
        co_return outcome::ready;
    }
    if (!expired_ || phase_ == phase::idle) co_return outcome::gone;
    refuse({transport_problem::timeout, "The request did not arrive in time."});
    co_return outcome::refused;
}

void connection::refuse(const violation& found) {
    close_ = true;
    const auto method = parser_ ? parser_->method_text() : std::string_view{};
    try {
        reply_ = set_.handler->problem(found.problem, method, request_.target(), found.detail);
    } catch (const std::exception& exception) {
        spdlog::error("the reply to a refused request failed: {}", exception.what());
        reply_ = internal_error_reply();
    }
}

connection::outcome connection::parse_head() {
    const std::size_t size = scan_.size();
    if (buffer_.size() - size < body_window_bytes) buffer_.resize(size + body_window_bytes);
    consumed_ = body_begin_ = size;
    parser_.emplace(request_, set_.bounds);
    error_code error;
    const auto parsed = parser_->put(asio::const_buffer(buffer_.data(), size), error);
    if (!error && (parsed != size || !parser_->is_header_done())) error = http::error::bad_field;
    if (error) {
        refuse(explain(error));
        return outcome::refused;
    }
    return accept_head();
}

connection::outcome connection::accept_head() {
    const auto check = check_head({parser_->method_text(), request_.method, request_.target(),
                                   request_.http_1_0, request_.fields});
    if (check.problem) {
        refuse(*check.problem);
        return outcome::refused;
    }
    identify_client();
    const auto plan = set_.handler->accept_head(request_);
    const bool streamed = plan.how == body_plan::delivery::streamed;
    const auto unless_told =
        streamed ? std::numeric_limits<std::size_t>::max() : set_.bounds.body_size_max_bytes;
    const auto body_size_max = plan.size_max.value_or(unless_told);
    if (check.accepted.content_length.value_or(0) > body_size_max) {
        refuse(explain(http::error::body_limit));
        return outcome::refused;
    }
    if (streamed) begin_stream();
    if (parser_->is_done()) return outcome::ready;
    parser_->body_limit(body_size_max);
    parser_->eager(true);
    expects_continue_ = check.accepted.expects_continue;
    if (streamed) return outcome::ready;
    enter(phase::body);
    return parse_body();
}

void connection::identify_client() {
    if (!peer_trusted_) return;
    auto client = forwarded_client(peer_, set_.proxies, request_.fields);
    request_.client_ip = std::move(client.ip);
    request_.secure = client.secure;
}

connection::outcome connection::parse_body() {
    const auto error = feed_parser();
    if (!error) return outcome::ready;
    refuse(explain(error));
    return outcome::refused;
}

// Feeds the parser what has arrived behind the header section, and keeps what it could not use.
error_code connection::feed_parser() {
    const std::size_t begin = body_begin_;
    if (used_ == begin) return {};
    error_code error;
    const auto parsed =
        parser_->put(asio::const_buffer(buffer_.data() + begin, used_ - begin), error);
    if (error && error != http::error::need_more) return error;
    if (parser_->is_done()) {
        consumed_ = begin + parsed;
        return {};
    }
    used_ -= parsed;
    std::memmove(buffer_.data() + begin, buffer_.data() + begin + parsed, used_ - begin);
    return {};
}

awaitable<connection::outcome> connection::read_body() {
    if (expects_continue_) {
        const auto state = co_await send("HTTP/1.1 100 Continue\r\n\r\n");
        if (state != outcome::ready) co_return state;
        enter(phase::body);
    }
    while (!parser_->is_done()) {
        if (used_ == buffer_.size()) {
            refuse({transport_problem::malformed_request, "A chunk or trailer line is too long."});
            co_return outcome::refused;
        }
        auto state = co_await receive();
        if (state == outcome::ready) state = parse_body();
        if (state != outcome::ready) co_return state;
    }
    co_return outcome::ready;
}

awaitable<void> connection::dispatch() {
    enter(phase::handler);
    close_ = !parser_->keep_alive() || ++served_ >= set_.bounds.requests_per_connection_max;
    bool failed = false;
    try {
        reply_ = co_await set_.handler->dispatch(request_);
    } catch (const std::exception& exception) {
        spdlog::error("a handler threw: {}", exception.what());
        failed = true;
    } catch (...) {
        spdlog::error("a handler threw an unknown exception");
        failed = true;
    }
    // Where the next request begins is known only behind the end of the body.
    if (stream_) close_ = close_ || stream_->problem || !parser_->is_done();
    if (failed) refuse({transport_problem::internal_error, {}});
}

awaitable<connection::outcome> connection::send_reply() {
    close_ = close_ || reply_.close || set_.draining;
    reply_framing framing{.date = set_.date,
                          .close = close_,
                          .http_1_0 = request_.http_1_0,
                          .tls = client_.is_tls(),
                          .head = request_.method == http::verb::head};
    out_.clear();
    if (out_.capacity() > out_kept_max_bytes) out_.shrink_to_fit();
    if (!serialise(reply_, framing, out_)) {
        spdlog::error("a handler made a reply that cannot be sent (status {})", reply_.status);
        refuse({transport_problem::internal_error, {}});
        framing.close = true;
        if (!serialise(reply_, framing, out_)) co_return outcome::gone;
    }
    auto state = co_await send(out_);
    core::wipe(std::as_writable_bytes(std::span(out_)));
    core::wipe(std::as_writable_bytes(std::span(reply_.body)));
    reply_.headers.clear();
    wipe_stack();
    if (reply_.stream == nullptr) co_return state;
    if (state == outcome::ready && sends_content(reply_, framing))
        state = co_await send_stream(*reply_.stream);
    reply_.stream.reset();
    co_return state;
}

awaitable<connection::outcome> connection::send(std::string_view bytes) {
    enter(phase::write);
    // The socket's buffer nearly always takes a reply whole, and then nothing is awaited.
    error_code error;
    const auto sent = client_.write_some(asio::buffer(bytes), error);
    if (!error && sent == bytes.size()) co_return outcome::ready;
    if (error && error != asio::error::would_block) co_return outcome::gone;
    co_await asio::async_write(client_, asio::buffer(bytes.substr(sent)),
                               asio::redirect_error(asio::deferred, error));
    co_return error ? outcome::gone : outcome::ready;
}

awaitable<void> connection::linger() {
    enter(phase::linger);
    co_await client_.end_sending();
    error_code error;
    for (std::size_t thrown_away = 0; !error && thrown_away < linger_max_bytes;)
        thrown_away += co_await client_.socket().async_read_some(
            asio::buffer(buffer_), asio::redirect_error(asio::deferred, error));
}

awaitable<void> serve(tcp_socket socket, connection_set& set) {
    connection self(std::move(socket), set);
    co_await self.run();
}

} // namespace countersign::net
