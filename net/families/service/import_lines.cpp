#include "net/families/service/import_lines.hpp"

#include "core/crypto/secret.hpp"

#include <utility>

namespace countersign::net::service {

// The lines hold secrets.
import_lines::~import_lines() {
    core::wipe(begun_);
    core::wipe(complete_);
}

void import_lines::feed(std::string_view piece) {
    rest_ = piece;
    at_end_ = piece.empty();
}

std::optional<import_lines::line> import_lines::next() {
    for (;;) {
        const auto end = rest_.find('\n');
        if (end == std::string_view::npos && !(at_end_ && has_line_begun())) {
            keep(std::exchange(rest_, {}));
            return std::nullopt;
        }
        const auto found = take(rest_.substr(0, end));
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        if (!found.text.empty() || found.too_long) return found;
    }
}

// A carriage return that may belong to the line's end is kept beyond the limit.
void import_lines::keep(std::string_view part) {
    too_long_ = too_long_ || begun_.size() + part.size() > size_max_ + 1;
    if (!too_long_) begun_ += part;
    if (too_long_) begun_.clear();
}

import_lines::line import_lines::take(std::string_view last_part) {
    line found{.number = ++number_, .text = last_part};
    if (has_line_begun()) {
        keep(last_part);
        std::swap(complete_, begun_);
        begun_.clear();
        found.text = complete_;
    }
    if (found.text.ends_with('\r')) found.text.remove_suffix(1);
    found.too_long = std::exchange(too_long_, false) || found.text.size() > size_max_;
    if (found.too_long) found.text = {};
    return found;
}

} // namespace countersign::net::service
