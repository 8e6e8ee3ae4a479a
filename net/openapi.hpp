// The API document: OpenAPI 3.1 made of what the families' route tables and api.json texts say
// (families/README.md has the format).
#pragma once

#include "net/family.hpp"

#include <span>
#include <string>
#include <string_view>

namespace countersign::net {

struct openapi_about {
    std::string title;
    std::string_view version;     // of the program
    std::string_view description; // CommonMark
    std::string_view base_uri;    // the one server that the document names
};

// The document as JSON text. Where several families have a route, the first one's operation stands,
// as in the router, and the others are named beside it. Throws std::logic_error, which names the
// family and the place, if an api.json is not as the format asks or does not fit its routes.
[[nodiscard]] std::string make_openapi(std::span<const family_description> families,
                                       const openapi_about& about);

} // namespace countersign::net
