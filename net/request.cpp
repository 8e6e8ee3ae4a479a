#include "net/request.hpp"

#include "core/crypto/secret.hpp"

#include <algorithm>
#include <cassert>

namespace countersign::net {
namespace {

// A body larger than this is rare; its memory is not kept for the connection's next request.
constexpr std::size_t body_kept_max_bytes = 16 * 1024;

int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_control(char character) noexcept {
    return static_cast<unsigned char>(character) < 0x20 || character == 0x7F;
}

std::string_view trim(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::string> percent_decode(std::string_view text, plus_sign plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
            if (low < 0) return std::nullopt;
            decoded.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else {
            const bool space = text[i] == '+' && plus == plus_sign::is_a_space;
            decoded.push_back(space ? ' ' : text[i]);
        }
    }
    return decoded;
}

std::span<const std::string_view> request::path_parameters() const noexcept {
    return {path_parameters_.data(), path_parameter_count_};
}

bool request::set_path_parameters(std::span<const std::string_view> segments) {
    assert(segments.size() <= path_parameters_max);
    path_parameter_count_ = 0;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (segments[i].find('%') == std::string_view::npos) {
            path_parameters_[i] = segments[i];
            continue;
        }
        auto decoded = percent_decode(segments[i], plus_sign::is_itself);
        if (!decoded || std::any_of(decoded->begin(), decoded->end(), is_control)) return false;
        path_parameters_[i] = decoded_[i] = std::move(*decoded);
    }
    path_parameter_count_ = segments.size();
    return true;
}

std::optional<std::string> request::query_parameter(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        const auto key = percent_decode(pair.substr(0, equals), plus_sign::is_a_space);
        if (!key || *key != name) continue;
        return percent_decode(pair.substr(std::min(equals + 1, pair.size())),
                              plus_sign::is_a_space);
    }
    return std::nullopt;
}

std::optional<std::string_view> request::header(std::string_view name) const noexcept {
    for (const auto& field : fields)
        if (equal_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
}

std::optional<std::string_view> request::cookie(std::string_view name,
                                                std::string_view prefix) const noexcept {
    for (const auto& field : fields) {
        if (field.id != boost::beast::http::field::cookie) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto pair = trim(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const auto equals = pair.find('=');
            if (equals != std::string_view::npos && equals == prefix.size() + name.size() &&
                pair.starts_with(prefix) && pair.substr(prefix.size(), name.size()) == name)
                return pair.substr(equals + 1);
        }
    }
    return std::nullopt;
}

std::string_view request::authorization() const noexcept {
    for (const auto& field : fields)
        if (field.id == boost::beast::http::field::authorization) return field.value;
    return {};
}

void request::clear() noexcept {
    method = boost::beast::http::verb::unknown;
    path = query = target_ = {};
    fields.clear();
    http_1_0 = false;
    route = no_route;
    stream = nullptr;
    for (auto& each : decoded_)
        if (!each.empty()) core::wipe(each);
    path_parameter_count_ = 0;
    core::wipe(std::as_writable_bytes(std::span(body_)));
    body_.clear();
    if (body_.capacity() > body_kept_max_bytes) body_.shrink_to_fit();
}

void request::set_target(std::string_view target) noexcept {
    target_ = target;
    const auto mark = std::min(target.find('?'), target.size());
    path = target.substr(0, mark);
    query = target.substr(std::min(mark + 1, target.size()));
}

} // namespace countersign::net
