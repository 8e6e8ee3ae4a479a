// A table for a terminal: columns as wide as their longest value.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace countersign::app {

class text_table {
public:
    explicit text_table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

    // As many values as the header has, in UTF-8 without control characters.
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    void print(std::ostream& out) const;

private:
    std::vector<std::vector<std::string>> rows_;
};

} // namespace countersign::app
