// Enrolling an authenticator app without a step-up: by a session, an API token, a backend.
#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class Enrolment : public tests::decide_test {
protected:
    session_id session = give_session();
    api_token_hash token = give_api_token();

    std::string enrolment_code(int steps_away = 0) {
        return code_of(user.enrolment->device, steps_away);
    }
    auto cancel(requester by) { return run(cancel_totp{.by = std::move(by)}); }
    // As many devices as asked for, each confirmed by a backend.
    void enrol(std::size_t devices) {
        for (std::size_t made = 0; made < devices; ++made) {
            ASSERT_TRUE(begin_totp(backend()).outcome);
            ASSERT_TRUE(confirm_totp(backend(), enrolment_code()).outcome);
        }
    }
};

TEST_F(Enrolment, BySessionTokenOrBackend_NeedsNoStepUpAndNoPassword) {
    user.password_hash.clear();
    const auto fresh = user;
    for (const authority& by : {authority(session), authority(token), authority(backend())}) {
        SCOPED_TRACE(by.index());
        user = fresh;
        events.clear();
        EXPECT_TRUE(begin_totp(by).outcome);
        EXPECT_FALSE(user.has_second_factor());
        EXPECT_TRUE(confirm_totp(by, enrolment_code()).outcome.value().new_backup_codes);
        EXPECT_TRUE(user.has(factor_method::totp));
        EXPECT_EQ(user.preferred, factor_method::totp);
        EXPECT_EQ(user.backup_code_hashes.size(), 6u);
        EXPECT_EQ(count(event_type::two_factor_added), 1);
        EXPECT_EQ(events.size(), 1u);
    }
}

TEST_F(Enrolment, T33_ByASession_EndsEveryOtherAndRaisesItself) {
    give_session();
    give_challenge();
    EXPECT_TRUE(begin_totp(session).outcome);
    EXPECT_TRUE(confirm_totp(session, enrolment_code()).outcome);
    ASSERT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(user.sessions.front().id, session);
    EXPECT_EQ(user.sessions.front().assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.front().second_factor_at, now);
    EXPECT_TRUE(user.challenges.empty());
}

TEST_F(Enrolment, T33_ByATokenOrABackend_EndsEverySession) {
    const auto fresh = user;
    for (const authority& by : {authority(token), authority(backend())}) {
        user = fresh;
        EXPECT_TRUE(begin_totp(by).outcome);
        EXPECT_TRUE(confirm_totp(by, enrolment_code()).outcome);
        EXPECT_TRUE(user.sessions.empty());
    }
}

TEST_F(Enrolment, T34_RequesterThatDoesNotStand_IsRefused) {
    for (const authority& by :
         {authority(session_id("gone")), authority(api_token_hash("revoked"))}) {
        EXPECT_EQ(refused(begin_totp(by)), session_ended);
        EXPECT_EQ(refused(confirm_totp(by, "123456")), session_ended);
    }
    EXPECT_EQ(refused(cancel(session_id("gone"))), session_ended);
    EXPECT_EQ(refused(cancel(api_token_hash("revoked"))), session_ended);
    now = user.sessions.front().expires_at;
    EXPECT_EQ(refused(begin_totp(session)), session_ended);
}

TEST_F(Enrolment, T35_OnlyWhoBeganIt_MayConfirmIt) {
    const auto other_session = give_session();
    const auto other_token = give_api_token("other");
    const std::array<authority, 5> all{session, other_session, token, other_token, backend()};
    for (const auto& began : all) {
        EXPECT_TRUE(begin_totp(began).outcome);
        for (const auto& asks : all) {
            if (asks.index() == began.index() && requester_key(asks) == requester_key(began))
                continue;
            EXPECT_EQ(refused(confirm_totp(asks, enrolment_code())), enrolment_unknown);
        }
        EXPECT_EQ(refused(confirm_totp(began, enrolment_code(), {}, "another set-up")),
                  enrolment_unknown);
    }
    EXPECT_EQ(user.factor_attempts.misses, 0);
    EXPECT_TRUE(confirm_totp(backend(), enrolment_code()).outcome);
}

TEST_F(Enrolment, T35_SetUpBegunWithAStepUp_IsTheSameSessionsWithoutOne) {
    EXPECT_TRUE(begin_totp(proof(session, assurance_level::aal1)).outcome);
    EXPECT_EQ(refused(confirm_totp(give_session(), enrolment_code())), enrolment_unknown);
    EXPECT_TRUE(confirm_totp(session, enrolment_code()).outcome);
}

