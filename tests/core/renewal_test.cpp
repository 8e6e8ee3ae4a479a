#include "core/decide/renewal.hpp"

#include "core/api_token.hpp"
#include "core/decide/api_token_renewal.hpp"
#include "core/decide/introspection.hpp"
#include "tests/core/seeded_random.hpp"

#include <gtest/gtest.h>

#include <array>

namespace countersign::core {
namespace {

constexpr unix_time now{seconds{1'800'000'000}};
const account_id ada("user_00000000000000000000000000000ada");

secret_key key_of(unsigned char fill) {
    std::array<std::byte, 32> bytes{};
    bytes.fill(std::byte{fill});
    return secret_key(std::move(bytes));
}

key_ring ring(std::initializer_list<unsigned char> fills) {
    std::vector<encryption_key> keys;
    for (const auto fill : fills)
        keys.push_back({.id = "k" + std::to_string(fill), .key = key_of(fill)});
    return key_ring(std::move(keys));
}

code_hasher hasher(std::initializer_list<unsigned char> fills) {
    std::vector<pepper> peppers;
    for (const auto fill : fills)
        peppers.push_back(
            {.id = "p" + std::to_string(fill), .key = key_of(fill), .is_named = fill != 1});
    return code_hasher(std::move(peppers));
}

class Renewal : public ::testing::Test {
protected:
    Renewal() {
        account.id = ada;
        account.totp.push_back(device("totp_1"));
        account.enrolment = pending_totp{.token_id = "t",
                                         .device = device("totp_2"),
                                         .backup_code_hashes = {old.hash_backup_code(ada, "x")},
                                         .expires_at = now + seconds(60)};
    }
    totp_device device(std::string id) {
        totp_device made{.id = factor_id(std::move(id))};
        made.sealed_secret =
            ring({1}).seal("secret", totp_secret_context(ada, made.id), random.bytes<12>());
        return made;
    }

    tests::seeded_random random{20261120};
    code_hasher old = hasher({1});
    core::account account;
};

TEST_F(Renewal, OldSecretsAreSealedAnew_OfPendingEnrolmentsToo) {
    const auto rotated = ring({2, 1});
    ASSERT_TRUE(seal_anew(account, rotated, random));

    const auto alone = ring({2});
    for (const auto* each : {&account.totp.front(), &account.enrolment->device})
        EXPECT_EQ(alone.open(each->sealed_secret, totp_secret_context(ada, each->id))->reveal(),
                  "secret");
    EXPECT_FALSE(seal_anew(account, rotated, random));
}

TEST_F(Renewal, WhatCannotBeOpened_StaysAsItIs) {
    account.totp.front().id = factor_id("another");
    const auto before = account.totp.front().sealed_secret;
    EXPECT_TRUE(seal_anew(account, ring({2, 1}), random)); // the enrolment's
    EXPECT_EQ(account.totp.front().sealed_secret, before);
    EXPECT_FALSE(seal_anew(account, ring({2}), random));
}

TEST_F(Renewal, Use_IsCountedByKeyAndWithoutWhatIsOver) {
    const auto rotated = hasher({2, 1});
    account.backup_code_hashes = {old.hash_backup_code(ada, "1"), old.hash_backup_code(ada, "2"),
                                  rotated.hash_backup_code(ada, "3")};
    account.api_tokens.push_back(
        {.id = api_token_id("a"), .hash = old.hash("api-token", ada, "t")});
    const auto add_session = [&](unix_time ends) {
        account.sessions.push_back({.id = session_id(std::to_string(account.sessions.size())),
                                    .refresh_hash = old.hash("refresh", ada, "r"),
                                    .expires_at = ends});
    };
    add_session(now + seconds(1));
    add_session(now);
    account.codes.push_back({.hash = rotated.hash("c", ada, "1"), .expires_at = now + seconds(1)});

    account_key_use use;
    add_key_use(use, account, rotated, now);

    EXPECT_EQ(use.sealed, (count_by_key{{"k1", 2}}));
    EXPECT_EQ(use.backup_codes, (count_by_key{{"p1", 3}, {"p2", 1}}));
    EXPECT_EQ(use.api_tokens, (count_by_key{{"p1", 1}}));
    EXPECT_EQ(use.sessions, (count_by_key{{"p1", 1}}));
    EXPECT_EQ(use.codes, (count_by_key{{"p2", 1}}));
}

TEST_F(Renewal, ApiToken_IsKnownUnderTheOldPepperAndConfirmsWhatItBegan) {
    const auto made = make_api_token(ada, "cli", old, random, now);
    const auto before = read_api_token(made.text.reveal(), old);
    const auto after = read_api_token(made.text.reveal(), hasher({2, 1}));
    const auto gone = read_api_token(made.text.reveal(), hasher({2}));
    ASSERT_TRUE(before && after && gone);

    EXPECT_TRUE(is_hash_of(after->hash, made.stored.hash));
    EXPECT_FALSE(is_hash_of(gone->hash, made.stored.hash));
    EXPECT_FALSE(is_hash_of(after->hash, ""));
    EXPECT_TRUE(is_requester(after->hash, requester_key(before->hash)));
    EXPECT_TRUE(is_requester(before->hash, requester_key(before->hash)));
    EXPECT_FALSE(is_requester(gone->hash, requester_key(before->hash)));
    EXPECT_FALSE(is_requester(session_id("s"), requester_key(before->hash)));
}

TEST_F(Renewal, ApiTokenThatIsUsed_IsKeptUnderTheCurrentPepper) {
    const auto rotated = hasher({2, 1}), alone = hasher({2});
    const auto made = make_api_token(ada, "cli", old, random, now);
    account.api_tokens = {{.id = api_token_id("other"), .hash = old.hash("api-token", ada, "o")},
                          made.stored};
    const auto others = account.api_tokens.front();
    const auto presented = read_api_token(made.text.reveal(), rotated)->hash;
    const policy rules;
    const auto keys = ring({1});
    const core::context context{.rules = rules, .keys = keys, .codes = rotated};
    ASSERT_TRUE(is_outdated(account, presented, rotated));

    const auto done = decide(account, renew_api_token{presented}, context, now);

    ASSERT_TRUE(done.outcome.has_value());
    ASSERT_TRUE(done.next);
    EXPECT_EQ(done.next->api_tokens.front(), others);
    EXPECT_TRUE(is_hash_of(read_api_token(made.text.reveal(), alone)->hash,
                           done.next->api_tokens.back().hash));
    EXPECT_FALSE(is_outdated(*done.next, presented, rotated));
    EXPECT_FALSE(decide(*done.next, renew_api_token{presented}, context, now).next);
    EXPECT_TRUE(done.events.empty());

    account.api_tokens.pop_back(); // revoked meanwhile
    EXPECT_FALSE(decide(account, renew_api_token{presented}, context, now).next);
}

class Introspection : public Renewal {
protected:
    Introspection() {
        account.sessions.push_back({.id = session_id("s"),
                                    .refresh_hash = old.hash("refresh", ada, "live"),
                                    .expires_at = now + seconds(60)});
    }
    bool stands(token_kind kind, std::string id = "live", unix_time at = now) {
        const token_claims claims{.subject = ada, .session = session_id("s"), .id = std::move(id)};
        return standing_session(account, kind, claims, context, at) != nullptr;
    }

    policy rules;
    key_ring keys = ring({1});
    core::context context{.rules = rules, .keys = keys, .codes = old};
};

TEST_F(Introspection, T34_TokenOfAnEndedSession_DoesNotStand) {
    EXPECT_TRUE(stands(token_kind::access));
    EXPECT_FALSE(stands(token_kind::access, "live", now + seconds(60)));
    account.sessions.clear();
    EXPECT_FALSE(stands(token_kind::access));
}

TEST_F(Introspection, UsedRefreshToken_DoesNotStand) {
    EXPECT_TRUE(stands(token_kind::refresh));
    EXPECT_FALSE(stands(token_kind::refresh, "used"));
}

TEST_F(Introspection, OfALockedAccount_NothingStands_OfAPausedOneEverything) {
    account.factor_attempts = {.misses = rules.attempts.lock_after - 1,
                               .blocked_until = now + seconds(900)};
    EXPECT_TRUE(stands(token_kind::access));
    ++account.factor_attempts.misses;
    EXPECT_FALSE(stands(token_kind::access));
    EXPECT_FALSE(stands(token_kind::refresh));
}

} // namespace
} // namespace countersign::core
