#include "app/service_keys.hpp"

#include "app/open_keys.hpp"
#include "app/system.hpp"
#include "tests/app/temporary_directory.hpp"
#include "tests/support/store_fixture.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace countersign::app {
namespace {

namespace asio = boost::asio;

class ServiceKeys : public tests::store_fixture {
protected:
    // The result itself need not have a default, as run() asks for.
    asio::awaitable<void> create_into(std::optional<new_service_key>& out, std::string name,
                                      std::vector<service_scope> scopes) {
        auto made = co_await keys.create(std::move(name), std::move(scopes), random,
                                         core::unix_time(core::seconds(1'767'323'045)));
        if (made) out = *std::move(made);
    }
    new_service_key create(std::string name, std::vector<service_scope> scopes) {
        std::optional<new_service_key> made;
        run(create_into(made, std::move(name), std::move(scopes)));
        EXPECT_TRUE(made);
        return made ? *std::move(made) : new_service_key{};
    }
    std::string index_name(const new_service_key& key) {
        return "cs:index:key:" + service_key_hash(hasher, key.key.reveal());
    }

    system_random random;
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    service_keys keys{*redis, hasher};
};

TEST_F(ServiceKeys, CreatedKey_IsFoundByItsHashAndListed) {
    const auto made = create("shop", {service_scope::verify, service_scope::manage});

    EXPECT_TRUE(made.key.reveal().starts_with("csk_"));
    EXPECT_EQ(made.key.reveal().size(), 47U);
    EXPECT_EQ(ask_text({"HGET", index_name(made), "scopes"}), "verify,manage");
    EXPECT_EQ(ask_text({"HGET", index_name(made), "id"}), made.id);
    const auto listed = run(keys.list());
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 1U);
    EXPECT_EQ(listed->front().id, made.id);
    EXPECT_EQ(listed->front().name, "shop");
    EXPECT_EQ(to_text(listed->front().scopes), "verify,manage");
    EXPECT_EQ(listed->front().created, "2026-01-02T03:04:05.000Z");
}

TEST_F(ServiceKeys, TheKeyItself_IsNotInRedis) {
    const auto made = create("shop", {service_scope::verify});
    EXPECT_EQ(ask_text({"HGET", "cs:keys", made.id}).find(made.key.reveal().substr(4)),
              std::string::npos);
    EXPECT_EQ(index_name(made).find(made.key.reveal().substr(4)), std::string::npos);
}

TEST_F(ServiceKeys, RevokedKey_IsGoneAndTheOthersStay) {
    const auto first = create("shop", {service_scope::verify});
    const auto second = create("blog", {service_scope::import});

    EXPECT_TRUE(run(keys.revoke(first.id)));

    EXPECT_EQ(ask_integer({"EXISTS", index_name(first)}), 0);
    EXPECT_EQ(ask_integer({"EXISTS", index_name(second)}), 1);
    EXPECT_EQ(run(keys.list())->size(), 1U);
    EXPECT_EQ(run(keys.revoke(first.id)).error().sentence, "there is no service key " + first.id);
}

TEST_F(ServiceKeys, CorruptEntry_IsNamed) {
    ask({"HSET", "cs:keys", "0011", "{}"});
    EXPECT_EQ(run(keys.list()).error().sentence,
              "the entry of the service key 0011 in Redis is corrupt");
    EXPECT_FALSE(run(keys.revoke("0011")));
}

TEST(ServiceKeyScopes, UnknownOrNone_IsAnErrorThatNamesIt) {
    EXPECT_EQ(to_text(*parse_scopes("manage, verify,manage")), "manage,verify");
    EXPECT_EQ(parse_scopes("verify,admin").error().sentence,
              "there is no scope \"admin\": scopes are verify, manage, sessions and import");
    EXPECT_FALSE(parse_scopes(""));
}

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
