// A reply of any length on its way to the client: written to a temporary file, then sent from it.
#pragma once

#include "net/reply.hpp"
#include "store/descriptor.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace countersign::net {

// The file has no name (0600 while it had one), so nothing is left of it when its owner or the
// process goes. Writing blocks like any file does: for what is small beside the work that it
// reports. Failures are thrown as std::system_error, whose text names no path.
class spool {
public:
    // Makes the file, in `directory` or, if that is empty, in the system's (TMPDIR, or /tmp).
    explicit spool(const std::filesystem::path& directory = {});

    // In pieces of any size. After a failure nothing but the destructor may be called.
    void append(std::string_view text);
    // Bytes appended so far.
    [[nodiscard]] std::uint64_t size() const noexcept { return written_ + pending_.size(); }

    // What was appended, as the content of a reply. Nothing may be called after it.
    [[nodiscard]] std::unique_ptr<reply_stream> finish();

private:
    void flush();

    store::descriptor file_;
    std::uint64_t written_ = 0;
    std::string pending_; // appended, and not yet in the file
};

} // namespace countersign::net
