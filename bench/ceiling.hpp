// The ceiling: a Beast server that parses a request and answers with a fixed body. Nothing is
// checked and nothing is stored; no server on Beast can be faster on this machine. With the
// allocator of the program that it is part of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace countersign::bench {

class ceiling {
public:
    // Listens on 127.0.0.1 with one event loop per thread.
    ceiling(std::size_t threads, std::size_t body_size);
    ~ceiling();
    ceiling(const ceiling&) = delete;
    ceiling& operator=(const ceiling&) = delete;
    [[nodiscard]] std::uint16_t port() const noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::bench
