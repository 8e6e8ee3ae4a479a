// The figures of a run as Markdown and as plots.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::bench {

// `plots` is put in front of the plots' names: where they are, seen from the document.
[[nodiscard]] std::string markdown(const boost::json::object& results, std::string_view plots);

// File name and content.
[[nodiscard]] std::vector<std::pair<std::string, std::string>>
draw_plots(const boost::json::object& results);

// `document` with `text` between the two lines that mark where it belongs. Throws
// std::runtime_error if they are not there.
[[nodiscard]] std::string replace_generated(std::string document, std::string_view text);

} // namespace countersign::bench
