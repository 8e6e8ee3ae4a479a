#include "net/router.hpp"

#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace countersign::net {
namespace {

[[noreturn]] void refuse(std::string_view pattern, const char* why) {
    throw std::invalid_argument("route " + std::string(pattern) + ": " + why);
}

constexpr std::size_t path_segments_max = 16;

// The segments after the leading slash; a parameter is an empty view.
std::vector<std::string_view> split_pattern(std::string_view pattern) {
    std::vector<std::string_view> segments;
    std::size_t parameters = 0;
    for (std::string_view rest = pattern; !rest.empty();) {
        const auto end = std::min(rest.find('/', 1), rest.size());
        auto segment = rest.substr(1, end - 1);
        rest.remove_prefix(end);
        const bool parameter = segment.starts_with('{') && segment.ends_with('}');
        if (segments.size() == path_segments_max) refuse(pattern, "too many segments");
        if (!parameter && (segment.empty() || segment.find_first_of("{}") != segment.npos))
            refuse(pattern, "a segment is either a literal or {name}");
        if (parameter && ++parameters > request::path_parameters_max)
            refuse(pattern, "too many parameters");
        segments.push_back(parameter ? std::string_view{} : segment);
    }
    return segments;
}

using path_segments = boost::container::static_vector<std::string_view, path_segments_max>;

// The segments of a path that begins with a slash; nullopt: more than any pattern has.
std::optional<path_segments> split_path(std::string_view path) {
    path_segments segments;
    while (!path.empty()) {
        if (segments.size() == segments.capacity()) return std::nullopt;
        const auto end = std::min(path.find('/', 1), path.size());
        segments.push_back(path.substr(1, end - 1));
        path.remove_prefix(end);
    }
    return segments;
}

// From the end, where the patterns of a family differ.
bool fits(const std::vector<std::string_view>& pattern, const path_segments& path) noexcept {
    if (pattern.size() != path.size()) return false;
    for (auto at = pattern.size(); at-- > 0;)
        if (pattern[at].empty() ? path[at].empty() : path[at] != pattern[at]) return false;
    return true;
}

router::match match_of(const std::vector<std::string_view>& pattern, const path_segments& path) {
    router::match found{};
    for (std::size_t at = 0; at < pattern.size(); ++at)
        if (pattern[at].empty()) found.parameters[found.parameter_count++] = path[at];
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
    const auto segments = split_path(path);
    if (!segments) return not_found{};
    for (const auto& pattern : patterns_)
        if (fits(pattern.segments, *segments))
            return choose(pattern.methods, method, match_of(pattern.segments, *segments));
    return not_found{};
}

} // namespace countersign::net
