// Lines of a file or a pipe, in constant memory.
#pragma once

#include "app/problem.hpp"
#include "core/crypto/secret.hpp"
#include "store/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::app {

// Holds what it read of secrets no longer than it must: the buffer is wiped at the end.
class line_reader {
public:
    // `-` is the standard input. A UTF-8 byte order mark at the start is passed over.
    [[nodiscard]] static fallible<line_reader> open(const std::filesystem::path& path);
    line_reader(line_reader&& other) noexcept = default;
    line_reader& operator=(line_reader&& other) noexcept = delete;
    ~line_reader() { core::wipe(buffer_); }

    // The beginning of what was not yet read, up to look_ahead_size bytes of it, left in place.
    [[nodiscard]] fallible<std::string_view> look_ahead();
    static constexpr std::size_t look_ahead_size = 65'536;

    struct line {
        std::uint64_t number = 0; // from 1
        std::string_view text;    // without its end (LF or CR LF); valid until the next call
        bool too_long = false;    // over core::import_line_size_max; then there is no text
    };
    // None at the end of the file.
    [[nodiscard]] fallible<std::optional<line>> next();
    // All the rest, if it is no larger than import_file_size_max; otherwise `advice` follows the
    // sentence that says so.
    [[nodiscard]] fallible<core::secret_string> rest(std::string_view advice);

    [[nodiscard]] std::uint64_t bytes_done() const noexcept { return bytes_done_; }
    [[nodiscard]] std::optional<std::uint64_t> bytes_total() const noexcept { return bytes_total_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; } // for a sentence

private:
    line_reader(store::descriptor file, std::string name);
    [[nodiscard]] std::string_view unread() const noexcept {
        return std::string_view(buffer_).substr(begin_, end_ - begin_);
    }
    void consume(std::size_t count) noexcept;
    // Reads once behind what is in the buffer, which has room for it. False at the end of the file.
    [[nodiscard]] fallible<bool> fill();
    [[nodiscard]] fallible<void> skip_byte_order_mark();

    store::descriptor file_;
    std::string name_;
    std::string buffer_;
    std::size_t begin_ = 0, end_ = 0; // of what was read and not consumed, in buffer_
    std::uint64_t lines_ = 0, bytes_done_ = 0;
    std::optional<std::uint64_t> bytes_total_; // of a regular file
    bool at_end_ = false;
};

} // namespace countersign::app
