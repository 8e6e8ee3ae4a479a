#include "store/account_lifecycle.hpp"

#include "core/crypto/secret.hpp"
#include "store/metadata.hpp"
#include "tests/core/seeded_random.hpp"
#include "tests/support/store_fixture.hpp"

#include <algorithm>
#include <thread>

namespace countersign::tests {
namespace {

using namespace std::chrono_literals;
using store::creation;
using store::email_index;
using store::store_error;

constexpr core::unix_time now{1'790'000'000'000ms};
const core::account_id ada{"user_00000000000000000000000000000ada"};
const core::account_id bob{"user_00000000000000000000000000000b0b"};
constexpr auto adas_address = "ada@example.org";
constexpr auto other_address = "countess@example.org";

core::account account_of(const core::account_id& id, std::string email = adas_address) {
    core::account made;
    made.id = id;
    made.email = std::move(email);
    return made;
}

core::event new_event() {
    core::event event;
    event.id = core::event_id("0123456789abcdef0123456789abcdef");
    event.type = core::event_type::email_verification;
    event.account = ada;
    event.recipients = {adas_address};
    return event;
}

std::int64_t count(const std::vector<store::store_result<creation>>& results, creation what) {
    return std::count_if(results.begin(), results.end(),
                         [what](const auto& result) { return result && *result == what; });
}

class AccountLifecycle : public store_fixture {
protected:
    store::store_result<creation>
    create(const core::account_id& id, std::string email = adas_address, core::unix_time at = now) {
        return run(create_account(emails, accounts, account_of(id, std::move(email)), {}, at));
    }
    store::store_result<bool> erase(store::loaded_account seen) {
        return run(erase_account(emails, accounts, std::move(seen), {}));
    }
    bool reserve(const core::account_id& id, std::string_view email = adas_address,
                 core::unix_time at = now) {
        return *run(emails.reserve(*core::email_address::parse(email), id, at));
    }
    store::loaded_account load(const core::account_id& id) {
        auto loaded = run(accounts.load(id));
        EXPECT_TRUE(loaded && *loaded) << id.value();
        return loaded && *loaded ? **loaded : store::loaded_account{};
    }
    void change_email(const core::account_id& id, std::string email) {
        ASSERT_TRUE(run(accounts.transact(id, [&](const core::account& account) {
            store::change wanted{account, {}};
            wanted.next->email = email;
            return wanted;
        })));
    }
    // The id of the account that has the address, or empty.
    std::string holder(std::string_view email = adas_address) {
        const auto found = run(emails.find(*core::email_address::parse(email)));
        EXPECT_TRUE(found);
        return found && *found ? (*found)->value.id.value() : "";
    }
    std::string entry(std::string_view email = adas_address) {
        return ask_text({"GET", "cs:index:email:" + hasher.index_key("email", email)});
    }
    std::int64_t mails() {
        const auto partition = std::to_string(store::partition_of(ada, 16));
        return ask_integer({"XLEN", "cs:{" + partition + "}:outbox:code"}) +
               ask_integer({"XLEN", "cs:{" + partition + "}:outbox:alert"});
    }

    seeded_random random{20260105};
    core::code_hasher hasher{core::secret_key(random.bytes<32>())};
    store::accounts accounts{*redis, random, 16};
    email_index emails{*redis, accounts, hasher};

