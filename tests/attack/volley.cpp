#include "tests/attack/volley.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace countersign::tests {

namespace {

// For the server to read what was sent, so that only the last byte is missing.
constexpr std::chrono::milliseconds settling{150};

} // namespace

std::string request_of(const native_client& who, std::string_view method, std::string_view target,
                       std::string_view body) {
    std::string bytes;
    bytes.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
    const auto add = [&](std::string_view name, const std::string& token) {
        if (!token.empty()) bytes.append(name).append(token).append("\r\n");
    };
    add("Authorization: Bearer ", who.access);
    add("X-Step-Up-Token: ", who.step_up);
    add("X-Two-Factor-Authentication-Token: ", who.two_factor);
    if (!body.empty())
        bytes.append("Content-Type: application/json\r\nContent-Length: ")
            .append(std::to_string(body.size()))
            .append("\r\n");
    return bytes.append("\r\n").append(body);
}

std::vector<http_response> volley(std::uint16_t port, const std::vector<std::string>& requests) {
    std::vector<http_connection> connections;
    connections.reserve(requests.size());
    for (const auto& request : requests) {
        connections.emplace_back(port);
        connections.back().send(std::string_view(request).substr(0, request.size() - 1));
    }
    std::this_thread::sleep_for(settling);
    for (std::size_t index = 0; index < requests.size(); ++index)
        connections[index].send(
            std::string_view(requests[index]).substr(requests[index].size() - 1));
    std::vector<http_response> replies;
    replies.reserve(requests.size());
    for (auto& connection : connections)
        replies.push_back(connection.receive());
    return replies;
}

std::vector<std::string>
each_in_turn(const std::vector<native_client>& senders, std::size_t count,
             const std::function<std::string(const native_client&)>& make) {
    std::vector<std::string> requests;
    requests.reserve(count);
    for (std::size_t index = 0; index < count; ++index)
        requests.push_back(make(senders[index % senders.size()]));
    return requests;
}

std::size_t count_status(const std::vector<http_response>& replies, unsigned status) {
    return static_cast<std::size_t>(std::ranges::count(replies, status, &http_response::status));
}

} // namespace countersign::tests
