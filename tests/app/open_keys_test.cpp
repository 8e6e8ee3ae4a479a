#include "app/open_keys.hpp"

#include "app/system.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/store_fixture.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace countersign::app {
namespace {

namespace asio = boost::asio;

// The fingerprint of the opened keys, or what is wrong.
awaitable<std::string> open(std::filesystem::path data_dir, store::connection& redis,
                            core::random_source& random) {
    const auto opened = co_await open_keys(std::move(data_dir), redis, random);
    co_return opened ? opened->keys.fingerprint() : opened.error().sentence;
}

class OpenKeys : public tests::store_fixture {
protected:
    std::string opened(const std::filesystem::path& data_dir) {
        return run(open(data_dir, *redis, random));
    }

    tests::temporary_directory directory;
    system_random random;
};

TEST_F(OpenKeys, SameKeysAsTheData_AreOpenedAgain) {
    const auto first = opened(directory.path());
    EXPECT_EQ(first.size(), 32U) << first;
    EXPECT_EQ(opened(directory.path()), first);
}

TEST_F(OpenKeys, OtherKeysThanTheDatas_AreRefused) {
    (void)opened(directory.path());
    const tests::temporary_directory other;
    (void)key_file::load_or_create(other.path(), false, random);
    EXPECT_TRUE(opened(other.path()).starts_with("the data in Redis was made with other keys"));
}

TEST_F(OpenKeys, LostKeys_AreNotMadeAnew) {
    (void)opened(directory.path());
    std::filesystem::remove(directory.path() / "keys.json");
    EXPECT_NE(opened(directory.path()).find("keys.json is missing"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "keys.json"));
}

// Every state of keys.json in which a rotation may die leaves a server that starts.
TEST_F(OpenKeys, RotatedPepper_IsRememberedAndAFileWithoutItRefused) {
    (void)opened(directory.path());
    const auto old_text = tests::read_all(directory.path() / "keys.json");
    auto keys = *key_file::load(directory.path());
    const auto first = keys.fingerprint();
    ASSERT_TRUE(
        keys.add_next({.pepper = true}, core::jws_algorithm::hs256, random, system_clock_now()));
    ASSERT_TRUE(keys.save(directory.path()));
    EXPECT_EQ(opened(directory.path()), first); // staged
    ASSERT_TRUE(keys.activate(system_clock_now()));
    ASSERT_TRUE(keys.save(directory.path()));

    // The data does not know yet; it does from here on.
    EXPECT_EQ(opened(directory.path()), keys.fingerprint());
    const auto new_text = tests::read_all(directory.path() / "keys.json");
    directory.write("keys.json", old_text);
    EXPECT_TRUE(opened(directory.path()).starts_with("the data in Redis was made with other keys"));

    // Nor without the old one, until that is retired.
    for (const auto& key : keys.describe())
        if (key.state == key_state::old) {
            ASSERT_TRUE(keys.drop(key.ring, key.id));
        }
    ASSERT_TRUE(keys.save(directory.path()));
    EXPECT_TRUE(opened(directory.path()).starts_with("the data in Redis was made with other keys"));
    ASSERT_TRUE(run(remember_peppers(*redis, keys)));
    EXPECT_EQ(opened(directory.path()), keys.fingerprint());
    directory.write("keys.json", new_text);
    EXPECT_EQ(opened(directory.path()), keys.fingerprint()); // the old one is there in vain
}

} // namespace
} // namespace countersign::app
