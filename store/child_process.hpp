// One child process: started clean of everything that is ours, ended with us, watched by a pidfd.
#pragma once

#include "store/descriptor.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace countersign::store {

struct child_options {
    std::filesystem::path program;      // a path: PATH is not searched
    std::vector<std::string> arguments; // without the program's name
    std::filesystem::path working_directory;
    int inherited = -1; // the child has this descriptor as number 3
    int output = -1;    // the child's standard output and error
};

// The child gets an empty environment, a session of its own (a Ctrl-C on our terminal is not its),
// umask 077, no descriptors but the ones named, and SIGTERM when the thread that made it ends: that
// thread must live as long as the child should. Members are called on one thread.
class child_process {
public:
    explicit child_process(const child_options& options); // throws std::system_error
    ~child_process();                                     // kills and reaps if it still runs
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    [[nodiscard]] int process_id() const noexcept { return process_id_; }
    // Readable once the child has ended.
    [[nodiscard]] int ended_descriptor() const noexcept { return process_.get(); }
    void signal(int number) noexcept;
    // How the child ended, in words; nothing if it still runs after `patience`.
    [[nodiscard]] std::optional<std::string> wait(std::chrono::milliseconds patience);

private:
    int process_id_ = -1;
    descriptor process_;
    std::optional<std::string> ending_;
};

// The program's path: as given if it has a slash, else from PATH. Empty: not found.
[[nodiscard]] std::filesystem::path find_program(const std::string& name);

} // namespace countersign::store
