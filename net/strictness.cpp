#include "net/strictness.hpp"

#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace countersign::net {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t content_length_digits_max = 10;

constexpr bool is_digit(char character) noexcept {
    return character >= '0' && character <= '9';
}

constexpr bool is_alphanumeric(char character) noexcept {
    return is_digit(character) || (character >= 'a' && character <= 'z') ||
           (character >= 'A' && character <= 'Z');
}

constexpr bool is_hex_digit(char character) noexcept {
    return is_digit(character) || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

constexpr std::array<bool, 256> make_token_table() {
    std::array<bool, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
        const auto character = static_cast<char>(i);
        table[i] = is_alphanumeric(character) ||
                   std::string_view("!#$%&'*+-.^_`|~").find(character) != std::string_view::npos;
    }
    return table;
}
constexpr auto token_table = make_token_table();

constexpr bool is_token_character(char character) noexcept {
    return token_table[static_cast<unsigned char>(character)];
}

constexpr violation malformed(std::string_view detail) noexcept {
    return {transport_problem::malformed_request, detail};
}

bool is_valid_port(std::string_view port) noexcept {
    return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

std::optional<violation> check_target(std::string_view target) noexcept {
    if (target.empty() || target.front() != '/')
        return malformed("The request target must begin with a slash.");
    const bool visible = std::all_of(target.begin(), target.end(), [](char character) {
        return character > 0x20 && character < 0x7F && character != '#';
    });
    if (!visible) return malformed("The request target must be visible ASCII without a fragment.");
    return std::nullopt;
}

// The fields that decide about framing, routing and identity, each of which may come once only.
struct singular_fields {
    const header_field* host = nullptr;
    const header_field* content_length = nullptr;
    const header_field* transfer_encoding = nullptr;
    const header_field* expect = nullptr;
    const header_field* authorization = nullptr;
    const header_field* content_type = nullptr;
};

std::optional<violation> collect(std::span<const header_field> fields,
                                 singular_fields& found) noexcept {
    const auto once = [](const header_field*& place, const header_field& field) {
        const bool first = place == nullptr;
        place = &field;
        return first;
    };
    for (const auto& field : fields) {
        bool first = true;
        if (field.id == http::field::host)
            first = once(found.host, field);
        else if (field.id == http::field::content_length)
            first = once(found.content_length, field);
        else if (field.id == http::field::transfer_encoding)
            first = once(found.transfer_encoding, field);
        else if (field.id == http::field::expect)
            first = once(found.expect, field);
        else if (field.id == http::field::authorization)
            first = once(found.authorization, field);
        else if (field.id == http::field::content_type)
            first = once(found.content_type, field);
        if (!first) return malformed("A header field that may come once came twice.");
    }
    return std::nullopt;
}

std::optional<violation> check_framing(const request_head& head, const singular_fields& found,
                                       accepted_head& accepted) noexcept {
    if (found.transfer_encoding != nullptr) {
        if (found.content_length != nullptr)
            return malformed("Content-Length and Transfer-Encoding exclude each other.");
        if (head.http_1_0) return malformed("HTTP/1.0 knows no Transfer-Encoding.");
        if (!equal_ignoring_case(found.transfer_encoding->value, "chunked"))
            return violation{transport_problem::unsupported_transfer,
                             "The only transfer coding served is chunked."};
        accepted.chunked = true;
    }
    if (found.content_length != nullptr) {
        const auto text = found.content_length->value;
        if (text.empty() || text.size() > content_length_digits_max ||
            !std::all_of(text.begin(), text.end(), is_digit))
            return malformed("Content-Length must be 1 to 10 digits.");
        std::uint64_t length = 0;
        std::from_chars(text.data(), text.data() + text.size(), length);
        accepted.content_length = length;
    }
    return std::nullopt;
}

} // namespace