TEST_F(Enrolment, Cancelled_LeavesNothingToConfirm) {
    EXPECT_TRUE(begin_totp(session).outcome);
    const auto code = enrolment_code();
    EXPECT_TRUE(cancel(session).outcome);
    EXPECT_FALSE(user.enrolment);
    EXPECT_EQ(refused(confirm_totp(session, code)), enrolment_unknown);

    const auto again = cancel(token); // nothing to forget is no error
    EXPECT_TRUE(again.outcome);
    EXPECT_FALSE(again.next);
    give_totp();
    EXPECT_EQ(refused(cancel(session)), method_on_already);
    EXPECT_TRUE(events.empty());
}

TEST_F(Enrolment, SecondDevice_IsForBackendsOnly) {
    give_totp();
    for (const authority& by : {authority(session), authority(token), authority(proof(session))}) {
        EXPECT_EQ(refused(begin_totp(by)), method_on_already);
        EXPECT_EQ(refused(confirm_totp(by, "123456")), method_on_already);
    }
    EXPECT_TRUE(begin_totp(backend()).outcome);
    EXPECT_TRUE(confirm_totp(backend(), enrolment_code()).outcome);
    EXPECT_EQ(user.totp.size(), 2u);
}

TEST_F(Enrolment, Devices_AreCapped) {
    enrol(totp_devices_max);
    EXPECT_EQ(user.totp.size(), totp_devices_max);
    EXPECT_EQ(count(event_type::two_factor_added), static_cast<int>(totp_devices_max));
    EXPECT_EQ(refused(begin_totp(backend())), method_on_already);
    // Nor does an enrolment that was begun before the last place was taken.
    user.totp.pop_back();
    EXPECT_TRUE(begin_totp(backend()).outcome);
    user.totp.push_back(make_device());
    EXPECT_EQ(refused(confirm_totp(backend(), enrolment_code())), method_on_already);
}

TEST_F(Enrolment, FurtherDevice_KeepsTheBackupCodesThatThereAre) {
    enrol(1);
    const auto kept = user.backup_code_hashes;
    EXPECT_TRUE(begin_totp(backend()).outcome);
    EXPECT_FALSE(confirm_totp(backend(), enrolment_code()).outcome.value().new_backup_codes);
    EXPECT_EQ(user.backup_code_hashes, kept);

    user.backup_code_hashes.clear(); // all used
    EXPECT_TRUE(begin_totp(backend()).outcome);
    EXPECT_TRUE(confirm_totp(backend(), enrolment_code()).outcome.value().new_backup_codes);
    EXPECT_EQ(user.backup_code_hashes.size(), 6u);
}

TEST_F(Enrolment, BackupCodesOfTheConfirmation_StandInPlaceOfTheBeginnings) {
    EXPECT_TRUE(begin_totp(backend()).outcome);
    const auto hashes = make_backup_hashes();
    EXPECT_TRUE(run(core::confirm_totp{.by = backend(),
                                       .token_id = "set-up",
                                       .code = enrolment_code(),
                                       .backup_code_hashes = hashes,
                                       .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.backup_code_hashes, hashes);
}

TEST_F(Enrolment, EveryDevice_ProvesAndUsesUpItsOwnSteps) {
    enrol(2);
    now += seconds(30);
    const auto first = code_of(user.totp[0]);
    const auto second = code_of(user.totp[1]);
    EXPECT_TRUE(verify(first).outcome);
    EXPECT_TRUE(verify(second).outcome);
    EXPECT_EQ(refused(verify(first)), wrong_code);
    EXPECT_EQ(refused(verify(second)), wrong_code);
}

TEST_F(Enrolment, T38_CodeOfADeviceThatIsOn_ConfirmsNoOther) {
    enrol(1);
    now += seconds(60);
    EXPECT_TRUE(begin_totp(backend()).outcome);
    const auto before = user;
    EXPECT_EQ(refused(confirm_totp(backend(), totp_code())), wrong_code);
    EXPECT_EQ(user.totp, before.totp); // not even used up
    EXPECT_EQ(user.enrolment, before.enrolment);
    EXPECT_EQ(user.backup_code_hashes, before.backup_code_hashes);
    EXPECT_EQ(user.factor_attempts.misses, 1);
    // And the pending device's code proves nothing yet.
    EXPECT_EQ(refused(verify(enrolment_code())), wrong_code);
}

TEST_F(Enrolment, T12_WhileBlocked_NothingIsBegunOrConfirmed) {
    EXPECT_TRUE(begin_totp(session).outcome);
    user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    EXPECT_EQ(refused(confirm_totp(session, enrolment_code())), blocked);
    EXPECT_EQ(refused(begin_totp(session)), blocked);
    EXPECT_EQ(refused(begin_totp(backend())), blocked);
    now += seconds(30);
    EXPECT_TRUE(confirm_totp(session, enrolment_code()).outcome);
}

} // namespace
} // namespace countersign::core
