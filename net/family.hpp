// What an API family is to the rest of net: routes, and replies in its own shape. A family holds
// translation only; every rule is core's.
#pragma once

#include "net/reply.hpp"
#include "net/request.hpp"
#include "net/route.hpp"
#include "net/transport_problem.hpp"

#include <boost/asio/awaitable.hpp>

#include <span>
#include <string_view>

namespace countersign::net {

class family {
public:
    virtual ~family() = default;
    // Handlers are found by the index into this list.
    [[nodiscard]] virtual std::span<const route_key> routes() const = 0;
    // Whether an unknown path is answered in this family's shape.
    [[nodiscard]] virtual bool owns(std::string_view path) const = 0;

    [[nodiscard]] virtual boost::asio::awaitable<reply> handle(std::size_t route,
                                                               const request& request) = 0;
    [[nodiscard]] virtual reply not_found(const request& request) = 0;
    [[nodiscard]] virtual reply method_not_allowed(const request& request,
                                                   std::string_view allow) = 0;
    [[nodiscard]] virtual reply problem(transport_problem problem, std::string_view target,
                                        std::string_view detail) = 0;
};

} // namespace countersign::net