std::optional<violation> header_scan::advance(std::string_view bytes, const limits& bounds) {
    if (looked_at_ == 0 && !bytes.empty() && !is_token_character(bytes.front()))
        return malformed("A request must begin with its method.");
    while (size_ == 0) {
        const auto feed = bytes.find('\n', looked_at_);
        if (feed == std::string_view::npos) break;
        looked_at_ = feed + 1;
        const auto line = bytes.substr(line_begin_, feed - line_begin_);
        line_begin_ = looked_at_;
        if (line.empty() || line.back() != '\r')
            return malformed("A header line must end with CR LF.");
        if (line.size() == 1) {
            size_ = looked_at_;
            break;
        }
        if (lines_ > 0 && (line.front() == ' ' || line.front() == '\t'))
            return malformed("Folded header lines are not accepted.");
        if (++lines_ > bounds.header_fields_max + 1) // with the request line
            return violation{transport_problem::header_too_large, "There are too many fields."};
    }
    if (size_ == 0) looked_at_ = bytes.size();
    if (looked_at_ > bounds.header_size_max_bytes)
        return violation{transport_problem::header_too_large, "The header section is too large."};
    return std::nullopt;
}

head_check check_head(const request_head& head) noexcept {
    head_check result;
    singular_fields found;
    result.problem = collect(head.fields, found);
    if (!result.problem) result.problem = check_framing(head, found, result.accepted);
    if (!result.problem && (found.host == nullptr || !is_valid_host(found.host->value)))
        result.problem = malformed("There must be exactly one valid Host field.");
    if (!result.problem) result.problem = check_target(head.target);
    if (!result.problem && head.method == http::verb::unknown)
        result.problem = violation{transport_problem::method_unknown, "The method is not known."};
    if (!result.problem && found.expect != nullptr) {
        if (!equal_ignoring_case(found.expect->value, "100-continue"))
            result.problem = violation{transport_problem::expectation_failed,
                                       "The only expectation met is 100-continue."};
        result.accepted.expects_continue = !head.http_1_0;
    }
    return result;
}

violation explain(const boost::system::error_code& parse_error) noexcept {
    const auto is = [&](http::error value) { return parse_error == value; };
    if (is(http::error::body_limit))
        return {transport_problem::body_too_large, "The body is too large."};
    if (is(http::error::header_limit) || is(http::error::header_field_name_too_large))
        return {transport_problem::header_too_large, "The header section is too large."};
    if (is(http::error::bad_version))
        return {transport_problem::unsupported_version, "Only HTTP/1.0 and HTTP/1.1 are served."};
    if (is(http::error::bad_method)) return malformed("The method is malformed.");
    if (is(http::error::bad_target)) return malformed("The request target is malformed.");
    if (is(http::error::bad_field)) return malformed("A header field's name is malformed.");
    if (is(http::error::bad_value)) return malformed("A header field's value is malformed.");
    if (is(http::error::bad_content_length) || is(http::error::multiple_content_length))
        return malformed("Content-Length is malformed.");
    if (is(http::error::bad_transfer_encoding)) return malformed("Transfer-Encoding is malformed.");
    if (is(http::error::bad_chunk)) return malformed("A chunk is malformed.");
    if (is(http::error::bad_chunk_extension)) return malformed("A chunk extension is malformed.");
    return malformed("The request is malformed.");
}

violation explain(body_problem problem) noexcept {
    switch (problem) {
    case body_problem::client_gone: // who nevertheless reads has closed only its own direction
        return malformed("The body ends before its time.");
    case body_problem::malformed:
        return malformed("A chunk, or a trailer field, is malformed.");
    case body_problem::too_large:
        return explain(http::error::body_limit);
    case body_problem::too_slow:
        return {transport_problem::timeout, "The request did not arrive in time."};
    }
    return malformed("The request is malformed.");
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_valid_host(std::string_view host) noexcept {
    std::string_view name;
    std::string_view rest;
    if (host.starts_with('[')) {
        const auto end = host.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        name = host.substr(1, end - 1);
        rest = host.substr(end + 1);
        const bool address = std::all_of(name.begin(), name.end(), [](char character) {
            return is_hex_digit(character) || character == ':' || character == '.';
        });
        if (!address) return false;
    } else {
        const auto end = std::min(host.find(':'), host.size());
        name = host.substr(0, end);
        rest = host.substr(end);
        const bool registered = !name.empty() && name.size() <= 255 &&
                                std::all_of(name.begin(), name.end(), [](char character) {
                                    return is_alphanumeric(character) || character == '.' ||
                                           character == '-' || character == '_';
                                });
        if (!registered) return false;
    }
    return rest.empty() || (rest.front() == ':' && is_valid_port(rest.substr(1)));
}

} // namespace countersign::net
