// The pages about the API: GET /openapi.json, and GET /docs, which shows it with a viewer that is
// part of the program.
#pragma once

#include "net/families_dispatcher.hpp"

#include <string>
#include <vector>

namespace countersign::app {

// `openapi` is the document's text. The pages may be copied to every thread.
[[nodiscard]] std::vector<net::page> documentation_pages(std::string openapi);

} // namespace countersign::app
