#include "net/request_parser.hpp"

#include <boost/beast/http/error.hpp>

namespace countersign::net {

namespace http = boost::beast::http;

request_parser::request_parser(request& target, const limits& bounds)
    : request_(target), limits_(bounds), body_(&target.body_buffer()) {
    header_limit(static_cast<std::uint32_t>(bounds.header_size_max_bytes));
    // The limit depends on the head, and is set once that is accepted.
    body_limit(boost::none);
    eager(false);
}

void request_parser::on_request_impl(http::verb method, beast_view method_text, beast_view target,
                                     int version, error_code&) {
    request_.method = method;
    method_text_ = method_text;
    request_.set_target(target);
    request_.http_1_0 = version == 10;
}

void request_parser::on_field_impl(field id, beast_view name, beast_view value, error_code& error) {
    if (request_.fields.size() == limits_.header_fields_max) {
        error = http::error::header_limit;
        return;
    }
    request_.fields.push_back({id, name, value});
}

std::size_t request_parser::on_body_impl(beast_view body, error_code&) {
    body_->append(body.data(), body.size());
    return body.size();
}

void request_parser::on_chunk_header_impl(std::uint64_t, beast_view extensions, error_code& error) {
    chunk_extensions_bytes_ += extensions.size();
    if (chunk_extensions_bytes_ > limits_.chunk_extensions_max_bytes)
        error = http::error::bad_chunk_extension;
}

std::size_t request_parser::on_chunk_body_impl(std::uint64_t, beast_view body, error_code& error) {
    return on_body_impl(body, error);
}

} // namespace countersign::net
