#include "app/redis_access.hpp"

#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

namespace countersign::app {
namespace {

using tests::temporary_directory;

settings settings_of(const std::filesystem::path& data_dir) {
    settings all;
    all.data_dir = data_dir;
    return all;
}

// One of its own, started in the moment in which the server's is down, would keep the next server
// from its data for as long as the notifier runs.
TEST(RedisAccess, JoinOnlyWithoutARunningRedis_IsAProblemAndStartsNone) {
    const temporary_directory directory;
    const auto reached = reach_redis(settings_of(directory.path()), when_running::join_only);
    ASSERT_TRUE(reached.has_error());
    EXPECT_NE(reached.error().sentence.find("countersign serve"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "redis"));
}

TEST(RedisAccess, JoinOnlyBesideARunningRedis_UsesIt) {
    const temporary_directory directory;
    const auto all = settings_of(directory.path());
    const auto server = reach_redis(all, when_running::take_over);
    ASSERT_TRUE(server.has_value());
    const auto reached = reach_redis(all, when_running::join_only);
    ASSERT_TRUE(reached.has_value());
    EXPECT_EQ(reached->child, nullptr);
    EXPECT_EQ(reached->address.unix_socket, server->address.unix_socket);
}

} // namespace
} // namespace countersign::app
