// A command of the program as a real process, with its standard streams in the test's hands.
// Throws std::runtime_error if it cannot be started or does not end.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace countersign::tests {

class program_run {
public:
    // Its standard input is a pipe from write().
    program_run(const std::filesystem::path& program, std::vector<std::string> words);
    // SIGKILL if it still runs.
    ~program_run();
    program_run(const program_run&) = delete;
    program_run& operator=(const program_run&) = delete;

    // Throws if it has ended.
    void write(std::string_view input);
    // The end of its standard input.
    void finish_input();
    // SIGINT and the like.
    void signal(int number) const;

    struct ending {
        int status = 0;          // its exit status, or 128 and the signal that ended it
        std::string out, errors; // all that it wrote
    };
    // Ends the input if that is still open.
    [[nodiscard]] ending wait(std::chrono::milliseconds deadline = std::chrono::seconds(60));

    [[nodiscard]] pid_t process() const noexcept { return process_; }

private:
    std::filesystem::path directory_; // of what it wrote
    int input_ = -1;
    pid_t process_ = 0; // 0: has ended
};

// The most memory that a process has had so far, in KiB (proc(5), VmHWM).
[[nodiscard]] long peak_memory_kib(pid_t process);

} // namespace countersign::tests
