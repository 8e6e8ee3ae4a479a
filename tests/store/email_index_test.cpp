#include "store/email_index.hpp"

#include "core/crypto/secret.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::email_index;
using store::store_error;

constexpr core::unix_time now{1'790'000'000'000ms};
const core::account_id ada{"user_00000000000000000000000000000ada"};
const core::account_id bob{"user_00000000000000000000000000000b0b"};

core::email_address address(std::string_view text = "ada@example.org") {
    return *core::email_address::parse(text);
}

class EmailIndex : public store_fixture {
protected:
    void create(const core::account_id& id, std::string email = "ada@example.org") {
        core::account account;
        account.id = id;
        account.email = std::move(email);
        ASSERT_TRUE(*run(accounts.create(std::move(account), {})));
    }
    void change_email(const core::account_id& id, std::string email) {
        ASSERT_TRUE(run(accounts.transact(id, [&](const core::account& account) {
            store::change wanted{account, {}};
            wanted.next->email = email;
            return wanted;
        })));
    }
    bool reserve(const core::account_id& id, core::unix_time at = now) {
        const auto reserved = run(index.reserve(address(), id, at));
        EXPECT_TRUE(reserved) << (reserved ? "" : to_string(reserved.error()));
        return reserved && *reserved;
    }
    // The account's id, empty if there is none.
    std::string holder() {
        const auto found = run(index.find(address()));
        EXPECT_TRUE(found);
        return found && *found ? (*found)->value.id.value() : "";
    }
    std::string entry_key() const {
        return "cs:index:email:" + hasher.index_key("email", "ada@example.org");
    }

    seeded_random random{20260102};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    store::accounts accounts{*redis, random, 16};
    email_index index{*redis, accounts, hasher};
};

TEST_F(EmailIndex, AnAddressThatNobodyTook_HasNoAccount) {
    EXPECT_EQ(holder(), "");
}

TEST_F(EmailIndex, AReservedAndCreatedAccount_IsFound) {
    EXPECT_TRUE(reserve(ada));
    create(ada);
    EXPECT_EQ(holder(), ada.value());
    EXPECT_EQ(ask_text({"GET", entry_key()}), ada.value() + "|1790000000000");
}

TEST_F(EmailIndex, TheAddress_IsNowhereInAKey) {
    reserve(ada);
    const auto keys = ask({"KEYS", "*ada@*"});
    EXPECT_TRUE(keys.list()->empty());
}

TEST_F(EmailIndex, AnEntryWithoutItsAccount_IsNotFound) {
    reserve(ada);
    EXPECT_EQ(holder(), "");
}

TEST_F(EmailIndex, AnAddressBeingCreated_IsHeldForAMinuteAndThenFree) {
    EXPECT_TRUE(reserve(ada));
    EXPECT_FALSE(reserve(bob));
    EXPECT_FALSE(reserve(bob, now + email_index::reservation_life - 1ms));
    EXPECT_TRUE(reserve(bob, now + email_index::reservation_life));
    EXPECT_FALSE(reserve(ada, now + email_index::reservation_life));
}

TEST_F(EmailIndex, TakingAgainForTheSameAccount_RenewsTheReservation) {
    EXPECT_TRUE(reserve(ada));
    EXPECT_TRUE(reserve(ada, now + 50s));
    EXPECT_FALSE(reserve(bob, now + 70s));
}

TEST_F(EmailIndex, AnAddressOfALivingAccount_IsNeverGivenToAnother) {
    reserve(ada);
    create(ada);
    EXPECT_FALSE(reserve(bob, now + 24h));
    EXPECT_EQ(holder(), ada.value());
}

TEST_F(EmailIndex, AnEntryThatItsAccountHasLeft_IsStaleAndFree) {
    reserve(ada);
    create(ada);
    change_email(ada, "countess@example.org"); // and a crash before release()
    EXPECT_EQ(holder(), "");
    EXPECT_TRUE(reserve(bob, now + 1h));
    create(bob);
    EXPECT_EQ(holder(), bob.value());
}

TEST_F(EmailIndex, AnEntryFromFarInTheFuture_IsNoReservation) {
    EXPECT_TRUE(reserve(ada, now + 24h));
    EXPECT_TRUE(reserve(bob, now));
}

TEST_F(EmailIndex, OnlyTheHolder_CanRelease) {
    reserve(ada);
    ASSERT_TRUE(run(index.release(address(), bob)));
    EXPECT_FALSE(reserve(bob));
    ASSERT_TRUE(run(index.release(address(), ada)));
    ASSERT_TRUE(run(index.release(address(), ada))) << "again is fine";
    EXPECT_TRUE(reserve(bob));
}

