// What the system says of this process, for the metrics (proc(5)). What cannot be read is 0.
#pragma once

#include <cstdint>

namespace countersign::app {

struct process_figures {
    double start_time_seconds = 0; // Unix time, to a hundredth
    double processor_seconds = 0;  // user and system
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_descriptors = 0;
    std::uint64_t descriptors_max = 0; // the soft limit
};

[[nodiscard]] process_figures read_process_figures();

} // namespace countersign::app
