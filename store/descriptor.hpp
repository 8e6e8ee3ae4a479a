// An owned file descriptor: closed when its owner goes.
#pragma once

#include <unistd.h>

#include <utility>

namespace countersign::store {

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int value) noexcept : value_(value) {} // takes ownership; -1: none
    ~descriptor() {
        if (value_ >= 0) ::close(value_);
    }
    descriptor(descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }

    [[nodiscard]] int get() const noexcept { return value_; }
    [[nodiscard]] explicit operator bool() const noexcept { return value_ >= 0; }

private:
    int value_ = -1;
};

} // namespace countersign::store
