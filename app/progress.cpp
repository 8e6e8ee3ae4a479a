#include "app/progress.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/ioctl.h>
#include <unistd.h>

namespace countersign::app {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds redraw_interval(100);
constexpr std::size_t usual_columns = 80;
constexpr std::string_view erase_line = "\r\x1b[K"; // ECMA-48: to the end of the line

// 0:07, 12:34, 1:02:03
std::string duration_text(std::uint64_t seconds) {
    const auto two_digits = [](std::uint64_t value) {
        return (value < 10 ? "0" : "") + std::to_string(value);
    };
    const auto hours = seconds / 3600, minutes = seconds / 60 % 60;
    const std::string rest = ":" + two_digits(seconds % 60);
    return hours == 0 ? std::to_string(minutes) + rest
                      : std::to_string(hours) + ":" + two_digits(minutes) + rest;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 10'240 && unit + 1 < units.size(); ++unit)
        bytes /= 1024;
    return std::to_string(bytes) + ' ' + units[unit];
}

// Floating point, so that no file is too large for the product.
std::uint64_t scaled(std::uint64_t value, std::uint64_t by, std::uint64_t over) {
    return static_cast<std::uint64_t>(static_cast<double>(value) * static_cast<double>(by) /
                                      static_cast<double>(over));
}

std::string position_text(const progress& state) {
    if (!state.bytes_total) return size_text(state.bytes_done);
    const auto total = *state.bytes_total;
    const auto done = std::min(state.bytes_done, total);
    const std::string percent = std::to_string(total == 0 ? 100 : scaled(done, 100, total));
    return std::string(3 - std::min<std::size_t>(percent.size(), 3), ' ') + percent + " %";
}

std::size_t columns_of(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual_columns;
    return size.ws_col;
}

} // namespace

std::string format_progress(const progress& state, milliseconds elapsed, std::size_t columns) {
    const auto passed_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed.count(), 0));
    const auto records = state.created + state.unchanged + state.rejected;
    std::string text = position_text(state) + "  created " + std::to_string(state.created) +
                       ", unchanged " + std::to_string(state.unchanged) + ", rejected " +
                       std::to_string(state.rejected);
    // In the first second a mean says little.
    if (passed_ms >= 1000) {
        text += "  " + std::to_string(scaled(records, 1000, passed_ms)) + "/s";
        if (state.bytes_total && state.bytes_done > 0) {
            const auto left = *state.bytes_total - std::min(state.bytes_done, *state.bytes_total);
            const auto left_ms = scaled(left, passed_ms, state.bytes_done);
            text += "  " + duration_text((left_ms + 999) / 1000) + " left";
        }
    }
    return text.substr(0, columns);
}

progress_line::progress_line(int descriptor, clock::time_point begin)
    : descriptor_(descriptor), is_terminal_(::isatty(descriptor) == 1), begin_(begin) {}

void progress_line::update(const progress& state, clock::time_point now) {
    if (!is_terminal_ || (drawn_at_ && now - *drawn_at_ < redraw_interval)) return;
    drawn_at_ = now;
    is_drawn_ = true;
    // A line as long as the terminal is wide would wrap.
    const auto columns = columns_of(descriptor_) - 1;
    const auto elapsed = std::chrono::duration_cast<milliseconds>(now - begin_);
    draw(std::string(erase_line) + format_progress(state, elapsed, columns));
}

void progress_line::clear() {
    if (!is_drawn_) return;
    is_drawn_ = false;
    draw(erase_line);
}

void progress_line::draw(std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(descriptor_, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace countersign::app