TEST_F(EmailIndex, OfManyWhoReserveAtOnce_ExactlyOneGetsIt) {
    reserve(ada); // stale by then, so that all of them try to take it over
    std::vector<awaitable<store::store_result<bool>>> work;
    for (int i = 100; i < 130; ++i)
        work.push_back(
            index.reserve(address(), core::account_id("user_" + std::to_string(i)), now + 2min));
    const auto results = run_coroutines(context, std::move(work));
    EXPECT_EQ(std::count_if(results.begin(), results.end(),
                            [](const auto& result) { return result && *result; }),
              1);
}

TEST_F(EmailIndex, AnEntryThatIsNone_IsCorrupt) {
    for (const auto* text : {"nonsense", "user_1|", "user_1|soon", "user_1|1 "}) {
        ask({"SET", entry_key(), text});
        EXPECT_EQ(run(index.find(address())).error(), store_error::corrupt) << text;
        EXPECT_EQ(run(index.reserve(address(), bob, now)).error(), store_error::corrupt) << text;
    }
}

TEST_F(EmailIndex, WithoutRedis_NothingIsSaidAboutAnAddress) {
    server.kill();
    EXPECT_EQ(run(index.find(address())).error(), store_error::unavailable);
    EXPECT_EQ(run(index.reserve(address(), ada, now)).error(), store_error::unavailable);
    EXPECT_EQ(run(index.release(address(), ada)).error(), store_error::unavailable);
}

// The fixture's pepper with a newer one: before it (`rotated`) or, as next, behind it (`staged`).
class RotatedEmailIndex : public EmailIndex {
protected:
    core::code_hasher ring(bool is_staged) {
        std::vector<core::pepper> peppers;
        seeded_random same{20260102};
        core::pepper first{
            .id = "p1", .key = core::secret_key(same.bytes<32>()), .is_named = false};
        core::pepper second{
            .id = "p2", .key = core::secret_key(std::array<std::byte, 32>{}), .is_next = is_staged};
        peppers.push_back(std::move(is_staged ? first : second));
        peppers.push_back(std::move(is_staged ? second : first));
        return core::code_hasher(std::move(peppers));
    }
    core::code_hasher staged_hasher = ring(true), rotated_hasher = ring(false);
    email_index staged{*redis, accounts, staged_hasher}, rotated{*redis, accounts, rotated_hasher};

    std::string holder_by(email_index& by) {
        const auto found = run(by.find(address()));
        EXPECT_TRUE(found);
        return found && *found ? (*found)->value.id.value() : "";
    }
    bool reserve_by(email_index& by, const core::account_id& id, core::unix_time at = now) {
        const auto reserved = run(by.reserve(address(), id, at));
        EXPECT_TRUE(reserved);
        return reserved && *reserved;
    }
};

TEST_F(RotatedEmailIndex, AddressTakenBefore_IsFoundAndNobodyElses) {
    create(ada);
    create(bob, "bob@example.org");
    ASSERT_TRUE(reserve(ada));

    EXPECT_EQ(holder_by(rotated), ada.value());
    EXPECT_FALSE(reserve_by(rotated, bob, now + 2 * email_index::reservation_life));
    EXPECT_EQ(*run(rotated.place_of(address(), ada)), 1U);
}

TEST_F(RotatedEmailIndex, ServersOfEitherPepper_AgreeWhoseAnAddressIs) {
    ASSERT_TRUE(reserve_by(rotated, ada));
    EXPECT_FALSE(reserve_by(staged, bob));
    EXPECT_FALSE(reserve(bob));
    create(ada);
    EXPECT_EQ(holder(), ada.value());
    EXPECT_EQ(holder_by(staged), ada.value());
    EXPECT_EQ(holder_by(rotated), ada.value());
}

TEST_F(RotatedEmailIndex, EnteredAnew_ItIsFoundWithoutTheOldPepper) {
    create(ada);
    ASSERT_TRUE(reserve(ada));
    ASSERT_TRUE(reserve_by(rotated, ada, now + 1s));
    EXPECT_EQ(*run(rotated.place_of(address(), ada)), 0U);

    ASSERT_TRUE(run(rotated.release_at(1, address(), ada)));

    EXPECT_EQ(holder(), "");
    EXPECT_EQ(holder_by(rotated), ada.value());
}

TEST_F(RotatedEmailIndex, Release_GivesItUpUnderBoth_ButNotWhatWasTakenAnewSince) {
    create(ada);
    ASSERT_TRUE(reserve(ada));
    ASSERT_TRUE(reserve_by(rotated, ada));
    const auto since = *run(rotated.held_since(address(), ada));
    ASSERT_TRUE(since);
    ASSERT_TRUE(reserve_by(rotated, ada));
    ASSERT_TRUE(run(rotated.release(address(), ada, since)));
    EXPECT_EQ(holder_by(rotated), ada.value());

    const auto again = *run(rotated.held_since(address(), ada));
    ASSERT_TRUE(run(rotated.release(address(), ada, again)));
    EXPECT_EQ(holder_by(rotated), "");
    EXPECT_EQ(holder(), "");
}

} // namespace
} // namespace countersign::tests
