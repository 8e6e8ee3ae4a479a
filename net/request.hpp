// One HTTP request as the families see it: views into the connection's buffer, valid for one
// dispatch. Header fields come from the header section only; trailers never get here.
#pragma once

#include <ostream> // which the next header lacks

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::net {

class body_source;

struct header_field {
    boost::beast::http::field id; // field::unknown if HTTP registers no such name
    std::string_view name;        // as received
    std::string_view value;       // without surrounding white space
};

class request {
public:
    static constexpr std::size_t path_parameters_max = 8;
    static constexpr std::size_t no_route = static_cast<std::size_t>(-1);

    boost::beast::http::verb method = boost::beast::http::verb::unknown;
    std::string_view path;  // not decoded, without the query
    std::string_view query; // not decoded, without the question mark
    std::vector<header_field> fields;
    std::string client_ip; // by the rules of client_address.hpp; textual, no brackets, no zone
    bool secure = false;   // the client's connection, to us or to the trusted proxy, is TLS
    bool http_1_0 = false;

    // What accept_head() left for dispatch().
    std::size_t route = no_route;
    // Where the body comes from if it is streamed (body_stream.hpp), also if it is empty; else
    // nullptr. Then body() is empty.
    body_source* stream = nullptr;

    // Percent-decoded segments that the route's pattern names, in its order.
    [[nodiscard]] std::span<const std::string_view> path_parameters() const noexcept;
    // Decodes and keeps `segments` (at most path_parameters_max). False, and no parameters, if an
    // escape is malformed or names a control character: no such resource can exist.
    [[nodiscard]] bool set_path_parameters(std::span<const std::string_view> segments);

    // The first parameter of that name, decoded, '+' as a space. Nothing if absent or if an escape
    // in it is malformed.
    [[nodiscard]] std::optional<std::string> query_parameter(std::string_view name) const;

    // The value of the first field of that name, compared without regard to case.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
    // The value of the first cookie that is named with `prefix` and then `name` (case matters), as
    // sent (RFC 6265 section 4.2).
    [[nodiscard]] std::optional<std::string_view>
    cookie(std::string_view name, std::string_view prefix = {}) const noexcept;
    // The Authorization field's value, empty if absent. There is at most one.
    [[nodiscard]] std::string_view authorization() const noexcept;

    [[nodiscard]] std::string_view target() const noexcept { return target_; }
    [[nodiscard]] std::string_view body() const noexcept { return body_; }
    [[nodiscard]] bool has_body() const noexcept { return !body_.empty(); }

    // For the transport, and for tests that make requests without one.
    void clear() noexcept;
    void set_target(std::string_view target) noexcept;
    [[nodiscard]] std::string& body_buffer() noexcept { return body_; }

private:
    std::string_view target_;
    std::string body_;
    std::array<std::string_view, path_parameters_max> path_parameters_{};
    std::size_t path_parameter_count_ = 0;
    // What path_parameters_ cannot view in the buffer, because it holds escapes.
    std::array<std::string, path_parameters_max> decoded_;
};

// Percent-decodes `text` (RFC 3986 section 2.1); nothing if an escape is malformed.
enum class plus_sign { is_itself, is_a_space };
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, plus_sign plus);

// ASCII only, as field names are (RFC 9110 section 5.1).
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

} // namespace countersign::net
