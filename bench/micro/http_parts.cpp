#include "bench/micro/http_parts.hpp"

#include "net/families/clara/routes.hpp"
#include "net/families/service/routes.hpp"
#include "net/families/singularity/routes.hpp"
#include "net/families/slugbase/routes.hpp"
#include "net/request_parser.hpp"
#include "net/strictness.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <stdexcept>

namespace countersign::bench {

net::request& head_reader::read(std::string_view bytes) {
    net::header_scan scan;
    request_.clear();
    if (scan.advance(bytes, bounds_) || !scan.complete())
        throw std::runtime_error("the header section is refused");
    net::request_parser parser(request_, bounds_);
    boost::system::error_code error;
    (void)parser.put(boost::asio::const_buffer(bytes.data(), scan.size()), error);
    const auto check = net::check_head({parser.method_text(), request_.method, request_.target(),
                                        request_.http_1_0, request_.fields});
    if (error || check.problem) throw std::runtime_error("the request is refused");
    return request_;
}

namespace {

template <typename Routes>
void add(std::vector<net::route_key>& keys, const Routes& routes) {
    for (const auto& route : routes) {
        const bool taken = std::ranges::any_of(keys, [&](const net::route_key& other) {
            return other.method == route.key.method && other.pattern == route.key.pattern;
        });
        if (!taken) keys.push_back(route.key);
    }
}

} // namespace

std::vector<net::route_key> all_routes() {
    std::vector<net::route_key> keys;
    add(keys, net::singularity::routes());
    add(keys, net::slugbase::routes());
    add(keys, net::clara::routes());
    add(keys, net::service::routes());
    return keys;
}

net::reply verified_reply() {
    return {.body = R"({"verified":true,"method":"totp","remainingBackupCodes":10})"};
}

} // namespace countersign::bench
