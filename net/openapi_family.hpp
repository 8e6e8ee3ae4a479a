// One family's share of the API document: its api.json, checked against its routes, with every name
// in the form that the document has.
#pragma once

#include "net/family.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace countersign::net {

class openapi_family {
public:
    // Throws std::logic_error if the text is not JSON, or has members that the format does not.
    // `described` outlives it.
    explicit openapi_family(const family_description& described);

    // The Operation Object of a route. Throws std::logic_error where it has none or is wrong.
    [[nodiscard]] boost::json::object operation(const route_description& route);
    // Adds schemas, parameters, headers and securitySchemes to the Components Object.
    void add_components(boost::json::object& components);
    // Throws std::logic_error if something is defined that no operation came to use.
    void check_everything_is_used() const;

    [[nodiscard]] std::span<const route_description> routes() const { return described_.routes; }
    [[nodiscard]] std::string_view tag() const { return tag_; }
    [[nodiscard]] std::string_view description() const { return description_; }

private:
    [[noreturn]] void fail(const std::string& where, const std::string& why) const;
    // A definition of api.json, by section and name.
    [[nodiscard]] const boost::json::object& use(std::string_view section, std::string_view name,
                                                 const std::string& where);
    [[nodiscard]] const boost::json::object& section(std::string_view name) const;
    // Only these members, and of them those before "?" must be there.
    void check_members(const boost::json::object& told, std::string_view names,
                       const std::string& where) const;
    // A copy whose references are the document's.
    [[nodiscard]] boost::json::value scoped(const boost::json::value& value,
                                            const std::string& where);
    [[nodiscard]] std::string component(std::string_view name) const;

    [[nodiscard]] boost::json::array security(const route_description& route,
                                              const std::string& where);
    // Also puts the examples of the path's parameters in `path`, which is the pattern before.
    [[nodiscard]] boost::json::array parameters(const boost::json::object& operation,
                                                std::string& path, const std::string& where);
    [[nodiscard]] boost::json::object request(const boost::json::object& told,
                                              const std::string& where);
    [[nodiscard]] boost::json::object responses(const boost::json::object& operation,
                                                const route_description& route,
                                                const std::string& path, const std::string& where);

    const family_description& described_;
    boost::json::object api_;
    std::string tag_, description_;
    std::set<std::string> used_; // "section/name"
};

} // namespace countersign::net
