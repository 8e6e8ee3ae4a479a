#include "store/service_keys.hpp"

#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace countersign::tests {
namespace {

namespace asio = boost::asio;

using store::new_service_key;
using store::service_scope;
using store::store_error;

class ServiceKeys : public store_fixture {
protected:
    // The result itself need not have a default, as run() asks for.
    awaitable<void> create_into(std::optional<new_service_key>& out, std::string name,
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
        return "cs:index:key:" + store::service_key_hash(hasher, key.key.reveal());
    }
    // The id of the key that `presented` is, "none", or the error.
    std::string found(std::string_view presented) {
        const auto key = run(keys.find(presented));
        if (!key) return std::string(to_string(key.error()));
        return *key ? (*key)->id : "none";
    }

    seeded_random random{20260104};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    store::service_keys keys{*redis, hasher};
};

TEST_F(ServiceKeys, CreatedKey_StandsUnderItsHashAndIsListed) {
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

TEST_F(ServiceKeys, APresentedKey_IsFoundWithItsScopes) {
    const auto shop = create("shop", {service_scope::verify, service_scope::sessions});
    const auto blog = create("blog", {service_scope::import});

    const auto key = run(keys.find(shop.key.reveal()));

    ASSERT_TRUE(key && *key);
    EXPECT_EQ((*key)->id, shop.id);
    EXPECT_EQ((*key)->name, "shop");
    EXPECT_EQ((*key)->scopes, (std::vector{service_scope::verify, service_scope::sessions}));
    EXPECT_EQ((*key)->created, "2026-01-02T03:04:05.000Z");
    EXPECT_EQ(found(blog.key.reveal()), blog.id);
}

TEST_F(ServiceKeys, WhatIsNotAKey_IsNotFound) {
    const std::string key(create("shop", {service_scope::verify}).key.reveal());
    auto other = key;
    other.back() = other.back() == 'A' ? 'E' : 'A';

    for (const auto& presented : {other, key + "A", key.substr(0, 46), key.substr(4),
                                  "CSK_" + key.substr(4), std::string(), std::string(1 << 20, 'a')})
        EXPECT_EQ(found(presented), "none") << presented.substr(0, 60);
}

TEST_F(ServiceKeys, AKeyOfAnotherPepper_IsNotFound) {
    const auto made = create("shop", {service_scope::verify});
    const core::code_hasher foreign{core::secret_key(random.bytes<32>())};
    store::service_keys others(*redis, foreign);
    const auto key = run(others.find(made.key.reveal()));
    ASSERT_TRUE(key);
    EXPECT_FALSE(*key);
}

TEST_F(ServiceKeys, ACorruptIndexEntry_IsNoKey) {
    const auto made = create("shop", {service_scope::verify});
    const auto entry = index_name(made);

    ask({"HSET", entry, "scopes", "verify,everything"});
    EXPECT_EQ(found(made.key.reveal()), "corrupt") << "a scope that this server does not know";
    ask({"HSET", entry, "scopes", ""});
    EXPECT_EQ(found(made.key.reveal()), "corrupt") << "no scope";
    ask({"HDEL", entry, "scopes"});
    EXPECT_EQ(found(made.key.reveal()), "corrupt") << "a member that is missing";
    ask({"SET", entry, "verify"});
    EXPECT_EQ(found(made.key.reveal()), "corrupt") << "another type";
}

TEST_F(ServiceKeys, RevokedKey_IsGoneAndTheOthersStay) {
    const auto first = create("shop", {service_scope::verify});
    const auto second = create("blog", {service_scope::import});

    EXPECT_TRUE(*run(keys.revoke(first.id)));

    EXPECT_EQ(found(first.key.reveal()), "none");
    EXPECT_EQ(found(second.key.reveal()), second.id);
    EXPECT_EQ(ask_integer({"EXISTS", index_name(first)}), 0);
    EXPECT_EQ(run(keys.list())->size(), 1U);
    EXPECT_FALSE(*run(keys.revoke(first.id))) << "there is none any more";
}

TEST_F(ServiceKeys, ACorruptListing_IsSaidSo) {
    ask({"HSET", "cs:keys", "0011", "{}"});
    EXPECT_EQ(run(keys.list()).error(), store_error::corrupt);
    EXPECT_EQ(run(keys.revoke("0011")).error(), store_error::corrupt);
    ask({"SET", "cs:keys", "text"});
    EXPECT_EQ(run(keys.list()).error(), store_error::corrupt);
}

TEST_F(ServiceKeys, WithoutRedis_NobodyIsLetIn) {
    const auto made = create("shop", {service_scope::verify});
    server.kill();
    EXPECT_EQ(found(made.key.reveal()), "unavailable");
    EXPECT_EQ(run(keys.list()).error(), store_error::unavailable);
    EXPECT_EQ(run(keys.revoke(made.id)).error(), store_error::unavailable);
}

TEST(ServiceKeyScopes, UnknownOrNone_IsAnErrorThatNamesIt) {
    using store::parse_scopes;
    EXPECT_EQ(to_text(parse_scopes("verify,manage,sessions,import").unsafe_value()),
              "verify,manage,sessions,import");
    EXPECT_EQ(to_text(parse_scopes("manage, verify,manage ").unsafe_value()), "manage,verify");
    EXPECT_EQ(parse_scopes("verify,admin").error(),
              "there is no scope \"admin\": scopes are verify, manage, sessions and import");
    for (const auto* text : {"verify,", ",verify", "verify,,manage", ","})
        EXPECT_TRUE(parse_scopes(text).error().starts_with("there is no scope \"\"")) << text;
    for (const auto* text : {"", "  "})
        EXPECT_EQ(parse_scopes(text).error(),
                  "a service key needs a scope: verify, manage, sessions or import");
}

class RotatedServiceKeys : public ServiceKeys {
protected:
    static core::code_hasher ring() {
        std::vector<core::pepper> peppers;
        seeded_random same{20260104};
        peppers.push_back({.id = "p2", .key = core::secret_key(std::array<std::byte, 32>{})});
        peppers.push_back(
            {.id = "p1", .key = core::secret_key(same.bytes<32>()), .is_named = false});
        return core::code_hasher(std::move(peppers));
    }
    std::string pepper_of_the_only_key() {
        const auto listed = run(rotated.list());
        return listed && listed->size() == 1 ? listed->front().pepper : "?";
    }
    std::string found_by_rotated(std::string_view presented) {
        const auto key = run(rotated.find(presented));
        return key && *key ? (*key)->id : "none";
    }

    // The key's entry is renamed right behind the first look at it: one connection keeps the order.
    awaitable<void> find_while_it_moves(std::string& id, const new_service_key& made) {
        using namespace asio::experimental::awaitable_operators;
        co_await (find_into(id, made.key.reveal()) && move(made));
    }
    awaitable<void> find_into(std::string& id, std::string presented) {
        const auto key = co_await rotated.find(presented);
        id = key && *key ? (*key)->id : "none";
    }
    awaitable<void> move(const new_service_key& made) {
        std::vector<std::string> rename{
            "RENAME", index_name(made),
            "cs:index:key:" + store::service_key_hash(rotated_hasher, made.key.reveal())};
        (void)co_await redis->command(std::move(rename));
    }

    core::code_hasher rotated_hasher = ring();
    store::service_keys rotated{*redis, rotated_hasher};
};

TEST_F(RotatedServiceKeys, KeyOfTheOldPepper_IsFoundAndMovesToTheCurrent) {
    const auto made = create("shop", {service_scope::verify});

    EXPECT_EQ(found_by_rotated(made.key.reveal()), made.id);

    EXPECT_EQ(pepper_of_the_only_key(), "p2");
    EXPECT_EQ(ask_integer({"EXISTS", index_name(made)}), 0);
    EXPECT_EQ(found_by_rotated(made.key.reveal()), made.id);
    EXPECT_EQ(found(made.key.reveal()), "none"); // without the new pepper
}

TEST_F(RotatedServiceKeys, KeyThatMovesWhileItIsLookedUp_IsFound) {
    const auto made = create("shop", {service_scope::verify});
    std::string id;
    run(find_while_it_moves(id, made));
    EXPECT_EQ(id, made.id);
    EXPECT_EQ(ask_integer({"EXISTS", index_name(made)}), 0);
}

TEST_F(RotatedServiceKeys, RevokedAfterItMoved_IsGoneUnderBoth) {
    const auto made = create("shop", {service_scope::verify});
    EXPECT_EQ(found_by_rotated(made.key.reveal()), made.id);

    EXPECT_EQ(*run(keys.revoke(made.id)), true);

    EXPECT_EQ(found_by_rotated(made.key.reveal()), "none");
    EXPECT_EQ(ask_integer({"EXISTS", "cs:keys"}), 0);
}

TEST_F(RotatedServiceKeys, EntryOfBeforePeppersHadNames_IsListedAndMoves) {
    const auto made = create("shop", {service_scope::verify});
    auto text = ask_text({"HGET", "cs:keys", made.id});
    const auto from = text.find(R"(,"pepper")");
    ASSERT_NE(from, std::string::npos);
    text.erase(from, text.size() - 1 - from);
    (void)ask({"HSET", "cs:keys", made.id, text});

    EXPECT_EQ(pepper_of_the_only_key(), "");
    EXPECT_EQ(found_by_rotated(made.key.reveal()), made.id);
    EXPECT_EQ(pepper_of_the_only_key(), "p2");
}

} // namespace
} // namespace countersign::tests
