#include "net/openapi.hpp"

#include "core/text.hpp"
#include "net/openapi_family.hpp"

#include <boost/json/serialize.hpp>

#include <set>
#include <stdexcept>
#include <utility>

namespace countersign::net {

namespace {

namespace json = boost::json;

// The paths with their operations, as the families come.
class path_list {
public:
    void add(const route_key& key, json::object operation, std::string_view tag) {
        auto& item = paths_[key.pattern];
        if (!item.is_object()) item.emplace_object();
        const auto method =
            core::to_lower_ascii(std::string(boost::beast::http::to_string(key.method)));
        if (auto* standing = item.get_object().if_contains(method)) {
            name_beside(standing->get_object(), tag);
            return;
        }
        const std::string id(operation.at("operationId").get_string());
        if (!ids_.insert(id).second)
            throw std::logic_error("two operations have the id " + id + ": give one an 'id'");
        item.get_object()[method] = std::move(operation);
    }
    [[nodiscard]] json::object take() { return std::move(paths_); }

private:
    // The other family has the route too, and while both are on this is what its clients get.
    static void name_beside(json::object& standing, std::string_view tag) {
        standing["tags"].as_array().emplace_back(tag);
        std::string description;
        if (const auto* told = standing.if_contains("description"))
            description = std::string(told->as_string()) + "\n\n";
        description += "Also a route of " + std::string(tag) +
                       ", whose clients get this answer while both families are served.";
        standing["description"] = description;
    }

    json::object paths_;
    std::set<std::string> ids_;
};

} // namespace

std::string make_openapi(std::span<const family_description> families, const openapi_about& about) {
    path_list paths;
    json::array tags;
    json::object components;
    for (const auto& described : families) {
        openapi_family family(described);
        tags.push_back({{"name", family.tag()}, {"description", family.description()}});
        for (const auto& route : family.routes())
            paths.add(route.key, family.operation(route), family.tag());
        family.add_components(components);
        family.check_everything_is_used();
    }
    const json::object document{
        {"openapi", "3.1.0"},
        {"info",
         {{"title", about.title}, {"version", about.version}, {"description", about.description}}},
        {"servers", {{{"url", about.base_uri}}}},
        {"tags", std::move(tags)},
        {"paths", paths.take()},
        {"components", std::move(components)}};
    return json::serialize(document);
}

} // namespace countersign::net
