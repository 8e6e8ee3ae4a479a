// What we demand of a request beyond what the parser does, so that no two readers of the same bytes
// can disagree about where a request ends or whom it is for (RFC 9112 section 11.2). Pure
// functions.
#pragma once

#include "net/body_stream.hpp"
#include "net/limits.hpp"
#include "net/request.hpp"
#include "net/transport_problem.hpp"

#include <boost/beast/http/verb.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace countersign::net {

struct violation {
    transport_problem problem;
    std::string_view detail; // of static storage; may be shown to the client
};

// Looks for the end of the header section in bytes as they arrive, and refuses early what must not
// be in one: bare line feeds, folded lines (RFC 9112 section 5.2), too many fields or bytes. One
// scan per request; bytes already looked at are not looked at again.
class header_scan {
public:
    // `bytes` are all that has arrived of the request. Once complete() says so, the section's size
    // (with its final empty line) is size().
    [[nodiscard]] std::optional<violation> advance(std::string_view bytes, const limits& bounds);
    [[nodiscard]] bool complete() const noexcept { return size_ != 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::size_t line_begin_ = 0;
    std::size_t looked_at_ = 0;
    std::size_t lines_ = 0;
    std::size_t size_ = 0;
};

// The parsed header section. All views are into the connection's buffer.
struct request_head {
    std::string_view method_text;
    boost::beast::http::verb method = boost::beast::http::verb::unknown;
    std::string_view target;
    bool http_1_0 = false;
    std::span<const header_field> fields;
};

struct accepted_head {
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool expects_continue = false; // never for HTTP/1.0 (RFC 9110 section 10.1.1)
};

struct head_check {
    std::optional<violation> problem;
    accepted_head accepted; // of meaning only without a problem
};
[[nodiscard]] head_check check_head(const request_head& head) noexcept;

// What the parser found wrong.
[[nodiscard]] violation explain(const boost::system::error_code& parse_error) noexcept;
// What a streamed body's source found wrong.
[[nodiscard]] violation explain(body_problem problem) noexcept;

// token of RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

// uri-host [ ":" port ] of RFC 9110 section 7.2: a name, an IPv4 address, or an IPv6 address in
// brackets. The empty host, which the grammar allows, names nobody and is refused.
[[nodiscard]] bool is_valid_host(std::string_view host) noexcept;

} // namespace countersign::net
