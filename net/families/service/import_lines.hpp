// The lines of an import's body, as its pieces arrive: in constant memory, however long a line is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::net::service {

class import_lines {
public:
    explicit import_lines(std::size_t size_max) : size_max_(size_max) {}
    ~import_lines();
    import_lines(const import_lines&) = delete;
    import_lines& operator=(const import_lines&) = delete;

    struct line {
        std::uint64_t number = 0; // from 1; empty lines count
        std::string_view text;    // without its end (LF or CR LF); valid until the next call
        bool too_long = false;    // over size_max bytes; then there is no text
    };

    // What comes next of the body, which stays valid until next() has none. The empty piece is the
    // body's end, which also ends its last line.
    void feed(std::string_view piece);
    // Lines that are not empty, in their order; none: the piece is used up.
    [[nodiscard]] std::optional<line> next();

private:
    [[nodiscard]] bool has_line_begun() const noexcept { return !begun_.empty() || too_long_; }
    void keep(std::string_view part);
    [[nodiscard]] line take(std::string_view last_part);

    std::size_t size_max_;
    std::string_view rest_; // of the piece
    bool at_end_ = false;
    std::uint64_t number_ = 0;
    std::string begun_;     // a line of which not all has arrived
    std::string complete_;  // the line in the caller's hands, if it arrived in several pieces
    bool too_long_ = false; // the line that has begun
};

} // namespace countersign::net::service
