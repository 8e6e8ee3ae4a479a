#include "app/key_file.hpp"

#include "app/system.hpp"
#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace countersign::app {
namespace {

using tests::read_all;
using tests::temporary_directory;

class KeyFile : public ::testing::Test {
protected:
    fallible<key_file> load(bool data_exists = false) {
        return key_file::load_or_create(directory.path(), data_exists, random);
    }
    std::string error() {
        const auto keys = load();
        return keys ? "" : keys.error().sentence;
    }
    // Replaces the first occurrence in the file.
    void tamper(const std::string& from, const std::string& to) {
        auto text = read_all(file);
        text.replace(text.find(from), from.size(), to);
        directory.write("keys.json", text);
    }

    temporary_directory directory;
    std::filesystem::path file = directory.path() / "keys.json";
    system_random random;
};

TEST_F(KeyFile, FirstStart_MakesAFileForItsOwnerOnly) {
    ASSERT_TRUE(load());
    EXPECT_EQ(tests::mode_of(file), 0600U);
    // Nothing else is left behind.
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

TEST_F(KeyFile, SecondStart_HasTheSameKeys) {
    const auto first = load();
    const auto before = read_all(file);
    const auto second = load(true);
    ASSERT_TRUE(first && second);

    EXPECT_EQ(read_all(file), before);
    EXPECT_EQ(first->fingerprint(), second->fingerprint());
    EXPECT_EQ(first->fingerprint().size(), 32U);
    EXPECT_EQ(first->code_hasher().index_key("d", "v"), second->code_hasher().index_key("d", "v"));
    const auto sealed = first->encryption_keys().seal("text", "data", random.bytes<12>());
    EXPECT_EQ(second->encryption_keys().open(sealed, "data")->reveal(), "text");
    const core::token_service issuer(first->token_keys(), "here");
    const core::token_service verifier(second->token_keys(), "here");
    const core::token_claims claims{.subject = core::account_id("user_1"),
                                    .session = core::session_id("s"),
                                    .id = "1",
                                    .issued_at = system_clock_now(),
                                    .expires_at = system_clock_now() + core::seconds(60)};
    const auto token = issuer.issue(core::token_kind::access, claims);
    EXPECT_TRUE(verifier.verify(core::token_kind::access, token, system_clock_now()));
    EXPECT_FALSE(verifier.verify(core::token_kind::refresh, token, system_clock_now()));
}

TEST_F(KeyFile, TwoDirectories_HaveDifferentKeys) {
    const temporary_directory other;
    EXPECT_NE(load()->fingerprint(),
              key_file::load_or_create(other.path(), false, random)->fingerprint());
}

TEST_F(KeyFile, MissingWhileThereIsData_IsNeverMadeAnew) {
    const auto keys = load(true);
    ASSERT_FALSE(keys);
    EXPECT_EQ(keys.error().sentence.find(file.string() + " is missing"), 0U);
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(KeyFile, AccessibleToOthers_IsRefused) {
    ASSERT_TRUE(load());
    for (const unsigned mode : {0640U, 0604U, 0620U, 0601U}) {
        std::filesystem::permissions(file, static_cast<std::filesystem::perms>(mode));
        EXPECT_EQ(error(), "others than its owner can access " + file.string() + ": chmod 600 " +
                               file.string());
    }
}

TEST_F(KeyFile, Tampered_IsRefusedWithTheFilesName) {
    ASSERT_TRUE(load());
    const auto good = read_all(file);
    const auto pepper = good.substr(good.find("\"pepper\""));
    const auto key = pepper.substr(pepper.find("\"key\":\"") + 7, 43);
    const std::vector<std::array<std::string, 2>> changes{
        {"{", ""},                        // not JSON
        {"\"format\":1", "\"format\":2"}, // of the future
        {"\"format\"", "\"farmat\""},     // without a format
        {"\"refresh\"", "\"refrosh\""},   // a ring is missing
        {"\"encryption\":[", "\"encryption\":[],\"x\":["},
        {key, key.substr(1)},                // too short
        {key, "*" + key.substr(1)},          // not base64url
        {"\"id\":\"", "\"id\":\"\xC3\xA4 "}, // not an id
        {"\"pepper\":[", "\"pepper\":[{\"id\":\"x\",\"key\":\"" + key + "\"},"}};
    for (const auto& [from, to] : changes) {
        directory.write("keys.json", good);
        tamper(from, to);
        EXPECT_TRUE(error().starts_with(file.string() + " ")) << to << ": " << error();
        EXPECT_EQ(error().find(key.substr(2)), std::string::npos);
    }
    directory.write("keys.json", "");
    EXPECT_TRUE(error().starts_with(file.string() + " "));
}

TEST_F(KeyFile, AddedKeys_VerifyWhatTheyMade) {
    const auto old = load();
    const auto sealed = old->encryption_keys().seal("text", "data", random.bytes<12>());
    tamper("\"encryption\":[",
           "\"encryption\":[{\"id\":\"new\",\"key\":\"" + std::string(43, 'A') + "\"},");

    const auto rotated = load(true);

    ASSERT_TRUE(rotated) << rotated.error().sentence;
    EXPECT_FALSE(rotated->encryption_keys().is_current(sealed));
    EXPECT_EQ(rotated->encryption_keys().open(sealed, "data")->reveal(), "text");
    EXPECT_EQ(rotated->fingerprint(), old->fingerprint());
}

TEST_F(KeyFile, AFileFromBeforeAKindOfToken_GetsItsKeysFromTheAccessRing) {
    static_cast<void>(load());
    auto text = read_all(file);
    for (const std::string_view name : {"session_cookie", "user_session"}) {
        const auto from = text.find(",\n  \"" + std::string(name));
        ASSERT_NE(from, std::string::npos);
        text.erase(from, text.find(']', from) + 1 - from);
    }
    const auto kind = core::token_kind::session_cookie;
    const core::token_claims claims{.subject = core::account_id("user_1"),
                                    .session = core::session_id("s"),
                                    .id = "1",
                                    .issued_at = system_clock_now(),
                                    .expires_at = system_clock_now() + std::chrono::hours(1)};

    directory.write("keys.json", text);
    const auto one = load(true), other = load(true);

    ASSERT_TRUE(one && other) << error();
    const core::token_service issuer(one->token_keys(), "a"), verifier(other->token_keys(), "a");
    const auto token = issuer.issue(kind, claims);
    EXPECT_TRUE(verifier.verify(kind, token, system_clock_now()));
    EXPECT_FALSE(verifier.verify(core::token_kind::access, token, system_clock_now()));
    EXPECT_FALSE(verifier.verify(core::token_kind::user_session, token, system_clock_now()));
}

TEST_F(KeyFile, Directory_InItsPlaceIsRefused) {
    std::filesystem::create_directory(file);
    EXPECT_EQ(error(), file.string() + " is not a regular file");
}

TEST_F(KeyFile, DanglingLink_IsNotFollowedToMakeKeysElsewhere) {
    std::filesystem::create_symlink(directory.path() / "elsewhere", file);
    EXPECT_NE(error(), "");
    EXPECT_FALSE(std::filesystem::exists(directory.path() / "elsewhere"));
}

} // namespace
} // namespace countersign::app
