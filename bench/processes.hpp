// Processes that a benchmark starts or looks at: what they use of the machine, and their end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace countersign::bench {

// Seconds of processor time so far; 0 for a process that is gone.
[[nodiscard]] double processor_seconds(pid_t process);
[[nodiscard]] double thread_processor_seconds(); // of the calling thread
// Bytes of memory that it holds now; 0 for a process that is gone.
[[nodiscard]] std::uint64_t resident_bytes(pid_t process);
// Keeps every thread that it has to one processor.
void pin_to_processor(pid_t process, unsigned processor);
// Between 0 and 1: how much of all processors was in use during the next `seconds`.
[[nodiscard]] double machine_load(double seconds);
// Raises the number of open files as far as the machine allows; what it is then.
std::size_t raise_open_files();

// A program of its own. It dies with us, and with this object.
class child_process {
public:
    // `words[0]` is looked up on the PATH. Its standard output is read through this object, its
    // standard error goes to `log`, or nowhere.
    explicit child_process(std::vector<std::string> words, const std::filesystem::path& log = {});
    ~child_process(); // SIGTERM, then SIGKILL
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    [[nodiscard]] pid_t process() const noexcept { return process_; }
    // Throws std::runtime_error if it ends, or says nothing for so long.
    [[nodiscard]] std::string read_line(int patience_s);
    // Everything until it ends; throws if it fails or takes longer.
    [[nodiscard]] std::string read_all(int patience_s);

private:
    bool receive(int patience_ms); // false: nothing more will come
    std::string name_;
    pid_t process_ = 0;
    int output_ = -1;
    std::string received_;
};

[[nodiscard]] bool is_on_the_path(const std::string& program);

// A directory that is removed with the object.
class scratch_directory {
public:
    scratch_directory();
    ~scratch_directory();
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace countersign::bench
