#include "net/families/clara/body.hpp"

#include "net/json_body.hpp"

#include <boost/json/parse.hpp>

#include <utility>

namespace countersign::net::clara {

namespace {

bool is_empty(const boost::json::value& value) {
    if (const auto* object = value.if_object()) return object->empty();
    if (const auto* array = value.if_array()) return array->empty();
    if (const auto* text = value.if_string()) return text->empty();
    return value.is_null();
}

} // namespace

outcome<boost::json::object> read_body(const request& request) {
    const auto type = request.header("content-type");
    if (!request.has_body() || (type && !is_json_type(*type))) return error(error_code::empty_body);
    boost::system::error_code problem;
    auto parsed = boost::json::parse(request.body(), problem);
    if (problem) return error(error_code::invalid_schema);
    if (is_empty(parsed)) return error(error_code::empty_body);
    if (!parsed.is_object()) return error(error_code::invalid_schema);
    return std::move(parsed.get_object());
}

std::optional<std::string> text_in(const boost::json::object& body, std::string_view name) {
    const auto* value = body.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

std::optional<bool> flag_in(const boost::json::object& body, std::string_view name) {
    const auto* value = body.if_contains(name);
    if (value == nullptr || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

std::optional<std::string> code_in(const boost::json::object& body, std::string_view name,
                                   std::size_t digits_min) {
    const auto* value = body.if_contains(name);
    if (value == nullptr || !value->is_int64()) return text_in(body, name);
    auto text = std::to_string(value->get_int64());
    if (value->get_int64() < 0 || text.size() < digits_min) return std::nullopt;
    return text;
}

} // namespace countersign::net::clara
