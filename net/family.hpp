// What an API family is to the rest of net: routes, and replies in its own shape. A family holds
// translation only; every rule is core's.
#pragma once

#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/route.hpp"
#include "net/transport_problem.hpp"
#include "store/event_loop.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace countersign::net {

// What the row of a route says to a reader of the API. The names are those of the family's api.json
// (families/README.md).
struct route_description {
    route_key key;
    // Alternatives; the credentials of one come together. An empty one, or none: without any.
    std::vector<std::vector<std::string_view>> credentials;
    std::vector<std::string_view> refusals;
};

// Everything in it is of static storage.
struct family_description {
    std::string_view name; // its folder's
    std::string_view api;  // the text of its api.json
    std::vector<route_description> routes;
};

class family {
public:
    virtual ~family() = default;
    // Handlers are found by the index into this list.
    [[nodiscard]] virtual std::span<const route_key> routes() const = 0;
    // What is wrong with a request below one of these paths is said in this family's shape. Where
    // several families have one, the longest counts.
    [[nodiscard]] virtual std::span<const std::string_view> prefixes() const = 0;
    // For the API document (openapi.hpp).
    [[nodiscard]] virtual family_description describe() const = 0;

    // Whether the route's handler reads the body itself, from request::stream, without a bound on
    // its size. Asked once, at the start.
    [[nodiscard]] virtual bool streams_body([[maybe_unused]] std::size_t route) const {
        return false;
    }

    [[nodiscard]] virtual awaitable<reply> handle(std::size_t route, const request& request) = 0;
    // Too much is asked of the server at once: 503 with Retry-After.
    [[nodiscard]] virtual reply overloaded(const request& request) = 0;
    [[nodiscard]] virtual reply not_found(const request& request) = 0;
    [[nodiscard]] virtual reply method_not_allowed(const request& request,
                                                   std::string_view allow) = 0;
    [[nodiscard]] virtual reply problem(transport_problem problem, std::string_view target,
                                        std::string_view detail) = 0;
};

} // namespace countersign::net
