#include "app/key_command.hpp"

#include "store/managed_redis.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/store_fixture.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace countersign::app {
namespace {

class KeyCommand : public ::testing::Test {
protected:
    KeyCommand() { all.data_dir = directory.path() / "data"; }

    // What it printed, or the error.
    std::string run(invocation call) {
        std::ostringstream out;
        const auto done = run_key_command(call, all, out);
        return done ? out.str() : "error: " + done.error().sentence;
    }
    std::string create(std::string name, std::string scopes) {
        return run({.what = command::key_create,
                    .file = {},
                    .flags = {},
                    .key_name = std::move(name),
                    .key_scopes = std::move(scopes),
                    .key_id = {}});
    }
    std::string list() {
        return run({.what = command::key_list,
                    .file = {},
                    .flags = {},
                    .key_name = {},
                    .key_scopes = {},
                    .key_id = {}});
    }
    std::string revoke(std::string id) {
        return run({.what = command::key_revoke,
                    .file = {},
                    .flags = {},
                    .key_name = {},
                    .key_scopes = {},
                    .key_id = std::move(id)});
    }

    tests::temporary_directory directory;
    settings all;
};

TEST_F(KeyCommand, WithoutAServer_KeysAreKeptFromRunToRun) {
    const auto key = create("shop", "verify,manage");
    ASSERT_TRUE(key.starts_with("csk_")) << key;
    EXPECT_EQ(key.size(), 48U);

    const auto table = list();
    EXPECT_TRUE(table.starts_with("ID                NAME  SCOPES         CREATED\n")) << table;
    EXPECT_NE(table.find("  shop  verify,manage  20"), std::string::npos) << table;
    EXPECT_EQ(table.find(key.substr(4, 43)), std::string::npos);

    const auto id = table.substr(table.find('\n') + 1, 16);
    EXPECT_EQ(revoke(id), "");
    EXPECT_EQ(list().find("shop"), std::string::npos);
    EXPECT_EQ(revoke(id), "error: there is no service key " + id);
}

TEST_F(KeyCommand, BesideARunningServer_UsesItsRedis) {
    std::filesystem::create_directory(all.data_dir);
    std::filesystem::permissions(all.data_dir, std::filesystem::perms::owner_all);
    const store::managed_redis server({.directory = all.data_dir / "redis"});
    const auto process = server.process_id();

    EXPECT_TRUE(create("shop", "verify").starts_with("csk_"));
    EXPECT_NE(list().find("shop"), std::string::npos);
    EXPECT_EQ(server.process_id(), process);
}

TEST_F(KeyCommand, ACorruptEntry_IsSaidSo) {
    ASSERT_TRUE(create("shop", "verify").starts_with("csk_"));
    {
        const store::managed_redis server({.directory = all.data_dir / "redis"});
        boost::asio::io_context context(1);
        tests::test_connection redis(context, {.address = server.address()});
        std::vector<std::string> spoil{"HSET", "cs:keys", "0011", "{}"};
        ASSERT_TRUE(tests::run_coroutine(context, redis->command(std::move(spoil))));
    }
    const std::string sentence =
        "error: the entry of a service key in Redis is corrupt: the line in the log says which";
    EXPECT_EQ(list(), sentence);
    EXPECT_EQ(revoke("0011"), sentence);
}

TEST_F(KeyCommand, BadNamesAndScopes_AreRefusedBeforeAnythingIsMade) {
    EXPECT_TRUE(create("shop", "verify,admin").starts_with("error: --scopes: there is no scope"));
    EXPECT_TRUE(create("", "verify").starts_with("error: --name must be"));
    EXPECT_TRUE(create("a\nb", "verify").starts_with("error: --name must be"));
    EXPECT_FALSE(std::filesystem::exists(all.data_dir));
}

} // namespace
} // namespace countersign::app
