#include "app/progress.hpp"

#include "store/descriptor.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace countersign::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr progress half_way{
    .bytes_done = 500, .bytes_total = 1000, .created = 1200, .unchanged = 10, .rejected = 3};

TEST(Progress, WithATotal_HasPercentRateAndTimeLeft) {
    EXPECT_EQ(format_progress(half_way, seconds(10), 80),
              " 50 %  created 1200, unchanged 10, rejected 3  121/s  0:10 left");
}

TEST(Progress, OfAPipe_HasTheSizeReadAndNoTimeLeft) {
    auto state = half_way;
    state.bytes_total.reset();
    EXPECT_EQ(format_progress(state, seconds(10), 80),
              "500 B  created 1200, unchanged 10, rejected 3  121/s");
    state.bytes_done = 5'300'000'000;
    EXPECT_EQ(format_progress(state, milliseconds(0), 80),
              "5054 MiB  created 1200, unchanged 10, rejected 3");
}

TEST(Progress, AtTheEnds_IsNothingOddly) {
    EXPECT_EQ(format_progress({.bytes_total = 1000}, milliseconds(0), 80),
              "  0 %  created 0, unchanged 0, rejected 0");
    EXPECT_EQ(format_progress({.bytes_total = 1000}, seconds(5), 80),
              "  0 %  created 0, unchanged 0, rejected 0  0/s");
    EXPECT_EQ(format_progress({.bytes_total = 0}, seconds(5), 80),
              "100 %  created 0, unchanged 0, rejected 0  0/s");
    // A file that grew while it was read.
    EXPECT_EQ(
        format_progress({.bytes_done = 1100, .bytes_total = 1000, .created = 9}, seconds(3), 80),
        "100 %  created 9, unchanged 0, rejected 0  3/s  0:00 left");
    EXPECT_EQ(format_progress(half_way, seconds(-1), 80),
              " 50 %  created 1200, unchanged 10, rejected 3");
    EXPECT_EQ(format_progress({.bytes_done = std::uint64_t(1) << 62U,
                               .bytes_total = std::uint64_t(1) << 63U,
                               .created = 1},
                              seconds(7200), 80),
              " 50 %  created 1, unchanged 0, rejected 0  0/s  2:00:00 left");
}

TEST(Progress, IsCutToTheColumns) {
    EXPECT_EQ(format_progress(half_way, seconds(10), 12), " 50 %  creat");
    EXPECT_EQ(format_progress(half_way, seconds(10), 0), "");
}

// A terminal: what is written to `line` can be read back.
class terminal {
public:
    explicit terminal(unsigned short columns)
        : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        if (!master_ || ::grantpt(master_.get()) != 0 || ::unlockpt(master_.get()) != 0)
            throw std::runtime_error("no terminal to test with");
        line_ = store::descriptor(
            ::open(::ptsname(master_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC)); // NOLINT: one thread
        winsize size{};
        size.ws_col = columns;
        size.ws_row = 24;
        if (!line_ || ::ioctl(line_.get(), TIOCSWINSZ, &size) != 0)
            throw std::runtime_error("no terminal to test with");
    }
    [[nodiscard]] int line() const noexcept { return line_.get(); }
    // What was written since the last call. The kernel passes it on when it has time, so a mark is
    // written behind it and waited for.
    [[nodiscard]] std::string shown() const {
        constexpr char mark = '\x06';
        if (::write(line_.get(), &mark, 1) != 1)
            throw std::runtime_error("a terminal that is full");
        std::string text;
        for (char byte = 0; ::read(master_.get(), &byte, 1) == 1 && byte != mark;)
            text += byte;
        return text;
    }

private:
    store::descriptor master_, line_;
};

const progress_line::clock::time_point begin = progress_line::clock::now();

TEST(ProgressLine, OnATerminal_IsDrawnTenTimesASecondAtMost) {
    const terminal screen(80);
    progress_line line(screen.line(), begin);
    line.update(half_way, begin);
    EXPECT_EQ(screen.shown(), "\r\x1b[K 50 %  created 1200, unchanged 10, rejected 3");
    int drawn = 0;
    for (int ms = 1; ms <= 1000; ++ms) {
        line.update(half_way, begin + milliseconds(ms));
        drawn += screen.shown().empty() ? 0 : 1;
    }
    EXPECT_EQ(drawn, 10);
}

TEST(ProgressLine, Cleared_LeavesAnEmptyLine) {
    const terminal screen(80);
    {
        progress_line line(screen.line(), begin);
        line.clear();
        EXPECT_EQ(screen.shown(), ""); // nothing is there to clear
        line.update(half_way, begin);
        line.clear();
        EXPECT_TRUE(screen.shown().ends_with("\r\x1b[K"));
        line.update(half_way, begin + milliseconds(99));
        EXPECT_EQ(screen.shown(), "");
        line.update(half_way, begin + milliseconds(100));
        EXPECT_NE(screen.shown(), "");
    }
    EXPECT_EQ(screen.shown(), "\r\x1b[K");
}

TEST(ProgressLine, OnANarrowTerminal_DoesNotWrap) {
    const terminal screen(20);
    progress_line line(screen.line(), begin);
    line.update(half_way, begin);
    EXPECT_EQ(screen.shown(), "\r\x1b[K 50 %  created 1200");
}

TEST(ProgressLine, OnAPipe_WritesNothing) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    const store::descriptor out(ends[0]), in(ends[1]);
    {
        progress_line line(in.get(), begin);
        line.update(half_way, begin);
    }
    char byte = 0;
    EXPECT_EQ(::read(out.get(), &byte, 1), -1);
}

} // namespace
} // namespace countersign::app
