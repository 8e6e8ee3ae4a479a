// Beast's HTTP grammar, feeding our request without copies: fields are views into the connection's
// buffer, the body is appended to the request's (or elsewhere), and trailers are read and dropped.
#pragma once

#include "net/limits.hpp"
#include "net/request.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace countersign::net {

// Parses one message. Feed it the whole header section in one piece, then the body in any pieces.
class request_parser final : public boost::beast::http::basic_parser<true> {
public:
    // Both outlive the parser.
    request_parser(request& target, const limits& bounds);

    [[nodiscard]] std::string_view method_text() const noexcept { return method_text_; }

    // The body goes to the end of `target`, which outlives the parser, instead of the request's.
    void body_into(std::string& target) noexcept { body_ = &target; }

private:
    using error_code = boost::beast::error_code;
    using beast_view = boost::beast::string_view;
    using field = boost::beast::http::field;

    void on_request_impl(boost::beast::http::verb method, beast_view method_text, beast_view target,
                         int version, error_code& error) override;
    void on_response_impl(int, beast_view, int, error_code&) override {}
    void on_field_impl(field id, beast_view name, beast_view value, error_code& error) override;
    void on_trailer_field_impl(field, beast_view, beast_view, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(beast_view body, error_code& error) override;
    void on_chunk_header_impl(std::uint64_t size, beast_view extensions,
                              error_code& error) override;
    std::size_t on_chunk_body_impl(std::uint64_t remaining, beast_view body,
                                   error_code& error) override;
    void on_finish_impl(error_code&) override {}

    request& request_;
    const limits& limits_;
    std::string* body_;
    std::string_view method_text_;
    std::size_t chunk_extensions_bytes_ = 0;
};

} // namespace countersign::net