    // Another server's.
    test_connection second{context, options()};
    seeded_random other_random{7};
    store::accounts other_accounts{*second, other_random, 16};
    email_index other_emails{*second, other_accounts, hasher};
};

TEST_F(AccountLifecycle, ACreatedAccount_IsFoundByItsAddressAndItsEventsAreWritten) {
    std::vector<core::event> events{new_event()};
    EXPECT_EQ(*run(create_account(emails, accounts, account_of(ada), std::move(events), now)),
              creation::created);
    EXPECT_EQ(holder(), ada.value());
    EXPECT_EQ(mails(), 1);
}

TEST_F(AccountLifecycle, AnAddressThatAnAccountHas_IsTakenHoweverOld) {
    EXPECT_EQ(*create(ada), creation::created);
    EXPECT_EQ(*create(bob), creation::email_taken);
    EXPECT_EQ(*create(bob, adas_address, now + 24h), creation::email_taken);
    EXPECT_FALSE(*run(accounts.load(bob)));
    EXPECT_EQ(holder(), ada.value());
}

TEST_F(AccountLifecycle, CallingAgain_SaysExistsAndWritesNothing) {
    ASSERT_EQ(*create(ada), creation::created);
    const auto version = load(ada).version;
    std::vector<core::event> events{new_event()};
    EXPECT_EQ(*run(create_account(emails, accounts, account_of(ada), std::move(events), now + 1h)),
              creation::exists);
    EXPECT_EQ(load(ada).version, version);
    EXPECT_EQ(entry(), ada.value() + "|1790000000000");
    EXPECT_EQ(mails(), 0);
}

TEST_F(AccountLifecycle, AnIdThatExists_TakesNoOtherAddress) {
    ASSERT_EQ(*create(ada), creation::created);
    EXPECT_EQ(*create(ada, other_address), creation::exists);
    EXPECT_EQ(entry(other_address), "");
    EXPECT_EQ(load(ada).value.email, adas_address);
    EXPECT_EQ(*create(bob, other_address), creation::created) << "at once";
}

TEST_F(AccountLifecycle, AfterACrashBetweenReserveAndCreate_TheSameIdGoesOnAndAnotherWaits) {
    ASSERT_TRUE(reserve(ada)); // and no create
    EXPECT_EQ(*create(bob, adas_address, now + 1s), creation::email_taken);
    EXPECT_EQ(*create(ada, adas_address, now + 2s), creation::created);
    EXPECT_EQ(holder(), ada.value());
}

TEST_F(AccountLifecycle, AfterACrashBetweenReserveAndCreate_TheAddressIsFreeInAMinute) {
    ASSERT_TRUE(reserve(ada)); // and no create
    EXPECT_EQ(*create(bob, adas_address, now + email_index::reservation_life), creation::created);
    EXPECT_EQ(holder(), bob.value());
    EXPECT_EQ(*create(ada, adas_address, now + 1h), creation::email_taken);
    EXPECT_EQ(*create(ada, other_address, now + 1h), creation::created);
}

TEST_F(AccountLifecycle, OfManyCreatedAtOnceWithOneAddress_ExactlyOneIs) {
    std::vector<awaitable<store::store_result<creation>>> work;
    std::vector<core::account_id> ids;
    for (int i = 100; i < 140; ++i) {
        ids.emplace_back("user_00000000000000000000000000000" + std::to_string(i));
        const bool here = i % 2 == 0;
        work.push_back(create_account(here ? emails : other_emails,
                                      here ? accounts : other_accounts, account_of(ids.back()), {},
                                      now));
    }
    const auto results = run_coroutines(context, std::move(work));

    EXPECT_EQ(count(results, creation::created), 1);
    EXPECT_EQ(count(results, creation::email_taken), 39);
    std::vector<std::string> there;
    for (const auto& id : ids)
        if (*run(accounts.load(id))) there.push_back(id.value());
    EXPECT_EQ(there, std::vector{holder()});
}

TEST_F(AccountLifecycle, OfManyCreatedAtOnceWithOneId_ExactlyOneIsAndItHasItsAddress) {
    std::vector<awaitable<store::store_result<creation>>> work;
    for (int i = 0; i < 40; ++i) {
        const bool here = i % 2 == 0;
        std::vector<core::event> events{new_event()};
        work.push_back(create_account(here ? emails : other_emails,
                                      here ? accounts : other_accounts, account_of(ada),
                                      std::move(events), now + core::milliseconds(i % 3)));
    }
    const auto results = run_coroutines(context, std::move(work));

    EXPECT_EQ(count(results, creation::created), 1);
    EXPECT_EQ(count(results, creation::exists), 39);
    EXPECT_EQ(mails(), 1);
    EXPECT_EQ(holder(), ada.value());
    EXPECT_EQ(*create(bob, adas_address, now + 1h), creation::email_taken);
}

TEST_F(AccountLifecycle, OfOneIdCreatedAtOnceWithManyAddresses_OnlyTheLosersAddressesComeFree) {
    std::vector<awaitable<store::store_result<creation>>> work;
    for (int i = 0; i < 20; ++i) {
        const bool here = i % 2 == 0;
        work.push_back(
            create_account(here ? emails : other_emails, here ? accounts : other_accounts,
                           account_of(ada, std::to_string(i) + "@example.org"), {}, now));
    }
    const auto results = run_coroutines(context, std::move(work));

    EXPECT_EQ(count(results, creation::created), 1);
    EXPECT_EQ(count(results, creation::exists), 19);
    for (int i = 0; i < 20; ++i) {
        const auto email = std::to_string(i) + "@example.org";
        const bool won = load(ada).value.email == email;
        EXPECT_EQ(holder(email), won ? ada.value() : "") << email;
        const core::account_id next("user_0000000000000000000000000000" + std::to_string(1000 + i));
        EXPECT_EQ(*create(next, email, now + email_index::reservation_life),
                  won ? creation::email_taken : creation::created)
            << email;
    }
}

TEST_F(AccountLifecycle, AnErasedAccount_IsGoneAndItsAddressFreeAtOnce) {
    ASSERT_EQ(*create(ada), creation::created);
    EXPECT_TRUE(*erase(load(ada)));
    EXPECT_FALSE(*run(accounts.load(ada)));
    EXPECT_EQ(entry(), "");
    EXPECT_EQ(*create(bob), creation::created);
}

TEST_F(AccountLifecycle, AnAccountThatChangedMeanwhile_IsNotErasedAndKeepsItsAddress) {
    ASSERT_EQ(*create(ada), creation::created);
    const auto first = load(ada);
    change_email(ada, adas_address); // the same: another version
    EXPECT_FALSE(*erase(first));
    EXPECT_EQ(holder(), ada.value());

    const auto second_seen = load(ada);
    ASSERT_TRUE(reserve(ada, other_address));
    change_email(ada, other_address);
    EXPECT_FALSE(*erase(second_seen));
    EXPECT_EQ(holder(other_address), ada.value());

    EXPECT_TRUE(*erase(load(ada)));
    EXPECT_FALSE(*erase(second_seen)) << "gone";
}

TEST_F(AccountLifecycle, ErasingOneWhoseEntryIsAnothers_LeavesTheEntry) {
    ASSERT_EQ(*create(ada), creation::created);
    ask({"DEL", "cs:index:email:" + hasher.index_key("email", adas_address)});
    ASSERT_TRUE(reserve(bob));
    EXPECT_TRUE(*erase(load(ada)));
    EXPECT_EQ(*create(bob), creation::created);
    EXPECT_EQ(holder(), bob.value());
}

TEST_F(AccountLifecycle, AnAccountCreatedAnewBeforeTheErasersLastStep_KeepsItsAddress) {
    ASSERT_EQ(*create(ada), creation::created);
    // The eraser runs on a context of its own, which stops as soon as the account is gone.
    boost::asio::io_context slow(1);
    test_connection third(slow, options());
    store::accounts slow_accounts(*third, other_random, 16);
    email_index slow_emails(*third, slow_accounts, hasher);
    std::optional<bool> erased;
    boost::asio::co_spawn(slow, erase_account(slow_emails, slow_accounts, load(ada), {}),
                          [&erased](const std::exception_ptr&, store::store_result<bool> result) {
                              erased = result && *result;
                          });
    while (run(accounts.load(ada))->has_value() && slow.run_one_for(1s) != 0)
        std::this_thread::sleep_for(2ms);
    ASSERT_FALSE(erased) << "it has yet to release the address";

    // All of this in one millisecond, as the entry's time says.
    EXPECT_EQ(*create(ada), creation::created);
    while (!erased && slow.run_one_for(1s) != 0) {
    }

    EXPECT_EQ(erased, true);
    EXPECT_EQ(holder(), ada.value());
    EXPECT_EQ(entry(), ada.value() + "|1790000000001");
}

TEST_F(AccountLifecycle, WhoHoldsAnAddress_HasHeldItSinceItWasTaken) {
    const auto address = *core::email_address::parse(adas_address);
    EXPECT_FALSE(*run(emails.held_since(address, ada)));
    ASSERT_TRUE(reserve(ada));
    EXPECT_EQ(*run(emails.held_since(address, ada)), now);
    EXPECT_FALSE(*run(emails.held_since(address, bob)));
}

TEST_F(AccountLifecycle, CreatedAndErasedByManyAtOnce_AnAccountAlwaysHasItsAddress) {
    const auto create_all = [](email_index& index, store::accounts& all) -> awaitable<bool> {
        for (int i = 0; i < 100; ++i) {
            const auto made = co_await create_account(index, all, account_of(ada), {}, now);
            if (!made || *made == creation::email_taken) co_return false;
        }
        co_return true;
    };
    const auto erase_all = [](email_index& index, store::accounts& all) -> awaitable<bool> {
        for (int i = 0; i < 100; ++i) {
            auto seen = co_await all.load(ada);
            if (!seen) co_return false;
            if (!*seen) continue;
            const auto erased = co_await erase_account(index, all, *std::move(*seen), {});
            if (!erased) co_return false;
        }
        co_return true;
    };
    for (int round = 0; round < 5; ++round) {
        std::vector<awaitable<bool>> work;
        work.push_back(create_all(emails, accounts));
        work.push_back(erase_all(other_emails, other_accounts));
        work.push_back(create_all(other_emails, other_accounts));
        for (const bool done : run_coroutines(context, std::move(work)))
            EXPECT_TRUE(done);
        const bool is_there = run(accounts.load(ada))->has_value();
        EXPECT_EQ(holder(), is_there ? ada.value() : "") << "round " << round;
    }
}

TEST_F(AccountLifecycle, WithoutRedis_NothingIsSaid) {
    ASSERT_EQ(*create(ada), creation::created);
    auto seen = load(ada);
    server.kill();
    EXPECT_EQ(create(bob).error(), store_error::unavailable);
    EXPECT_EQ(erase(seen).error(), store_error::unavailable);
}

} // namespace
} // namespace countersign::tests
