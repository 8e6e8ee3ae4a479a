// How far an import is, on one line of a terminal that is drawn again and again. Nothing where the
// stream is no terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::app {

struct progress {
    std::uint64_t bytes_done = 0;
    std::optional<std::uint64_t> bytes_total;               // where it is known
    std::uint64_t created = 0, unchanged = 0, rejected = 0; // records
};

// At most `columns` characters, without a line feed:
// ` 42 %  created 1200, unchanged 0, rejected 3  850/s  0:41 left`
// The rate is the mean since the beginning; what is left of the time follows from the bytes.
[[nodiscard]] std::string format_progress(const progress& state, std::chrono::milliseconds elapsed,
                                          std::size_t columns);

// One thread uses it. Errors of the terminal are ignored: the import goes on.
class progress_line {
public:
    using clock = std::chrono::steady_clock;

    // `descriptor` outlives it, and is looked at once: is it a terminal?
    progress_line(int descriptor, clock::time_point begin);
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line() { clear(); }

    // Draws the line, unless it was drawn less than 100 ms ago. Cheap enough for every record.
    void update(const progress& state, clock::time_point now);
    // Takes the line away, so that something else can be printed. An update 100 ms after the last
    // drawing brings it back.
    void clear();

private:
    void draw(std::string_view text);

    int descriptor_;
    bool is_terminal_;
    bool is_drawn_ = false;
    clock::time_point begin_;
    std::optional<clock::time_point> drawn_at_;
};

} // namespace countersign::app
