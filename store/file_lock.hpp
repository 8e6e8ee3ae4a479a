// Locks on files (flock) that live as long as any process has the descriptor, so that a lock which
// a child inherited tells whether that child still runs, whoever its parent was.
#pragma once

#include "store/descriptor.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace countersign::store {

// Locks the file, making it with mode 0600. An empty descriptor: somebody still holds the lock
// after `patience`. Throws std::system_error if the file cannot be opened. The descriptor is not
// inherited over exec.
[[nodiscard]] descriptor lock_file(const std::filesystem::path& file,
                                   std::chrono::milliseconds patience);

struct leftover_policy {
    std::string program;             // only processes of this name are ended, e.g. "redis-server"
    std::chrono::milliseconds grace; // between SIGTERM and SIGKILL
};
// Locks the file, ending those who hold it first: found by their open descriptors in /proc, and
// only if they run `program`. Throws std::runtime_error with a sentence for the operator if the
// lock does not come free within ten seconds of the SIGKILL.
[[nodiscard]] descriptor lock_ending_leftovers(const std::filesystem::path& file,
                                               const leftover_policy& policy);

} // namespace countersign::store
