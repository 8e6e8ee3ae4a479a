#include "app/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace countersign::app {

namespace {

// Ticks since the system started: the 22nd field, 20th behind the command in parentheses.
double start_in_ticks() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    const auto command_end = line.rfind(')');
    if (command_end == std::string::npos) return 0;
    std::istringstream rest(line.substr(command_end + 1));
    const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
    return fields.size() > 19 ? std::stod(fields[19]) : 0;
}

double system_start_seconds() {
    std::ifstream file("/proc/stat");
    for (std::string name; file >> name; std::getline(file, name)) {
        if (name != "btime") continue;
        double seconds = 0;
        file >> seconds;
        return seconds;
    }
    return 0;
}

std::uint64_t resident_pages() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident;
}

std::uint64_t count_descriptors() {
    std::error_code error;
    std::filesystem::directory_iterator each("/proc/self/fd", error);
    std::uint64_t count = 0;
    for (; !error && each != std::filesystem::directory_iterator(); each.increment(error))
        ++count;
    return count > 0 ? count - 1 : 0; // without the one that reads the directory
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

} // namespace

process_figures read_process_figures() {
    // It does not change, and the system's own start time is only known to a second.
    static const double start =
        system_start_seconds() + start_in_ticks() / static_cast<double>(::sysconf(_SC_CLK_TCK));
    process_figures figures{.start_time_seconds = start,
                            .resident_bytes =
                                resident_pages() * static_cast<std::uint64_t>(::getpagesize()),
                            .open_descriptors = count_descriptors()};
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0)
        figures.processor_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.descriptors_max = limit.rlim_cur;
    return figures;
}

} // namespace countersign::app
