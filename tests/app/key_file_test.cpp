#include "app/key_file.hpp"

#include "app/system.hpp"
#include "tests/app/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <unistd.h>

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
        {"\"format\":2", "\"format\":3"}, // of the future
        {"\"format\"", "\"farmat\""},     // without a format
        {"\"refresh\"", "\"refrosh\""},   // a ring is missing
        {"\"encryption\":[", "\"encryption\":[],\"x\":["},
        {key, key.substr(1)},                // too short
        {key, "*" + key.substr(1)},          // not base64url
        {"\"id\":\"", "\"id\":\"\xC3\xA4 "}, // not an id
        {"\"pepper\":[", "\"pepper\":[{\"id\":\"x\",\"unnamed\":true,\"key\":\"" + key + "\"},"},
        {"\"pepper\":[", "\"pepper\":[{\"id\":\"x\",\"next\":true,\"key\":\"" + key + "\"},"},
        {"\"refresh\":[", "\"refresh\":[{\"id\":\"x\",\"alg\":\"EdDSA\",\"key\":\"" + key + "\"},"},
        {"\"access\":[", "\"access\":[{\"id\":\"x\",\"alg\":\"none\",\"key\":\"" + key + "\"},"}};
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

class RotatedKeyFile : public KeyFile {
protected:
    static constexpr key_groups all{.tokens = true, .encryption = true, .pepper = true};
    static constexpr core::unix_time then{core::seconds(1'800'000'000)};

    key_file fresh() {
        auto made = load();
        EXPECT_TRUE(made);
        return *std::move(made);
    }
    key_file stage(core::jws_algorithm access = core::jws_algorithm::hs256) {
        auto keys = fresh();
        EXPECT_TRUE(keys.add_next(all, access, random, then));
        return keys;
    }
    static std::string token_of(const key_file& keys) {
        const core::token_service issuer(keys.token_keys(), "here");
        return issuer.issue(core::token_kind::access, {.subject = core::account_id("user_1"),
                                                       .session = core::session_id("s"),
                                                       .id = "1",
                                                       .issued_at = then,
                                                       .expires_at = then + core::seconds(60)});
    }
    static bool verifies(const key_file& keys, const std::string& token) {
        const core::token_service verifier(keys.token_keys(), "here");
        return verifier.verify(core::token_kind::access, token, then).has_value();
    }
    static std::size_t old_keys_of(const key_file& keys) {
        const auto all_of_them = keys.describe();
        return static_cast<std::size_t>(
            std::ranges::count(all_of_them, key_state::old, &key_description::state));
    }
};

TEST_F(RotatedKeyFile, SavedAndRead_ItIsTheSameAndItsOwnersOnly) {
    auto keys = stage(core::jws_algorithm::eddsa);
    ASSERT_TRUE(keys.activate(then));
    ASSERT_TRUE(keys.add_next(all, core::jws_algorithm::hs256, random, then));
    ASSERT_TRUE(keys.save(directory.path()));

    const auto read = key_file::load(directory.path());

    ASSERT_TRUE(read) << read.error().sentence;
    EXPECT_TRUE(*read == keys);
    EXPECT_EQ(tests::mode_of(file), 0600U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
    EXPECT_EQ(read->access_algorithm(), core::jws_algorithm::eddsa);
}

TEST_F(RotatedKeyFile, StagedKeys_AreUnderstoodAndNotUsed) {
    const auto before = fresh();
    const auto staged = stage();
    EXPECT_TRUE(verifies(before, token_of(staged)));
    EXPECT_EQ(staged.fingerprint(), before.fingerprint());
    EXPECT_EQ(staged.fingerprints(true), before.fingerprints());
    EXPECT_EQ(staged.fingerprints().size(), 2U);
    EXPECT_EQ(old_keys_of(staged), 0U);

    auto active = key_file::between(staged, staged);
    ASSERT_TRUE(active.activate(then));
    EXPECT_TRUE(verifies(staged, token_of(active)));
    EXPECT_FALSE(verifies(before, token_of(active)));
    EXPECT_TRUE(verifies(active, token_of(before)));
    EXPECT_EQ(old_keys_of(active), core::token_kind_count + 2);
    EXPECT_FALSE(active.activate(then));
}

TEST_F(RotatedKeyFile, StagedTwice_IsRefused_AndFullRingsToo) {
    auto keys = stage();
    EXPECT_FALSE(keys.add_next(all, core::jws_algorithm::hs256, random, then));
    ASSERT_TRUE(keys.activate(then));
    ASSERT_TRUE(keys.add_next(all, core::jws_algorithm::hs256, random, then));
    ASSERT_TRUE(keys.activate(then));
    const auto full = keys.add_next({.pepper = true}, core::jws_algorithm::hs256, random, then);
    ASSERT_FALSE(full);
    EXPECT_TRUE(full.error().sentence.starts_with("pepper has 3 keys, which is the most"));
    EXPECT_TRUE(keys.add_next({.tokens = true}, core::jws_algorithm::hs256, random, then));
}

TEST_F(RotatedKeyFile, OldKeysOnly_CanBeDropped) {
    const auto before = fresh();
    auto keys = stage();
    for (const auto& key : keys.describe())
        EXPECT_FALSE(keys.drop(key.ring, key.id)) << key.ring; // current and next
    ASSERT_TRUE(keys.activate(then));
    for (const auto& key : keys.describe())
        EXPECT_EQ(keys.drop(key.ring, key.id), key.state == key_state::old) << key.ring;
    EXPECT_EQ(old_keys_of(keys), 0U);
    EXPECT_FALSE(verifies(keys, token_of(before)));
    EXPECT_FALSE(key_file::are_related(before, keys));
}

TEST_F(RotatedKeyFile, BetweenTwoFiles_TheFormersKeysAreUsedAndBothUnderstood) {
    const auto before = fresh();
    auto after = stage();
    ASSERT_TRUE(after.activate(then));

    const auto between = key_file::between(before, after);

    EXPECT_TRUE(verifies(before, token_of(between)));
    EXPECT_TRUE(verifies(between, token_of(after)));
    EXPECT_EQ(between.fingerprint(), before.fingerprint());
    const auto sealed = after.encryption_keys().seal("text", "data", random.bytes<12>());
    EXPECT_TRUE(between.encryption_keys().open(sealed, "data").has_value());
    EXPECT_FALSE(between.encryption_keys().is_outdated(sealed));
    EXPECT_TRUE(key_file::are_related(before, after));
}

TEST_F(RotatedKeyFile, FirstPeppersHashes_StayUnnamedAndLaterOnesAreNamed) {
    const auto before = fresh();
    auto after = stage();
    ASSERT_TRUE(after.activate(then));
    const core::account_id ada("user_1");
    const auto old_hash = before.code_hasher().hash("d", ada, "1");
    EXPECT_EQ(old_hash.find('.'), std::string::npos);
    EXPECT_NE(after.code_hasher().hash("d", ada, "1").find('.'), std::string::npos);
    EXPECT_TRUE(after.code_hasher().matches(old_hash, "d", ada, "1"));
}

TEST_F(RotatedKeyFile, FileOfTheFirstFormat_IsReadWithItsPepperUnnamed) {
    const auto before = fresh();
    auto text = read_all(file);
    for (const auto& [from, to] : std::vector<std::array<std::string, 2>>{
             {"\"format\":2", "\"format\":1"}, {",\"unnamed\":true", ""}})
        text.replace(text.find(from), from.size(), to);
    directory.write("keys.json", text);

    const auto read = load(true);

    ASSERT_TRUE(read) << read.error().sentence;
    EXPECT_TRUE(*read == before);
}

TEST_F(RotatedKeyFile, LeftBehindByAKilledCommand_DoesNotStopTheNext) {
    const auto keys = stage();
    directory.write("keys.json." + std::to_string(::getpid()) + ".new", "half of it");
    ASSERT_TRUE(keys.save(directory.path()));
    EXPECT_TRUE(*key_file::load(directory.path()) == keys);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

} // namespace
} // namespace countersign::app
