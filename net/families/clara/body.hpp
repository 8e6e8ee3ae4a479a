// The JSON object in a request's body, as the contract's section 1.2 takes it.
#pragma once

#include "net/families/clara/errors.hpp"
#include "net/request.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::net::clara {

// No body, one of another type than JSON, and an empty JSON value are `empty_body`; what is no JSON
// or no object is `invalid_schema`.
[[nodiscard]] outcome<boost::json::object> read_body(const request& request);

// Nullopt: the member is absent, null, or of another type.
[[nodiscard]] std::optional<std::string> text_in(const boost::json::object& body,
                                                 std::string_view name);
[[nodiscard]] std::optional<bool> flag_in(const boost::json::object& body, std::string_view name);
// A code as a string, or as a number of at least that many digits: what began with a zero has lost
// it there.
[[nodiscard]] std::optional<std::string> code_in(const boost::json::object& body,
                                                 std::string_view name, std::size_t digits_min);

} // namespace countersign::net::clara
