#include "net/openapi_family.hpp"

#include "core/text.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <stdexcept>
#include <utility>

namespace countersign::net {

namespace {

namespace json = boost::json;

std::string text_of(const json::object& told, std::string_view name) {
    const auto* value = told.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
}

const json::object& object_in(const json::object& told, std::string_view name) {
    static const json::object none;
    const auto* value = told.if_contains(name);
    return value != nullptr && value->is_object() ? value->get_object() : none;
}

void copy_if_there(const json::object& from, std::string_view name, json::object& to) {
    if (const auto* value = from.if_contains(name)) to[name] = *value;
}

std::string method_of(const route_key& key) {
    return std::string(boost::beast::http::to_string(key.method));
}

// "POST /api/auth/2fa/login" as postAuth2faLogin, ".../sessions/{id}" as ...SessionsById.
std::string derived_id(const route_key& key) {
    auto id = core::to_lower_ascii(method_of(key));
    auto rest = key.pattern;
    if (rest.starts_with("/api/")) rest.remove_prefix(4);
    bool begins_word = true;
    for (const char character : rest) {
        if (character == '{') id += "By";
        const bool letter = std::isalnum(static_cast<unsigned char>(character)) != 0;
        if (letter)
            id += begins_word
                      ? static_cast<char>(std::toupper(static_cast<unsigned char>(character)))
                      : character;
        begins_word = !letter;
    }
    return id;
}

// Replies of one status on their way to one Response Object.
struct merged_response {
    std::vector<std::string> descriptions;
    std::string type;
    std::vector<json::value> schemas;
    json::object headers;
    json::object examples;
};

json::object to_response_object(merged_response merged) {
    std::string description = merged.descriptions.front();
    if (merged.descriptions.size() > 1) {
        description.clear();
        for (const auto& one : merged.descriptions)
            description += (description.empty() ? "- " : "\n- ") + one;
    }
    json::object out{{"description", std::move(description)}};
    if (!merged.headers.empty()) out["headers"] = std::move(merged.headers);
    if (merged.schemas.empty()) {
        if (!merged.examples.empty()) out["x-examples"] = std::move(merged.examples);
        return out;
    }
    json::object media;
    if (merged.schemas.size() == 1)
        media["schema"] = std::move(merged.schemas.front());
    else
        media["schema"] =
            json::object{{"anyOf", json::array(merged.schemas.begin(), merged.schemas.end())}};
    if (!merged.examples.empty()) media["examples"] = std::move(merged.examples);
    out["content"] = json::object{{merged.type, std::move(media)}};
    return out;
}

// What the example of a refusal needs: as the operation tells, a state or {"x-state", "x-send"}, or
// else as the refusal itself does.
void add_conditions(const json::value& told, const json::object& refusal, json::object& example) {
    example["x-state"] = refusal.at("x-state");
    if (told.is_string() && !told.get_string().empty()) example["x-state"] = told;
    if (!told.is_object()) return;
    copy_if_there(told.get_object(), "x-state", example);
    copy_if_there(told.get_object(), "x-send", example);
}

// "{path}" in an example is the path of the operation that it is shown at.
json::value with_path(const json::value& value, const std::string& path) {
    if (value.is_string() && value.get_string() == "{path}") return json::value(path);
    if (!value.is_object()) return value;
    json::object out;
    for (const auto& [name, member] : value.get_object())
        out[name] = with_path(member, path);
    return out;
}

} // namespace

openapi_family::openapi_family(const family_description& described) : described_(described) {
    boost::system::error_code error;
    auto parsed = json::parse(described.api, error);
    if (error) fail("", "not JSON: " + error.message());
    if (!parsed.is_object()) fail("", "not an object");
    api_ = std::move(parsed.get_object());
    check_members(
        api_, "tag description operations ? credentials schemas parameters headers refusals", "");
    tag_ = text_of(api_, "tag");
    description_ = text_of(api_, "description");
}

void openapi_family::fail(const std::string& where, const std::string& why) const {
    throw std::logic_error("net/families/" + std::string(described_.name) + "/api.json: " + where +
                           (where.empty() ? "" : ": ") + why);
}

void openapi_family::check_members(const json::object& told, std::string_view names,
                                   const std::string& where) const {
    std::vector<std::string_view> known;
    bool required = true;
    while (!names.empty()) {
        const auto name = names.substr(0, names.find(' '));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        if (name == "?") {
            required = false;
            continue;
        }
        known.push_back(name);
        if (required && !told.contains(name)) fail(where, "'" + std::string(name) + "' is missing");
    }
    for (const auto& member : told)
        if (std::ranges::find(known, std::string_view(member.key())) == known.end())
            fail(where, "'" + std::string(member.key()) + "' is not a member of the format");
}

const json::object& openapi_family::section(std::string_view name) const {
    return object_in(api_, name);
}

const json::object& openapi_family::use(std::string_view from, std::string_view name,
                                        const std::string& where) {
    const auto* found = section(from).if_contains(name);
    if (found == nullptr || !found->is_object())
        fail(where, "'" + std::string(name) + "' is not in '" + std::string(from) + "'");
    used_.insert(std::string(from) + '/' + std::string(name));
    return found->get_object();
}

std::string openapi_family::component(std::string_view name) const {
    return std::string(described_.name) + '.' + std::string(name);
}

json::value openapi_family::scoped(const json::value& value, const std::string& where) {
    if (const auto* list = value.if_array()) {
        json::array out;
        for (const auto& each : *list)
            out.push_back(scoped(each, where));
        return out;
    }
    const auto* told = value.if_object();
    if (told == nullptr) return value;
    json::object out;
    for (const auto& [key, member] : *told) {
        if (key != "$ref" || !member.is_string()) {
            out[key] = scoped(member, where);
            continue;
        }
        const std::string_view reference = member.get_string();
        const auto slash = reference.rfind('/');
        if (!reference.starts_with("#/") || slash < 2)
            fail(where, "the reference '" + std::string(reference) + "' leaves the file");
        const auto from = reference.substr(2, slash - 2);
        const auto name = reference.substr(slash + 1);
        (void)use(from, name, where);
        out[key] = "#/components/" + std::string(from) + '/' + component(name);
    }
    return out;
}

json::array openapi_family::security(const route_description& route, const std::string& where) {
    json::array alternatives;
    for (const auto& together : route.credentials) {
        // Each credential can be presented in several ways: every combination is an alternative.
        std::vector<json::object> combinations(1);
        for (const auto credential : together) {
            std::vector<json::object> longer;
            for (const auto& way : use("credentials", credential, where))
                for (auto combination : combinations) {
                    combination[component(credential) + '.' + std::string(way.key())] =
                        json::array();
                    longer.push_back(std::move(combination));
                }
            combinations = std::move(longer);
        }
        for (auto& combination : combinations)
            alternatives.emplace_back(std::move(combination));
    }
    return alternatives;
}

json::array openapi_family::parameters(const json::object& operation, std::string& path,
                                       const std::string& where) {
    json::array out;
    if (const auto* told = operation.if_contains("parameters")) {
        if (!told->is_array()) fail(where, "'parameters' is not an array");
        for (const auto& each : told->get_array()) {
            if (!each.is_object()) fail(where, "a parameter is not an object");
            auto parameter = scoped(each, where);
            const auto reference = text_of(each.get_object(), "$ref");
            const auto& defined =
                reference.empty()
                    ? each.get_object()
                    : use("parameters", reference.substr(reference.rfind('/') + 1), where);
            if (text_of(defined, "in") == "path") {
                const auto name = text_of(defined, "name");
                const auto at = path.find('{' + name + '}');
                if (at == std::string::npos) fail(where, "the path has no {" + name + "}");
                const auto example = text_of(defined, "example");
                path.replace(at, name.size() + 2, example.empty() ? name : example);
                if (reference.empty()) parameter.get_object()["required"] = true;
            }
            out.push_back(std::move(parameter));
        }
    }
    // What is left in braces is told nowhere.
    for (auto begin = path.find('{'); begin != std::string::npos; begin = path.find('{')) {
        const auto end = path.find('}', begin);
        const auto name = path.substr(begin + 1, end - begin - 1);
        out.push_back(
            {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
        path.replace(begin, end - begin + 1, name);
    }
    return out;
}

json::object openapi_family::request(const json::object& told, const std::string& where) {
    check_members(told, "schema examples ? required description type", where);
    json::object examples;
    for (const auto& [name, example] : object_in(told, "examples")) {
        if (!example.is_object()) fail(where, "an example is not an object");
        check_members(example.get_object(), "value ? summary x-live",
                      where + ": " + std::string(name));
        examples[name] = example;
    }
    if (examples.empty()) fail(where, "there is no example");
    json::object out;
    copy_if_there(told, "description", out);
    const auto* required = told.if_contains("required");
    out["required"] = required != nullptr && *required == json::value(true);
    const auto type = text_of(told, "type");
    out["content"] = json::object{
        {type.empty() ? "application/json" : type,
         {{"schema", scoped(told.at("schema"), where)}, {"examples", std::move(examples)}}}};
    return out;
}

json::object openapi_family::responses(const json::object& operation,
                                       const route_description& route, const std::string& path,
                                       const std::string& where) {
    std::map<std::string, merged_response> by_status;
    const auto merge = [&](const std::string& status, const json::object& told,
                           const std::string& at) -> merged_response& {
        auto& merged = by_status[status];
        if (const auto* schema = told.if_contains("schema")) {
            auto type = text_of(told, "type");
            if (type.empty()) type = "application/json";
            if (!merged.schemas.empty() && merged.type != type)
                fail(at, "another reply of this status has another content type");
            merged.type = std::move(type);
            auto wanted = scoped(*schema, at);
            if (std::ranges::find(merged.schemas, wanted) == merged.schemas.end())
                merged.schemas.push_back(std::move(wanted));
        }
        const auto headers = scoped(object_in(told, "headers"), at);
        for (const auto& [name, header] : headers.get_object())
            merged.headers[name] = header;
        return merged;
    };

    for (const auto& [status, value] : object_in(operation, "responses")) {
        const auto at = where + ": " + std::string(status);
        if (!value.is_object()) fail(at, "a response is not an object");
        const auto& told = value.get_object();
        check_members(told, "description ? schema headers examples type", at);
        auto& merged = merge(status, told, at);
        merged.descriptions.push_back(text_of(told, "description"));
        for (const auto& [name, example] : object_in(told, "examples")) {
            const auto here = at + ": " + std::string(name);
            if (!example.is_object()) fail(here, "an example is not an object");
            const bool has_body = told.contains("schema");
            check_members(example.get_object(),
                          has_body ? "value x-state ? summary" : "x-state ? summary", here);
            merged.examples[name] = with_path(example, path);
        }
    }

    json::object given;
    for (const auto name : route.refusals)
        given[name] = "";
    for (const auto& [name, state] : object_in(operation, "refusals"))
        given[name] = state;
    for (const auto& [name, state] : given) {
        const auto at = where + ": " + std::string(name);
        const auto& told = use("refusals", name, at);
        check_members(told, "status description x-state ? schema headers value type", at);
        if (const auto* conditions = state.if_object())
            check_members(*conditions, "? x-state x-send", at);
        const auto status = told.at("status").is_int64()
                                ? std::to_string(told.at("status").get_int64())
                                : std::string();
        if (status.size() != 3) fail(at, "'status' is not a status");
        if (told.contains("schema") != told.contains("value"))
            fail(at, "'schema' and 'value' come together");
        auto& merged = merge(status, told, at);
        merged.descriptions.push_back("`" + std::string(name) +
                                      "`: " + text_of(told, "description"));
        if (merged.examples.contains(name)) fail(at, "there is an example of that name already");
        json::object example;
        if (const auto* value = told.if_contains("value"))
            example["value"] = with_path(*value, path);
        add_conditions(state, told, example);
        merged.examples[name] = std::move(example);
    }

    json::object out;
    for (auto& [status, merged] : by_status)
        out[status] = to_response_object(std::move(merged));
    return out;
}

json::object openapi_family::operation(const route_description& route) {
    const auto where = method_of(route.key) + ' ' + std::string(route.key.pattern);
    const auto& told = use("operations", where, where);
    check_members(told, "summary responses ? description id parameters request refusals", where);
    json::object out{{"tags", {tag_}}, {"summary", text_of(told, "summary")}};
    copy_if_there(told, "description", out);
    const auto id = text_of(told, "id");
    out["operationId"] = component(id.empty() ? derived_id(route.key) : id);
    out["security"] = security(route, where);
    std::string path(route.key.pattern);
    if (auto all = parameters(told, path, where); !all.empty()) out["parameters"] = std::move(all);
    if (const auto* body = told.if_contains("request")) {
        if (!body->is_object()) fail(where, "'request' is not an object");
        out["requestBody"] = request(body->get_object(), where + ": request");
    }
    out["responses"] = responses(told, route, path, where);
    return out;
}

void openapi_family::add_components(json::object& components) {
    const auto add = [&](std::string_view kind, const std::string& name, json::value value) {
        auto& all = components[kind];
        if (!all.is_object()) all.emplace_object();
        all.get_object()[name] = std::move(value);
    };
    for (const auto kind : {"schemas", "parameters", "headers"})
        for (const auto& [name, told] : section(kind)) {
            auto definition = scoped(told, std::string(kind) + ": " + std::string(name));
            if (told.is_object() && text_of(told.get_object(), "in") == "path")
                definition.get_object()["required"] = true;
            add(kind, component(name), std::move(definition));
        }
    for (const auto& credential : section("credentials"))
        for (const auto& [way, scheme] : object_in(section("credentials"), credential.key()))
            add("securitySchemes", component(credential.key()) + '.' + std::string(way), scheme);
}

void openapi_family::check_everything_is_used() const {
    for (const auto& operation : section("operations"))
        if (!used_.contains("operations/" + std::string(operation.key())))
            fail(operation.key(), "there is no such route");
    for (const std::string from : {"schemas", "parameters", "headers", "credentials", "refusals"})
        for (const auto& definition : section(from))
            if (!used_.contains(from + '/' + std::string(definition.key())))
                fail(from + ": " + std::string(definition.key()), "nothing uses it");
}

} // namespace countersign::net
