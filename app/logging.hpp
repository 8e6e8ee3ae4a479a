// The log: lines on the standard error, written by a thread of its own so that no request waits for
// a terminal or a pipe. Everyone logs through spdlog's default logger.
#pragma once

#include "app/settings.hpp"

#include <memory>

namespace spdlog {
class formatter;
namespace details {
class thread_pool;
}
} // namespace spdlog

namespace countersign::app {

// Set up in the constructor, flushed and ended in the destructor, after which messages are written
// directly. The queue is bounded: if the reader of the standard error is too slow, the oldest
// messages are dropped.
class logging {
public:
    explicit logging(const log_settings& how);
    ~logging();
    logging(const logging&) = delete;
    logging& operator=(const logging&) = delete;

private:
    log_settings how_;
    std::shared_ptr<spdlog::details::thread_pool> queue_;
};

// One message is one line, whatever is in it: control characters are escaped, and what is not UTF-8
// is replaced, so that a stranger's bytes cannot forge a line.
[[nodiscard]] std::unique_ptr<spdlog::formatter> make_line_formatter(log_format format);

} // namespace countersign::app
