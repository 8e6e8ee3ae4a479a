// Reads an input as a file that is to be imported, whatever its format, and checks what comes of
// it.
#pragma once

#include "app/import_source.hpp"
#include "core/text.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace countersign::fuzz {

// A file without a name on disk.
class memory_file {
public:
    explicit memory_file(std::string_view content) : file_(::memfd_create("import", MFD_CLOEXEC)) {
        if (file_ < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
        while (!content.empty()) {
            const auto count = ::write(file_, content.data(), content.size());
            if (count < 0) throw std::system_error(errno, std::generic_category(), "write");
            content.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    ~memory_file() { ::close(file_); }
    memory_file(const memory_file&) = delete;
    memory_file& operator=(const memory_file&) = delete;

    // Opening it anew begins at its start.
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

private:
    int file_;
};

inline void check_record(const app::import_record& record, app::import_format format) {
    require(std::ranges::all_of(record.who, [](char c) { return c >= ' ' && c < 0x7F; }),
            "whom it is about can be printed");
    if (record.what != app::import_record::kind::line) {
        require(!record.sentence.empty() && record.sentence.find('\n') == std::string::npos &&
                    core::is_valid_utf8(record.sentence),
                "what is wrong is said in one line");
        return;
    }
    if (format == app::import_format::ndjson) return; // as they are
    require(core::parse_import_line(record.line.reveal()).has_value(),
            "what a reader makes is an import line");
}

inline void read_import(std::string_view input, app::import_options options) {
    const memory_file file(input);
    auto source = app::import_source::open(file.path(), std::move(options));
    if (source.has_error()) {
        require(!source.error().sentence.empty() &&
                    source.error().sentence.find('\n') == std::string::npos,
                "a refusal is one line");
        return;
    }
    for (std::size_t records = 0;; ++records) {
        require(records <= input.size(), "a file has no more records than bytes");
        const auto record = source->next();
        if (record.has_error() || !record->has_value()) return;
        require(source->bytes_done() <= source->bytes_total().value_or(input.size()),
                "progress stays within the file");
        check_record(**record, source->format());
    }
}

} // namespace countersign::fuzz
