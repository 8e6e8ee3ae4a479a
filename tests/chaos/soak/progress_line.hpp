// How far a soak is: a bar on a terminal, elsewhere a line every ten seconds.
#pragma once

#include <chrono>
#include <cstddef>

namespace countersign::tests {

class progress_line {
public:
    explicit progress_line(int rounds);
    void show(int round, std::size_t changes, std::size_t mails);
    void say(const char* what); // on a line of its own

private:
    int rounds_;
    bool terminal_;
    std::chrono::steady_clock::time_point begin_, next_{};
};

} // namespace countersign::tests
