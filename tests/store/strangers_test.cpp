// Addresses that no account has: an account that is always there, and soon forgotten.
#include "core/decide/strangers.hpp"
#include "store/accounts.hpp"
#include "store/email_index.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

namespace countersign::tests {
namespace {

using store::change;

class Strangers : public store_fixture {
protected:
    [[nodiscard]] std::string key(std::string_view rest) const {
        return "cs:{" + std::to_string(store::partition_of(stranger, 16)) +
               "}:" + std::string(rest);
    }
    // A miss, and an alert about it to somebody.
    std::unique_ptr<core::account> miss() {
        auto done = run(accounts.transact(stranger, [&](const core::account& before) {
            change wanted{before, {}};
            ++wanted.next->password_attempts.misses;
            core::event alert;
            alert.id = core::event_id("0123456789abcdef0123456789abcdef");
            alert.type = core::event_type::sign_in_blocked;
            alert.account = stranger;
            alert.recipients = {"somebody@example.org"};
            wanted.events.push_back(alert);
            return wanted;
        }));
        return done ? *std::move(done) : nullptr;
    }

    seeded_random random{20'261'120};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    store::accounts accounts{*redis, random, 16};
    store::email_index emails{*redis, accounts, hasher};
    core::email_address address = *core::email_address::parse("nobody@example.org");
    core::account_id stranger = core::stranger_of(address, hasher);
};

TEST_F(Strangers, AnUnknownAddress_IsAlwaysTheSameOne) {
    const auto found = run(emails.find_or_stranger(address));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->value.id, stranger);
    EXPECT_TRUE(core::is_stranger(found->value.id));
    EXPECT_TRUE(found->value.password_hash.empty());
    EXPECT_FALSE(found->value.has_second_factor());
    EXPECT_FALSE(run(emails.find(address)).value().has_value()) << "it is no account";
    EXPECT_EQ(ask_integer({"DBSIZE"}), 0) << "who only looks leaves nothing behind";
}

TEST_F(Strangers, WhatIsDecidedAboutOne_IsRememberedForADay) {
    EXPECT_EQ(miss()->password_attempts.misses, 1);
    EXPECT_EQ(miss()->password_attempts.misses, 2);
    const auto life = ask_integer({"PTTL", key("stranger:" + stranger.value())});
    EXPECT_GT(life, 86'000'000);
    EXPECT_LE(life, 86'400'000);
    EXPECT_EQ(ask_integer({"EXISTS", key("account:" + stranger.value())}), 0);
    EXPECT_FALSE(accounts.id_of_key(key("stranger:" + stranger.value()))) << "no list has it";
}

TEST_F(Strangers, ItsEvents_AreQueuedForNobody) {
    (void)miss();
    EXPECT_EQ(ask_integer({"XLEN", key("outbox:alert")}), 1);
    const auto entry = ask({"XRANGE", key("outbox:alert"), "-", "+"});
    const auto& fields = *(*(*entry.list())[0].list())[1].list();
    const auto event = core::event_from_json(*fields[1].text());
    ASSERT_TRUE(event);
    EXPECT_EQ(event->account, stranger);
    EXPECT_TRUE(event->recipients.empty());
}

TEST_F(Strangers, WhenItWasForgotten_ItIsANewOne) {
    (void)miss();
    ask({"DEL", key("stranger:" + stranger.value())});
    EXPECT_EQ(miss()->password_attempts.misses, 1);
}

TEST_F(Strangers, WhoTakesTheAddress_IsFoundInstead) {
    (void)miss();
    core::account ada;
    ada.id = core::account_id("user_00000000000000000000000000000ada");
    ada.email = address.value();
    ASSERT_TRUE(*run(emails.reserve(address, ada.id, core::unix_time{})));
    ASSERT_TRUE(*run(accounts.create(ada, {})));
    EXPECT_EQ(run(emails.find_or_stranger(address))->value.id, ada.id);
}

} // namespace
} // namespace countersign::tests
