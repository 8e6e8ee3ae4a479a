// What the HTML of a mail must not do: load anything, run anything, or put a value where its
// escaping does not hold. For templates of the operator's; it reads HTML loosely, and refuses where
// a browser might see more in it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::notify {

struct page_finding {
    std::size_t at; // offset in the page
    std::string sentence;
};

struct page_reading {
    // The first fault, if there is one.
    std::optional<page_finding> fault;
    // By offset: what an element holds, not inside a tag, a style sheet or a comment.
    std::vector<bool> is_content;
};
[[nodiscard]] page_reading read_page(std::string_view page);

} // namespace countersign::notify
