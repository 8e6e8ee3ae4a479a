#include "tests/chaos/soak/progress_line.hpp"

#include <cstdio>
#include <string>
#include <unistd.h>

namespace countersign::tests {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds line_interval{10};
constexpr std::chrono::milliseconds bar_interval{200};
constexpr std::size_t bar_width = 30;

} // namespace

progress_line::progress_line(int rounds)
    : rounds_(rounds), terminal_(::isatty(STDOUT_FILENO) != 0), begin_(clock::now()) {}

void progress_line::show(int round, std::size_t changes, std::size_t mails) {
    const auto now = clock::now();
    if (now < next_ && round != rounds_) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(bar_interval)
                             : std::chrono::milliseconds(line_interval));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - begin_).count();
    if (!terminal_) {
        std::printf("%5lld s  round %d of %d, %zu changes, %zu mails\n",
                    static_cast<long long>(seconds), round, rounds_, changes, mails);
        return;
    }
    const auto done =
        bar_width * static_cast<std::size_t>(round) / static_cast<std::size_t>(rounds_);
    std::printf("\r[%s%s] %d/%d  %zu changes  %zu mails  %lld s", std::string(done, '#').c_str(),
                std::string(bar_width - done, '.').c_str(), round, rounds_, changes, mails,
                static_cast<long long>(seconds));
    std::fflush(stdout);
}

void progress_line::say(const char* what) {
    std::printf("%s%s\n", terminal_ ? "\n" : "", what);
}

} // namespace countersign::tests
