// What `countersign import FILE` reads: a file in one of four formats, as import lines one at a
// time. docs/imports.md says what each format is.
#pragma once

#include "app/import_record.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace countersign::app {

class import_source {
public:
    // `-` is the standard input. NDJSON and lists of URIs are then read line by line in constant
    // memory; the exports of Authelia and Keycloak are read here as a whole. An error says what is
    // wrong with the file or with an option.
    [[nodiscard]] static fallible<import_source> open(const std::filesystem::path& path,
                                                      import_options options);

    // The next record, or none at the end. Records that are wrong are records too; an error means
    // that the file could not be read on.
    [[nodiscard]] fallible<std::optional<import_record>> next() { return reader_->next(); }

    [[nodiscard]] import_format format() const noexcept { return format_; }
    // How far the records are that next() has yielded; the total of a pipe is not known.
    [[nodiscard]] std::uint64_t bytes_done() const { return reader_->bytes_done(); }
    [[nodiscard]] std::optional<std::uint64_t> bytes_total() const noexcept { return bytes_total_; }
    // Users without an authenticator app that were passed over so far (Keycloak; see
    // import_options::users_without_totp).
    [[nodiscard]] std::uint64_t users_left_out() const { return reader_->users_left_out(); }

private:
    import_source(import_format format, std::unique_ptr<import_reader> reader,
                  std::optional<std::uint64_t> bytes_total)
        : format_(format), reader_(std::move(reader)), bytes_total_(bytes_total) {}

    import_format format_;
    std::unique_ptr<import_reader> reader_;
    std::optional<std::uint64_t> bytes_total_;
};

// The format of a file that begins like this, if one can be told.
[[nodiscard]] std::optional<import_format> detect_import_format(std::string_view beginning);

} // namespace countersign::app
