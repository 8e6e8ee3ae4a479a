#include "store/key_renewal.hpp"

#include "core/crypto/secret.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <array>
#include <string>
#include <vector>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;

constexpr core::unix_time now{1'790'000'000'000ms};

core::secret_key key_of(unsigned char fill) {
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{fill});
    return core::secret_key(std::move(bytes));
}

core::key_ring ring(std::initializer_list<unsigned char> fills) {
    std::vector<core::encryption_key> keys;
    for (const auto fill : fills)
        keys.push_back({.id = "k" + std::to_string(fill), .key = key_of(fill)});
    return core::key_ring(std::move(keys));
}

core::code_hasher hasher(std::initializer_list<unsigned char> fills) {
    std::vector<core::pepper> peppers;
    for (const auto fill : fills)
        peppers.push_back(
            {.id = "p" + std::to_string(fill), .key = key_of(fill), .is_named = fill != 1});
    return core::code_hasher(std::move(peppers));
}

class KeyRenewal : public store_fixture {
protected:
    static core::account_id id_of(int number) {
        return core::account_id("user_" + std::to_string(1'000'000 + number));
    }
    static core::email_address address_of(int number) {
        return *core::email_address::parse("a" + std::to_string(number) + "@example.org");
    }
    // Accounts as they were made before the keys were replaced.
    void make_accounts(int count) {
        store::email_index before{*redis, accounts, old_codes};
        for (int number = 0; number < count; ++number) {
            core::account made;
            made.id = id_of(number);
            made.email = address_of(number).value();
            core::totp_device device{.id = core::factor_id("totp_1")};
            device.sealed_secret =
                old_keys.seal("secret " + std::to_string(number),
                              core::totp_secret_context(made.id, device.id), random.bytes<12>());
            made.totp.push_back(std::move(device));
            ASSERT_TRUE(*run(before.reserve(address_of(number), made.id, now)));
            ASSERT_TRUE(*run(accounts.create(std::move(made), {})));
        }
    }
    store::key_use count() {
        const auto counted = run(renewal.count());
        EXPECT_TRUE(counted);
        return counted ? *counted : store::key_use{};
    }
    static bool go_on(const store::renewal_progress&) { return true; }

    seeded_random random{20261120};
    store::accounts accounts{*redis, random, 16};
    core::key_ring old_keys = ring({1}), keys = ring({2, 1});
    core::code_hasher old_codes = hasher({1}), codes = hasher({2, 1});
    store::email_index emails{*redis, accounts, codes};
    store::key_renewal renewal{{.redis = *redis,
                                .all = accounts,
                                .emails = emails,
                                .keys = keys,
                                .codes = codes,
                                .random = random,
                                .now = [] { return now; }}};
};

TEST_F(KeyRenewal, EveryAccount_IsPutUnderTheCurrentKeys) {
    make_accounts(30);
    auto use = count();
    EXPECT_EQ(use.accounts, 30U);
    EXPECT_EQ(use.values.sealed, (core::count_by_key{{"k1", 30}}));
    EXPECT_EQ(use.addresses, (core::count_by_key{{"p1", 30}}));

    const auto done = run(renewal.renew(go_on));

    ASSERT_TRUE(done);
    EXPECT_EQ(done->sealed, 30U);
    EXPECT_EQ(done->addresses, 30U);
    EXPECT_EQ(done->unreadable, 0U);
    use = count();
    EXPECT_EQ(use.values.sealed, (core::count_by_key{{"k2", 30}}));
    EXPECT_EQ(use.addresses, (core::count_by_key{{"p2", 30}}));
    const auto alone = ring({2});
    const auto one = **run(accounts.load(id_of(7)));
    EXPECT_EQ(alone
                  .open(one.value.totp.front().sealed_secret,
                        core::totp_secret_context(one.value.id, one.value.totp.front().id))
                  ->reveal(),
              "secret 7");
}

TEST_F(KeyRenewal, EndedHalfWay_ItGoesOnWhereItWas) {
    make_accounts(30);
    int left = 10;
    ASSERT_TRUE(run(renewal.renew([&](const store::renewal_progress&) { return --left > 0; })));
    EXPECT_EQ(count().values.sealed, (core::count_by_key{{"k1", 20}, {"k2", 10}}));

    const auto done = run(renewal.renew(go_on));

    ASSERT_TRUE(done);
    EXPECT_EQ(done->sealed, 20U);
    EXPECT_EQ(count().values.sealed, (core::count_by_key{{"k2", 30}}));
    EXPECT_EQ(run(renewal.renew(go_on))->sealed, 0U);
}

TEST_F(KeyRenewal, ForgottenAddresses_AreFoundUnderTheCurrentPepperOnly) {
    make_accounts(3);
    ASSERT_TRUE(run(renewal.renew(go_on)));
    ASSERT_TRUE(run(renewal.forget_addresses(1)));

    const auto alone = hasher({2});
    store::email_index after{*redis, accounts, alone}, before{*redis, accounts, old_codes};
    EXPECT_TRUE(run(after.find(address_of(1)))->has_value());
    EXPECT_FALSE(run(before.find(address_of(1)))->has_value());
}

TEST_F(KeyRenewal, SecretOfAnUnknownKey_IsCountedAndNotTouched) {
    make_accounts(1);
    const auto before = **run(accounts.load(id_of(0)));
    ASSERT_TRUE(run(accounts.transact(id_of(0), [](const core::account& current) {
        store::change wanted{current, {}};
        wanted.next->totp.front().id = core::factor_id("another"); // no longer its own
        return wanted;
    })));

    const auto done = run(renewal.renew(go_on));

    ASSERT_TRUE(done);
    EXPECT_EQ(done->unreadable, 1U);
    const auto after = **run(accounts.load(id_of(0)));
    EXPECT_EQ(after.value.totp.front().sealed_secret, before.value.totp.front().sealed_secret);
}

} // namespace
} // namespace countersign::tests
