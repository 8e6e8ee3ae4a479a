// What stands in the memory of another process of the same user: every page of its readable and
// writable mappings that is there (proc(5): maps, pagemap, mem). Throws std::runtime_error if the
// process may not be looked at.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace countersign::tests {

// Bytes to look for, and what they are, for a person who reads of a find.
struct wanted_bytes {
    std::string what;
    std::string bytes; // at least wanted_bytes_min
};
inline constexpr std::size_t wanted_bytes_min = 6;

// A text as it may stand in memory: itself, base64 and base64url whatever stands before it,
// percent-encoded where it has to be and at every letter, and base32.
[[nodiscard]] std::vector<wanted_bytes> forms_of(const std::string& what, const std::string& text);

// One line for each find: what, in which mapping, and the bytes around it, printable ones as they
// are.
[[nodiscard]] std::vector<std::string> find_in_memory(pid_t process,
                                                      const std::vector<wanted_bytes>& wanted);

} // namespace countersign::tests
