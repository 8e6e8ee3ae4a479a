// Small files that hold secrets: read with their owner and mode, written once, whole, and on disk.
#pragma once

#include "app/problem.hpp"
#include "core/crypto/secret.hpp"

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <sys/types.h>

namespace countersign::app {

struct file_content {
    core::secret_string text;
    uid_t owner;
    mode_t mode; // permission bits only

    // Whether the mode gives the group or the rest of the world anything.
    [[nodiscard]] bool accessible_to_others() const noexcept { return (mode & 077) != 0; }
};

// The whole of a regular file. Owner and mode are of the file that was read, not of its name.
[[nodiscard]] fallible<file_content> read_file(const std::filesystem::path& path,
                                               std::size_t size_max_bytes);

// Writes a new file with mode 0600, or does nothing and says false if one of that name is there:
// nobody ever sees half of it, also after a power cut.
[[nodiscard]] fallible<bool> write_new_file(const std::filesystem::path& path,
                                            std::string_view text);

// Puts a file with mode 0600 in the place of the one of that name: whoever reads it, also after a
// power cut, finds the old one or the new one, whole.
[[nodiscard]] fallible<void> replace_file(const std::filesystem::path& path, std::string_view text);

} // namespace countersign::app
