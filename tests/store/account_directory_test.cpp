#include "store/account_directory.hpp"

#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>

namespace countersign::tests {
namespace {

using store::account_page;
using store::store_error;

class AccountDirectory : public store_fixture {
protected:
    core::account_id create() {
        core::account account;
        account.id = core::account_id("user_" + random.hex(16));
        account.email = "somebody@example.org";
        const auto id = account.id;
        EXPECT_TRUE(*run(accounts.create(std::move(account), {})));
        return id;
    }
    // Their ids in order.
    std::vector<std::string> create_many(int count) {
        std::vector<std::string> ids;
        for (int i = 0; i < count; ++i)
            ids.push_back(create().value());
        std::ranges::sort(ids);
        return ids;
    }
    std::string key_of(const std::string& id) {
        const auto partition = store::partition_of(core::account_id(id), 16);
        return "cs:{" + std::to_string(partition) + "}:account:" + id;
    }
    std::vector<std::string> listed(account_page page) {
        const auto found = run(list_accounts(*redis, accounts, page));
        EXPECT_TRUE(found) << (found ? "" : to_string(found.error()));
        std::vector<std::string> ids;
        for (const auto& account : found ? *found : std::vector<core::account>{})
            ids.push_back(account.id.value());
        return ids;
    }

    seeded_random random{20260106};
    store::accounts accounts{*redis, random, 16};
};

TEST_F(AccountDirectory, WithoutAccounts_TheListIsEmpty) {
    EXPECT_TRUE(listed({}).empty());
    EXPECT_TRUE(listed({.offset = 50, .limit = 10}).empty());
}

TEST_F(AccountDirectory, ThePages_AreAllAccountsInTheOrderOfTheirIds) {
    const auto ids = create_many(120);

    EXPECT_EQ(listed({.offset = 0, .limit = 1000}), ids);
    std::vector<std::string> paged;
    for (std::size_t offset = 0; offset < 140; offset += 7)
        for (auto& id : listed({.offset = offset, .limit = 7}))
            paged.push_back(std::move(id));
    EXPECT_EQ(paged, ids);
    EXPECT_TRUE(listed({.offset = 120, .limit = 10}).empty());
    EXPECT_TRUE(listed({.offset = 10, .limit = 0}).empty());
    EXPECT_EQ(listed({.offset = 119, .limit = 10}), std::vector{ids.back()});
}

TEST_F(AccountDirectory, AnAccount_IsListedWhole) {
    core::account account;
    account.id = core::account_id("user_" + random.hex(16));
    account.email = "ada@example.org";
    account.name = "Ada";
    ASSERT_TRUE(*run(accounts.create(account, {})));
    const auto found = run(list_accounts(*redis, accounts, {}));
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, std::vector{account});
}

TEST_F(AccountDirectory, KeysThatAreNotOurs_AreSkipped) {
    const auto ids = create_many(20);
    const std::string low = "user_" + std::string(32, '0'); // before all of ours
    const auto partition = store::partition_of(core::account_id(low), 16);
    // Of others, and such as look like ours.
    const std::string elsewhere = "cs:{" + std::to_string((partition + 1) % 16) + "}:account:";
    for (const auto& key :
         {std::string("session:1"), "cs:{shop}:account:" + low, elsewhere + low,
          "cs:{}:account:" + low, "cs:{0" + std::to_string(partition) + "}:account:" + low,
          "cs:{x}:account:y}:account:" + low, "my" + key_of(low)})
        ask({"HSET", key, "v", "1", "d", "{}"});
    ask({"SET", key_of(low), "a string in our place"});
    for (int i = 0; i < 3000; ++i)
        ask({"SET", "cache:" + std::to_string(i), "1"});
    // One of another database.
    ask({"SELECT", "1"});
    ask({"HSET", key_of(low), "v", "1", "d", "{}"});
    ask({"SELECT", "0"});

    EXPECT_EQ(listed({.offset = 0, .limit = 100}), ids);
    EXPECT_EQ(listed({.offset = 1, .limit = 1}), std::vector{ids[1]});
}

TEST_F(AccountDirectory, ACorruptAccountOfThePage_IsNotPassedOver) {
    const auto ids = create_many(5);
    ask({"HSET", key_of(ids[3]), "d", "{}"});
    EXPECT_EQ(run(list_accounts(*redis, accounts, {})).error(), store_error::corrupt);
    EXPECT_EQ(listed({.offset = 0, .limit = 3}), (std::vector{ids[0], ids[1], ids[2]}));
}

TEST_F(AccountDirectory, WhileAccountsComeAndGo_ThoseThatStayAreInTheirPlaces) {
    // Enough that Redis rehashes, and SCAN names keys twice.
    const auto ids = create_many(1500);
    struct churn {
        store::accounts& accounts;
        seeded_random& random;
        bool done = false;

        // Ids above all others, so that they move nobody.
        awaitable<bool> run() {
            std::vector<std::pair<core::account_id, std::string>> made;
            for (int i = 0; i < 2000 && !done; ++i) {
                core::account account;
                account.id = core::account_id("user_z" + random.hex(16));
                account.email = "somebody@example.org";
                const auto id = account.id;
                if (!*co_await accounts.create(std::move(account), {})) co_return false;
                const auto loaded = co_await accounts.load(id);
                if (i % 3 != 0) continue;
                const auto version = (*loaded)->version;
                if (!*co_await accounts.erase(id, version, {})) co_return false;
            }
            co_return true;
        }
        awaitable<bool> list(store::connection& redis, const std::vector<std::string>& all) {
            bool good = true;
            for (int i = 0; i < 20; ++i) {
                const account_page page{.offset = 1490, .limit = 10};
                const auto found = co_await list_accounts(redis, accounts, page);
                good = good && found && found->size() == 10;
                for (std::size_t k = 0; good && k < 10; ++k)
                    good = (*found)[k].id.value() == all[1490 + k];
            }
            done = true;
            co_return good;
        }
    } both{accounts, random};
    test_connection second(context, options());
    std::vector<awaitable<bool>> work;
    work.push_back(both.run());
    work.push_back(both.list(*second, ids));
    for (const bool good : run_coroutines(context, std::move(work)))
        EXPECT_TRUE(good);
}

TEST_F(AccountDirectory, WithoutRedis_ThereIsNoListRatherThanAnEmptyOne) {
    create_many(2);
    server.kill();
    EXPECT_EQ(run(list_accounts(*redis, accounts, {})).error(), store_error::unavailable);
}

TEST_F(AccountDirectory, TheIdOfAKey_IsThatOfAnAccountsOnly) {
    const auto id = create();
    EXPECT_EQ(accounts.id_of_key(key_of(id.value())), id);
    for (const auto* key : {"", "cs:meta", "}:account:", "cs:{1}:account", "cs:{1}:outbox:alert"})
        EXPECT_FALSE(accounts.id_of_key(key)) << key;
}

} // namespace
} // namespace countersign::tests
