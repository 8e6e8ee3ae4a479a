#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace countersign::tests {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("http client: " + what);
}

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_name(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::size_t parse_number(std::string_view text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        fail("not a number: " + std::string(text));
    return number;
}

bool has_name(const http_headers& headers, std::string_view name) {
    return std::any_of(headers.begin(), headers.end(),
                       [name](const auto& header) { return same_name(header.first, name); });
}

// The status line and the fields, without the empty line.
http_response parse_header(std::string_view header) {
    http_response response;
    auto end = std::min(header.find("\r\n"), header.size());
    const auto status_line = header.substr(0, end);
    if (!status_line.starts_with("HTTP/1.1 ") || status_line.size() < 12)
        fail("not a status line: " + std::string(status_line));
    response.status = static_cast<unsigned>(parse_number(status_line.substr(9, 3)));
    while (end < header.size()) {
        header.remove_prefix(end + 2);
        end = std::min(header.find("\r\n"), header.size());
        const auto line = header.substr(0, end);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) fail("not a header field: " + std::string(line));
        response.headers.emplace_back(line.substr(0, colon), trim(line.substr(colon + 1)));
    }
    return response;
}

} // namespace

std::optional<std::string> http_response::header(std::string_view name) const {
    for (const auto& [key, value] : headers)
        if (same_name(key, name)) return value;
    return std::nullopt;
}

std::map<std::string, std::string> http_response::set_cookies() const {
    std::map<std::string, std::string> cookies;
    for (const auto& [key, value] : headers) {
        if (!same_name(key, "Set-Cookie")) continue;
        const auto pair = value.substr(0, value.find(';'));
        const auto equals = std::min(pair.find('='), pair.size());
        cookies[pair.substr(0, equals)] = pair.substr(std::min(equals + 1, pair.size()));
    }
    return cookies;
}

http_connection::http_connection(std::uint16_t port, const std::string& address,
                                 std::chrono::milliseconds deadline)
    : deadline_(deadline) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    if (inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) fail("not an address: " + address);
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) fail(std::strerror(errno));
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        const std::string why = std::strerror(errno);
        ::close(descriptor_);
        fail("cannot connect: " + why);
    }
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

http_connection::http_connection(std::uint16_t port, const tls_wish& wish,
                                 std::chrono::milliseconds deadline)
    : http_connection(port, "127.0.0.1", deadline) {
    tls_ = std::make_unique<tls_client>(descriptor_, wish, deadline);
}

http_connection::~http_connection() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

http_connection::http_connection(http_connection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), deadline_(other.deadline_),
      received_(std::move(other.received_)), tls_(std::move(other.tls_)) {}

http_response http_connection::request(std::string_view method, std::string_view target,
                                       const http_headers& headers, std::string_view body) {
    std::string bytes;
    bytes.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
    if (!has_name(headers, "Host")) bytes += "Host: localhost\r\n";
    if (!body.empty() && !has_name(headers, "Content-Type"))
        bytes += "Content-Type: application/json\r\n";
    if (!body.empty()) bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    for (const auto& [name, value] : headers)
        bytes.append(name).append(": ").append(value) += "\r\n";
    bytes.append("\r\n").append(body);
    send(bytes);
    return receive(method == "HEAD");
}

void http_connection::send(std::string_view bytes) {
    if (tls_) return tls_->write(bytes);
    while (!bytes.empty()) {
        const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) fail(std::string("cannot send: ") + std::strerror(errno));
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void http_connection::finish_sending() {
    if (tls_) tls_->finish();
    ::shutdown(descriptor_, SHUT_WR);
}

bool http_connection::receive_more() {
    std::array<char, 16 * 1024> bytes{};
    if (tls_) {
        const auto size = tls_->read(bytes);
        received_.append(bytes.data(), size);
        return size > 0;
    }
    pollfd waiting{descriptor_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(deadline_.count())) == 0)
        fail("no answer within the deadline");
    const auto size = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    if (size < 0) fail(std::string("cannot receive: ") + std::strerror(errno));
    received_.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
}

http_response http_connection::receive(bool to_head_request) {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos)
        if (!receive_more()) fail("the server closed instead of answering");
    auto response = parse_header(std::string_view(received_).substr(0, end));
    received_.erase(0, end + 4);
    const bool bodiless = to_head_request || response.status < 200 || response.status == 204 ||
                          response.status == 304;
    if (bodiless) return response;
    const auto length = response.header("Content-Length");
    if (!length) fail("a reply without Content-Length");
    const auto size = parse_number(*length);
    while (received_.size() < size)
        if (!receive_more()) fail("the server closed in the middle of a body");
    response.body = received_.substr(0, size);
    received_.erase(0, size);
    return response;
}

std::string http_connection::receive_until_closed() {
    while (receive_more()) {
    }
    return std::exchange(received_, {});
}

bool http_connection::is_closed_by_server() {
    return received_.empty() && !receive_more();
}

http_response http_request(std::uint16_t port, std::string_view method, std::string_view target,
                           const http_headers& headers, std::string_view body) {
    http_connection connection(port);
    return connection.request(method, target, headers, body);
}

} // namespace countersign::tests
