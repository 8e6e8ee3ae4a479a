#include "net/json_body.hpp"

#include "core/text.hpp"

#include <boost/json/parse.hpp>

namespace countersign::net {

namespace {

std::string digits_of(std::int64_t number, std::size_t digits) {
    auto text = std::to_string(number);
    if (number >= 0 && text.size() < digits) text.insert(0, digits - text.size(), '0');
    return text;
}

} // namespace

bool is_json_type(std::string_view content_type) {
    const auto type = core::to_lower_ascii(content_type.substr(0, content_type.find(';')));
    const auto end = type.find_last_not_of(" \t");
    const std::string_view trimmed = std::string_view(type).substr(0, end + 1);
    return trimmed == "application/json" || trimmed.ends_with("+json");
}

json_body::json_body(const request& request, absence absence) : document_(boost::json::object()) {
    if (request.has_body())
        read(request);
    else if (absence == absence::is_wrong)
        reject("", "A JSON object is expected in the body.");
}

void json_body::read(const request& request) {
    if (const auto type = request.header("content-type"); type && !is_json_type(*type))
        return reject("", "The body must be sent as application/json.");
    boost::system::error_code error;
    auto parsed = boost::json::parse(request.body(), error);
    if (error) return reject("", "The body is not valid JSON: " + error.message() + ".");
    if (!parsed.is_object()) return reject("", "The body must be a JSON object.");
    document_ = std::move(parsed);
}

void json_body::reject(std::string_view field, std::string_view sentence) {
    if (!ok()) return;
    field_ = field;
    problem_ = sentence;
}

const boost::json::value* json_body::find(std::string_view name) const {
    const auto* value = document_.get_object().if_contains(name);
    return value != nullptr && !value->is_null() ? value : nullptr;
}

void json_body::require(std::string_view name) {
    if (find(name) == nullptr) reject(name, "'" + std::string(name) + "' is required.");
}

std::string json_body::text(std::string_view name) {
    require(name);
    return optional_text(name).value_or(std::string());
}

std::optional<std::string> json_body::optional_text(std::string_view name) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (const auto* text = value->if_string()) return std::string(*text);
    reject(name, "'" + std::string(name) + "' must be a string.");
    return std::nullopt;
}

std::vector<std::string> json_body::texts(std::string_view name, std::size_t count_max) {
    require(name);
    const auto* value = find(name);
    if (value == nullptr) return {};
    const auto* list = value->if_array();
    std::vector<std::string> texts;
    if (list != nullptr && list->size() <= count_max)
        for (const auto& element : *list)
            if (const auto* text = element.if_string()) texts.emplace_back(*text);
    if (list == nullptr || texts.size() != list->size())
        reject(name, "'" + std::string(name) + "' must be a list of at most " +
                         std::to_string(count_max) + " strings.");
    return texts;
}

std::optional<bool> json_body::optional_flag(std::string_view name) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (const auto* flag = value->if_bool()) return *flag;
    reject(name, "'" + std::string(name) + "' must be true or false.");
    return std::nullopt;
}

const boost::json::object* json_body::optional_object(std::string_view name) {
    const auto* value = find(name);
    if (value == nullptr) return nullptr;
    if (const auto* object = value->if_object()) return object;
    reject(name, "'" + std::string(name) + "' must be an object.");
    return nullptr;
}

std::string json_body::code(std::string_view name, std::size_t digits) {
    require(name);
    return optional_code(name, digits).value_or(std::string());
}

std::optional<std::string> json_body::optional_code(std::string_view name, std::size_t digits) {
    const auto* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (const auto* text = value->if_string()) return std::string(*text);
    if (const auto* number = value->if_int64()) return digits_of(*number, digits);
    reject(name, "'" + std::string(name) + "' must be a code of digits.");
    return std::nullopt;
}

std::string json_body::nested_text(std::string_view object, std::string_view name,
                                   std::size_t length_max) {
    const auto* outer = find(object);
    if (outer == nullptr) return {};
    if (!outer->is_object()) {
        reject(object, "'" + std::string(object) + "' must be an object.");
        return {};
    }
    const auto* inner = outer->get_object().if_contains(name);
    if (inner == nullptr || inner->is_null()) return {};
    if (!inner->is_string()) {
        reject(name, "'" + std::string(object) + "." + std::string(name) + "' must be a string.");
        return {};
    }
    std::string text(inner->get_string());
    if (text.size() > length_max)
        reject(name, "'" + std::string(object) + "." + std::string(name) + "' is too long.");
    return text;
}

} // namespace countersign::net
