#include "notify/smtp_message.hpp"

#include <algorithm>
#include <cstddef>

namespace countersign::notify {
namespace {

constexpr std::size_t line_octets_max = 998;

}

bool is_sendable(std::string_view message) noexcept {
    using std::string_view_literals::operator""sv;
    if (message.empty()) {
        return false;
    }
    while (!message.empty()) {
        const auto end = message.find_first_of("\r\n\0"sv);
        if (end == std::string_view::npos || end > line_octets_max ||
            !message.substr(end).starts_with("\r\n")) {
            return false;
        }
        message.remove_prefix(end + 2);
    }
    return true;
}

std::string dot_stuffed(std::string_view message) {
    std::string out;
    out.reserve(message.size() + 64);
    for (std::size_t start = 0; start < message.size();) {
        const auto end = std::min(message.find('\n', start), message.size() - 1) + 1;
        if (message[start] == '.') {
            out += '.';
        }
        out.append(message, start, end - start);
        start = end;
    }
    return out;
}

} // namespace countersign::notify
