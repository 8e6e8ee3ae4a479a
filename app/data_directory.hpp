// The directory that holds the keys, the managed Redis and the mails: who may enter it, and that
// only one server uses it at a time.
#pragma once

#include "app/problem.hpp"
#include "store/descriptor.hpp"

#include <filesystem>
#include <utility>

namespace countersign::app {

// Makes the directory (mode 0700) and its parents if missing. Refuses one of another owner, or that
// others may write to; what is in it is closed to others by its own mode.
[[nodiscard]] fallible<void> prepare_data_directory(const std::filesystem::path& data_dir);

// Held by `serve` as long as it lives; the kernel lets go of it even when the process is killed.
// Children do not inherit it.
class server_lock {
public:
    // The error names the process that holds the lock.
    [[nodiscard]] static fallible<server_lock> acquire(const std::filesystem::path& data_dir);

private:
    explicit server_lock(store::descriptor file) noexcept : file_(std::move(file)) {}

    store::descriptor file_;
};

// One of a few numbers that tell the notifiers of one data directory apart; held as long as the
// process lives, and the lowest free one is taken, so that a restarted notifier has its old number.
class notifier_slot {
public:
    [[nodiscard]] static fallible<notifier_slot> acquire(const std::filesystem::path& data_dir);
    [[nodiscard]] int number() const noexcept { return number_; }

    static constexpr int count = 32;

private:
    notifier_slot(store::descriptor file, int number) noexcept
        : file_(std::move(file)), number_(number) {}

    store::descriptor file_;
    int number_;
};

} // namespace countersign::app
