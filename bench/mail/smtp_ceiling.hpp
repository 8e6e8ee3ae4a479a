// What a sink takes at the most: clients that do nothing but hand in the same mail over and over,
// with the commands that the notifier sends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace countersign::bench {

// Mails a second over so many connections, a thread each. Throws std::runtime_error if the sink
// does not answer as expected.
[[nodiscard]] double measure_smtp_ceiling(std::uint16_t port, std::size_t connections,
                                          const std::string& message,
                                          std::chrono::milliseconds duration);

} // namespace countersign::bench
