// Finds the route of a method and a path: literal paths by hash, then patterns segment by segment.
// Paths are compared byte by byte, not decoded; a trailing slash makes another path; HEAD and
// OPTIONS are methods like others.
#pragma once

#include "net/request.hpp"
#include "net/route.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace countersign::net {

// Immutable once made; may be shared between threads.
class router {
public:
    // The index of a route is its place in `keys`. Throws std::invalid_argument on a pattern that
    // cannot be, on two routes for the same method and shape, and on more than
    // request::path_parameters_max parameters.
    explicit router(std::span<const route_key> keys);

    struct match {
        std::size_t route;
        // Not decoded; views into the path that was looked up.
        std::array<std::string_view, request::path_parameters_max> parameters{};
        std::size_t parameter_count = 0;
        [[nodiscard]] std::span<const std::string_view> segments() const noexcept {
            return {parameters.data(), parameter_count};
        }
    };
    struct not_found {};
    struct method_not_allowed {
        std::string allow; // for the Allow field: the path's methods, sorted
    };
    using result = std::variant<match, not_found, method_not_allowed>;

    [[nodiscard]] result find(boost::beast::http::verb method, std::string_view path) const;

private:
    struct method_route {
        boost::beast::http::verb method;
        std::size_t route;
    };
    struct resource {
        std::vector<method_route> methods;
        std::string allow;
    };
    struct pattern_resource {
        std::vector<std::string_view> segments; // empty for a parameter
        resource methods;
    };

    void add(resource& place, const route_key& key, std::size_t index);
    [[nodiscard]] static result choose(const resource& place, boost::beast::http::verb method,
                                       match found);

    std::unordered_map<std::string_view, resource> literals_;
    std::vector<pattern_resource> patterns_; // most literal segments from the left first
};

} // namespace countersign::net
