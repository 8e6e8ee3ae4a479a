// What became of each line of an import, in their order, and a summary at the end: NDJSON, written
// to a temporary file while the body is still being read, so that a client may send everything
// before it reads anything.
#pragma once

#include "core/import_line.hpp"
#include "net/reply.hpp"
#include "net/spool.hpp"
#include "store/error.hpp"
#include "store/subject_import.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace countersign::net::service {

// A failure to write is thrown as std::system_error.
class import_report {
public:
    // One for each line that is not empty.
    void add(std::uint64_t line, core::import_line_error why);
    void add(std::uint64_t line, std::string_view subject, store::import_status status);
    void add(std::uint64_t line, std::string_view subject, store::store_error why);
    // The import ends at this line, although there may be more.
    void stop_at(std::uint64_t line);

    [[nodiscard]] bool stopped() const noexcept { return stopped_at_.has_value(); }
    // The summary, as the log has it.
    [[nodiscard]] boost::json::object summary() const;
    // Nothing may be called after it.
    [[nodiscard]] std::unique_ptr<reply_stream> finish();

private:
    struct result {
        std::uint64_t& count;
        std::string_view status, code, detail; // the latter two empty: all is well
    };
    void write(std::uint64_t line, std::string_view subject, const result& result);
    [[nodiscard]] result result_of(store::import_status status);

    spool out_;
    std::uint64_t created_ = 0, unchanged_ = 0, rejected_ = 0, failed_ = 0;
    std::optional<std::uint64_t> stopped_at_;
};

} // namespace countersign::net::service
