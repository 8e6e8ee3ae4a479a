// Targets of requests: the router, path parameters and queries. What is found is what a decoding of
// its own would find. The input's records: a target, and the name of a query parameter.
#include "net/request.hpp"
#include "net/router.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace countersign::fuzz {
namespace {

using enum boost::beast::http::verb;

constexpr std::array<net::route_key, 6> keys{{{get, "/a"},
                                              {post, "/a"},
                                              {get, "/a/b/{id}"},
                                              {delete_, "/a/{x}/c"},
                                              {get, "/a/{x}/{y}"},
                                              {put, "/s/{subject}/totp/{factor}/confirm"}}};

std::string encoded(std::string_view text) {
    constexpr std::string_view hexadecimal = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        out += '%';
        out += hexadecimal[static_cast<unsigned char>(c) >> 4];
        out += hexadecimal[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

void check_path(net::request& request, boost::beast::http::verb method) {
    static const net::router routes(keys);
    const auto found = routes.find(method, request.path);
    if (const auto* wrong = std::get_if<net::router::method_not_allowed>(&found))
        require(!wrong->allow.empty(), "a path that has no such method has others");
    const auto* match = std::get_if<net::router::match>(&found);
    if (match == nullptr) return;
    const auto& key = keys.at(match->route);
    require(key.method == method, "a route is found by its method");
    const auto segments = match->segments();
    require(static_cast<std::ptrdiff_t>(segments.size()) == std::ranges::count(key.pattern, '{'),
            "a match has what its pattern names");
    for (const auto segment : segments)
        require(!segment.empty() && segment.find('/') == std::string_view::npos,
                "a parameter is one segment");
    if (!request.set_path_parameters(segments)) {
        require(request.path_parameters().empty(), "what cannot be decoded is not kept");
        return;
    }
    require(request.path_parameters().size() == segments.size(), "every parameter is kept");
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const auto value = request.path_parameters()[i];
        require(
            std::ranges::none_of(value, [](char c) { return (c >= 0 && c < ' ') || c == 0x7F; }),
            "a parameter has no control characters");
        require(net::percent_decode(segments[i], net::plus_sign::is_itself) == value,
                "a parameter is its segment, decoded once");
    }
}

void request_target(std::string_view input) {
    records in(input);
    const auto target = in.next(), name = in.next();
    net::request request;
    request.set_target(target);
    require(request.path.size() + request.query.size() <= target.size() &&
                request.path.find('?') == std::string_view::npos,
            "a target is a path and a query");
    // The transport lets nothing else through (net/strictness).
    if (std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7F; }))
        for (const auto method : {get, post, put, delete_, head})
            check_path(request, method);

    (void)request.query_parameter(name);
    const auto own = encoded(name) + "=" + encoded(target);
    request.query = own;
    require(request.query_parameter(name) == target, "a query parameter is decoded once");
    require(net::percent_decode(encoded(target), net::plus_sign::is_itself) == target,
            "what is encoded decodes to itself");
}

const registration here("request_target", request_target);

} // namespace
} // namespace countersign::fuzz
