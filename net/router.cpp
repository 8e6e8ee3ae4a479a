#include "net/router.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace countersign::net {
namespace {

[[noreturn]] void refuse(std::string_view pattern, const char* why) {
    throw std::invalid_argument("route " + std::string(pattern) + ": " + why);
}

// The segments after the leading slash; a parameter is an empty view.
std::vector<std::string_view> split_pattern(std::string_view pattern) {
    std::vector<std::string_view> segments;
    std::size_t parameters = 0;
    for (std::string_view rest = pattern; !rest.empty();) {
        const auto end = std::min(rest.find('/', 1), rest.size());
        auto segment = rest.substr(1, end - 1);
        rest.remove_prefix(end);
        const bool parameter = segment.starts_with('{') && segment.ends_with('}');
        if (!parameter && (segment.empty() || segment.find_first_of("{}") != segment.npos))
            refuse(pattern, "a segment is either a literal or {name}");
        if (parameter && ++parameters > request::path_parameters_max)
            refuse(pattern, "too many parameters");
        segments.push_back(parameter ? std::string_view{} : segment);
    }
    return segments;
}

std::optional<router::match> match_segments(const std::vector<std::string_view>& segments,
                                            std::string_view path) noexcept {
    router::match found{};
    for (const auto expected : segments) {
        if (path.empty()) return std::nullopt;
        const auto end = std::min(path.find('/', 1), path.size());
        const auto segment = path.substr(1, end - 1);
        path.remove_prefix(end);
        if (expected.empty() ? segment.empty() : segment != expected) return std::nullopt;
        if (expected.empty()) found.parameters[found.parameter_count++] = segment;
    }
    if (!path.empty()) return std::nullopt;
    return found;
}

} // namespace

router::router(std::span<const route_key> keys) {
    for (std::size_t index = 0; index < keys.size(); ++index) {
        const auto& key = keys[index];
        if (!key.pattern.starts_with('/')) refuse(key.pattern, "a pattern begins with a slash");
        if (key.pattern.find('{') == std::string_view::npos) {
            add(literals_[key.pattern], key, index);
            continue;
        }
        const auto segments = split_pattern(key.pattern);
        auto place = std::find_if(patterns_.begin(), patterns_.end(),
                                  [&](const auto& other) { return other.segments == segments; });
        if (place == patterns_.end())
            place = patterns_.insert(patterns_.end(), pattern_resource{segments, {}});
        add(place->methods, key, index);
    }
    // Where two patterns fit one path, a literal segment wins over a parameter, from the left.
    std::sort(patterns_.begin(), patterns_.end(), [](const auto& left, const auto& right) {
        return std::lexicographical_compare(left.segments.begin(), left.segments.end(),
                                            right.segments.begin(), right.segments.end(),
                                            [](auto a, auto b) { return !a.empty() && b.empty(); });
    });
}

void router::add(resource& place, const route_key& key, std::size_t index) {
    for (const auto& other : place.methods)
        if (other.method == key.method) refuse(key.pattern, "there are two routes of one method");
    place.methods.push_back({key.method, index});
    std::vector<std::string> names;
    for (const auto& entry : place.methods)
        names.emplace_back(boost::beast::http::to_string(entry.method));
    std::sort(names.begin(), names.end());
    place.allow.clear();
    for (const auto& name : names)
        place.allow += (place.allow.empty() ? "" : ", ") + name;
}

router::result router::choose(const resource& place, boost::beast::http::verb method, match found) {
    for (const auto& entry : place.methods) {
        if (entry.method != method) continue;
        found.route = entry.route;
        return found;
    }
    return method_not_allowed{place.allow};
}

router::result router::find(boost::beast::http::verb method, std::string_view path) const {
    if (const auto literal = literals_.find(path); literal != literals_.end())
        return choose(literal->second, method, match{});
    for (const auto& pattern : patterns_)
        if (const auto found = match_segments(pattern.segments, path))
            return choose(pattern.methods, method, *found);
    return not_found{};
}

} // namespace countersign::net
