#include "app/line_reader.hpp"

#include "app/import_record.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace countersign::app {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// What is left of a regular file; of anything else nobody knows.
std::optional<std::uint64_t> size_of(int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    const auto position = std::max<off_t>(::lseek(file, 0, SEEK_CUR), 0);
    return static_cast<std::uint64_t>(std::max<off_t>(status.st_size - position, 0));
}

} // namespace

line_reader::line_reader(store::descriptor file, std::string name)
    : file_(std::move(file)), name_(std::move(name)), buffer_(look_ahead_size, '\0'),
      bytes_total_(size_of(file_.get())) {}

fallible<line_reader> line_reader::open(const std::filesystem::path& path) {
    const bool is_standard_input = path == "-";
    store::descriptor file(is_standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                             : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string name = is_standard_input ? "the standard input" : path.string();
    if (!file) return system_problem("cannot read", name, errno);
    line_reader reader(std::move(file), std::move(name));
    if (const auto begun = reader.skip_byte_order_mark(); !begun) return begun.error();
    return reader;
}

void line_reader::consume(std::size_t count) noexcept {
    begin_ += count;
    bytes_done_ += count;
}

fallible<bool> line_reader::fill() {
    if (at_end_) return false;
    if (end_ == buffer_.size()) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    for (;;) {
        const auto count = ::read(file_.get(), buffer_.data() + end_, buffer_.size() - end_);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_problem("cannot read", name_, errno);
        end_ += static_cast<std::size_t>(count);
        at_end_ = count == 0;
        return !at_end_;
    }
}

fallible<void> line_reader::skip_byte_order_mark() {
    while (unread().size() < byte_order_mark.size()) {
        const auto more = fill();
        if (!more) return more.error();
        if (!*more) break;
    }
    if (!unread().starts_with(byte_order_mark)) return {};
    begin_ += byte_order_mark.size();
    if (bytes_total_) *bytes_total_ -= byte_order_mark.size();
    return {};
}

fallible<std::string_view> line_reader::look_ahead() {
    while (end_ < buffer_.size()) {
        const auto more = fill();
        if (!more) return more.error();
        if (!*more) break;
    }
    return unread();
}

fallible<std::optional<line_reader::line>> line_reader::next() {
    std::size_t looked_at = 0;
    bool too_long = false;
    for (;;) {
        const auto feed = unread().find('\n', looked_at);
        const bool whole = feed != std::string_view::npos;
        if (whole || at_end_) {
            if (!whole && unread().empty() && !too_long) return std::nullopt;
            auto text = unread().substr(0, feed);
            consume(text.size() + (whole ? 1 : 0));
            if (text.ends_with('\r')) text.remove_suffix(1);
            too_long = too_long || text.size() > core::import_line_size_max;
            return line{.number = ++lines_,
                        .text = too_long ? std::string_view() : text,
                        .too_long = too_long};
        }
        looked_at = unread().size();
        if (looked_at > core::import_line_size_max + 1) { // one for the CR
            too_long = true;
            consume(looked_at);
            looked_at = 0;
        }
        if (const auto more = fill(); !more) return more.error();
    }
}

fallible<core::secret_string> line_reader::rest(std::string_view advice) {
    const auto too_large = [&] {
        return problem{name_ + " is larger than " +
                       std::to_string(import_file_size_max / 1024 / 1024) +
                       " MiB: " + std::string(advice)};
    };
    if (bytes_total_.value_or(0) > import_file_size_max) return too_large();
    std::string text;
    // One allocation where the size is known: what growing leaves behind is not wiped.
    text.reserve(static_cast<std::size_t>(bytes_total_.value_or(0)) + 1);
    for (;;) {
        text += unread();
        consume(unread().size());
        if (text.size() > import_file_size_max) {
            core::wipe(text);
            return too_large();
        }
        const auto more = fill();
        if (!more) return more.error();
        if (!*more) return core::secret_string(std::move(text));
    }
}

} // namespace countersign::app
