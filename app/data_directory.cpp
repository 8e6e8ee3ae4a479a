#include "app/data_directory.hpp"

#include "store/file_lock.hpp"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace countersign::app {

namespace {

// A server that just ended, or a child between fork and exec, may hold the lock a moment longer.
constexpr std::chrono::milliseconds patience{300};

// What the holder wrote into the lock's file; for the error's text only.
std::string holder_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    int process_id = 0;
    return in >> process_id ? "process " + std::to_string(process_id) : "another process";
}

} // namespace

fallible<void> prepare_data_directory(const std::filesystem::path& data_dir) {
    const auto name = data_dir.string();
    std::error_code error;
    // A path such as `data/` has an empty last part, whose parent is the directory itself.
    const auto path = data_dir.has_filename() ? data_dir : data_dir.parent_path();
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
    if (error)
        return system_problem("data_dir: cannot make", path.parent_path().string(), error.value());
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return system_problem("data_dir: cannot make", name, errno);

    struct stat status{};
    if (::stat(path.c_str(), &status) != 0)
        return system_problem("data_dir: cannot use", name, errno);
    if (!S_ISDIR(status.st_mode)) return problem{"data_dir: " + name + " is not a directory"};
    if (status.st_uid != ::geteuid())
        return problem{"data_dir: " + name +
                       " belongs to another user (chown it to the user who runs "
                       "countersign)"};
    if ((status.st_mode & 022) != 0)
        return problem{"data_dir: others than its owner can write to " + name + ": chmod 700 " +
                       name};
    return {};
}

fallible<server_lock> server_lock::acquire(const std::filesystem::path& data_dir) try {
    const auto path = data_dir / "server.lock";
    auto file = store::lock_file(path, patience);
    if (!file)
        return problem{holder_of(path) + " already serves from " + data_dir.string() +
                       " (it holds " + path.string() + ")"};
    const auto holder = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), holder.data(), holder.size(), 0) !=
                                               static_cast<ssize_t>(holder.size()))
        return system_problem("cannot write", path.string(), errno);
    return server_lock(std::move(file));
} catch (const std::system_error& error) {
    return problem{std::string("cannot lock ") + error.what()};
}

fallible<notifier_slot> notifier_slot::acquire(const std::filesystem::path& data_dir) try {
    for (int number = 1; number <= count; ++number) {
        auto file = store::lock_file(data_dir / ("notify-" + std::to_string(number) + ".lock"),
                                     std::chrono::milliseconds(0));
        if (file) return notifier_slot(std::move(file), number);
    }
    return problem{std::to_string(count) + " notifiers already run on data_dir " +
                   data_dir.string()};
} catch (const std::system_error& error) {
    return problem{std::string("cannot lock ") + error.what()};
}

} // namespace countersign::app
