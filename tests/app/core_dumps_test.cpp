// A core dump would hold keys, passwords and codes.
#include "app/core_dumps.hpp"
#include "tests/support/server_process.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace countersign::app {
namespace {

// What a process may raise its limit to; 0 is this one.
rlim_t highest_limit(pid_t process) {
    rlimit limit{};
    EXPECT_EQ(::prlimit(process, RLIMIT_CORE, nullptr, &limit), 0);
    EXPECT_LE(limit.rlim_cur, limit.rlim_max);
    return limit.rlim_max;
}

TEST(CoreDumps, AreForbiddenByDefault_AndToTheManagedRedis) {
    const tests::server_process server(COUNTERSIGN_PROGRAM);
    EXPECT_EQ(highest_limit(server.process()), 0U);
    EXPECT_EQ(highest_limit(server.redis_process()), 0U);
}

TEST(CoreDumps, WhereTheyAreAllowed_TheLimitStaysAsItWas) {
    const tests::server_process server(COUNTERSIGN_PROGRAM, {{"core_dumps", "true"}});
    EXPECT_EQ(highest_limit(server.process()), highest_limit(0));
}

// Whatever the pattern for core files is: a pipe in it does not heed the limit.
TEST(CoreDumpsDeathTest, Forbidden_TheProcessIsNotDumpable) {
    EXPECT_EXIT(
        {
            forbid_core_dumps();
            std::exit(::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace countersign::app
