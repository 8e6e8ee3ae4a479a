#include "app/data_directory.hpp"

#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <unistd.h>

namespace countersign::app {
namespace {

using tests::mode_of;
using tests::temporary_directory;

void change_mode(const std::filesystem::path& path, unsigned mode) {
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

TEST(DataDirectory, MissingOne_IsMadeWithItsParentsForItsOwnerOnly) {
    const temporary_directory parent;
    for (const auto* name : {"a/b/data", "c/", "d"}) {
        EXPECT_TRUE(prepare_data_directory(parent.path() / name)) << name;
        EXPECT_EQ(mode_of(parent.path() / name), 0700U) << name;
    }
}

TEST(DataDirectory, WritableByOthers_IsRefused) {
    const temporary_directory directory;
    for (const unsigned mode : {0700U, 0750U, 0755U}) {
        change_mode(directory.path(), mode);
        EXPECT_TRUE(prepare_data_directory(directory.path())) << mode;
    }
    for (const unsigned mode : {0770U, 0720U, 0702U, 0777U}) {
        change_mode(directory.path(), mode);
        const auto prepared = prepare_data_directory(directory.path());
        ASSERT_FALSE(prepared) << mode;
        EXPECT_NE(prepared.error().sentence.find("chmod 700 " + directory.path().string()),
                  std::string::npos);
    }
}

TEST(DataDirectory, FileInItsPlace_IsRefused) {
    const temporary_directory parent;
    const auto file = parent.write("data", "");
    EXPECT_FALSE(prepare_data_directory(file));
    EXPECT_FALSE(prepare_data_directory(file / "below"));
}

TEST(ServerLock, SecondServer_IsToldWhoHoldsIt) {
    const temporary_directory directory;
    auto first = server_lock::acquire(directory.path());
    ASSERT_TRUE(first) << first.error().sentence;

    const auto second = server_lock::acquire(directory.path());

    ASSERT_FALSE(second);
    EXPECT_TRUE(second.error().sentence.starts_with("process " + std::to_string(::getpid()) +
                                                    " already serves from "))
        << second.error().sentence;
}

TEST(ServerLock, GivenBack_CanBeTakenAgain) {
    const temporary_directory directory;
    EXPECT_TRUE(server_lock::acquire(directory.path()));
    EXPECT_TRUE(server_lock::acquire(directory.path()));
}

TEST(ServerLock, DirectoryThatIsNotThere_IsAnError) {
    EXPECT_FALSE(server_lock::acquire("/nowhere"));
}

} // namespace
} // namespace countersign::app
