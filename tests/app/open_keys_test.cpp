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
asio::awaitable<std::string> open(std::filesystem::path data_dir, store::connection& redis,
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

} // namespace
} // namespace countersign::app
