// What can be wrong with a request before any family has seen it, and the HTTP status of each.
#pragma once

#include <cstdint>

namespace countersign::net {

// After every one of them the connection is closed: where the next request would begin is not known
// for sure.
enum class transport_problem : std::uint8_t {
    malformed_request,    // 400: bytes that are not one unambiguous HTTP/1.1 request
    timeout,              // 408: the header or the body did not arrive within its deadline
    body_too_large,       // 413: announced or sent more than the limit
    expectation_failed,   // 417: an Expect other than 100-continue
    header_too_large,     // 431: too many bytes or too many fields
    internal_error,       // 500: a handler threw, or made a reply that cannot be sent
    method_unknown,       // 501: no method that HTTP registers
    unsupported_transfer, // 501: a transfer coding other than exactly `chunked`
    unsupported_version,  // 505: neither HTTP/1.0 nor HTTP/1.1
};

[[nodiscard]] constexpr unsigned status_of(transport_problem problem) noexcept {
    switch (problem) {
    case transport_problem::malformed_request:
        return 400;
    case transport_problem::timeout:
        return 408;
    case transport_problem::body_too_large:
        return 413;
    case transport_problem::expectation_failed:
        return 417;
    case transport_problem::header_too_large:
        return 431;
    case transport_problem::internal_error:
        return 500;
    case transport_problem::method_unknown:
    case transport_problem::unsupported_transfer:
        return 501;
    case transport_problem::unsupported_version:
        return 505;
    }
    return 500;
}

} // namespace countersign::net
