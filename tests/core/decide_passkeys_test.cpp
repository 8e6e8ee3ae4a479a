// Passkeys as a second factor: registered and proved through the state machine.
#include "core/decide/passkeys.hpp"

#include "core/crypto/encoding.hpp"
#include "tests/core/account_builder.hpp"
#include "tests/support/passkey_device.hpp"

namespace countersign::core {
namespace {

using tests::passkey_device;
using tests::refused;
using enum refusal_reason;

class Passkeys : public tests::decide_test {
protected:
    Passkeys() {
        rules.webauthn = {.id = std::string(tests::passkey_rp_id),
                          .origins = {std::string(tests::passkey_origin)}};
    }

    std::string a_challenge() { return to_base64url(random.bytes<passkey_challenge_bytes>()); }
    auto begin(std::string label = "Key", authority by = backend()) {
        return run(begin_passkey{.by = std::move(by),
                                 .id = passkey_id("passkey_" + random.hex(16)),
                                 .label = std::move(label),
                                 .challenge = a_challenge()});
    }
    auto confirm(const registration_response& response, authority by = backend()) {
        const auto& begun = user.passkey_enrolment;
        return run(confirm_passkey{.by = std::move(by),
                                   .id = begun ? begun->id : passkey_id("passkey_none"),
                                   .response = response,
                                   .transports = {"usb"},
                                   .backup_code_hashes = make_backup_hashes(),
                                   .origin = origin()});
    }
    auto confirm(const passkey_device& with) {
        return confirm(with.create(user.passkey_enrolment->challenge));
    }
    void enrol(const passkey_device& with) {
        (void)begin();
        ASSERT_TRUE(confirm(with).outcome);
    }
    auto ask() { return run(begin_passkey_verification{.challenge = a_challenge()}); }
    auto verify_with(assertion_response response) {
        return run(verify_passkey{.response = std::move(response), .origin = origin()});
    }
    // The answer to a new challenge.
    assertion_response answer(const passkey_device& with) {
        EXPECT_TRUE(ask().outcome);
        return with.get(user.passkey_challenge->challenge);
    }
    static std::optional<webauthn_error> check_of(const auto& made) {
        return made.outcome.has_value() ? std::nullopt : made.outcome.error().check;
    }

    passkey_device device;
};

TEST_F(Passkeys, Confirmed_IsASecondFactorWithBackupCodes_AndItsHolderHears) {
    ASSERT_TRUE(begin("Yellow key").outcome);
    EXPECT_FALSE(user.has_second_factor());
    const auto id = user.passkey_enrolment->id;
    const auto made = confirm(device);
    ASSERT_TRUE(made.outcome);
    EXPECT_TRUE(made.outcome->new_backup_codes);
    EXPECT_EQ(user.backup_code_hashes.size(), backup_codes.size());
    EXPECT_TRUE(user.has_second_factor());
    EXPECT_EQ(user.methods(), std::vector{factor_method::passkey});
    EXPECT_FALSE(user.preferred);
    ASSERT_EQ(user.passkeys.size(), 1u);
    EXPECT_EQ(user.passkeys[0].id, id);
    EXPECT_EQ(user.passkeys[0].label, "Yellow key");
    EXPECT_EQ(user.passkeys[0].enrolled_at, now);
    ASSERT_EQ(count(event_type::two_factor_added), 1);
    EXPECT_EQ(events.back().method, "passkey");
    EXPECT_EQ(events.back().label, "Yellow key");
}

TEST_F(Passkeys, T33_Confirmed_EndsEverySessionThatDidNotProveIt) {
    (void)give_session();
    const auto mine = give_session();
    (void)begin("Key", proof(mine, assurance_level::aal1));
    ASSERT_TRUE(confirm(device.create(user.passkey_enrolment->challenge),
                        proof(mine, assurance_level::aal1))
                    .outcome);
    ASSERT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(user.sessions[0].id, mine);
    EXPECT_EQ(user.sessions[0].assurance, assurance_level::aal2);
}

TEST_F(Passkeys, T35_OnlyWhoBeganAnEnrolmentConfirmsIt_AndByItsId) {
    (void)begin();
    const auto mine = give_session();
    EXPECT_EQ(refused(confirm(device.create(user.passkey_enrolment->challenge), mine)),
              enrolment_unknown);
    EXPECT_EQ(
        refused(run(confirm_passkey{.by = backend(),
                                    .id = passkey_id("passkey_of_another_beginning"),
                                    .response = device.create(user.passkey_enrolment->challenge),
                                    .origin = origin()})),
        enrolment_unknown);
    EXPECT_TRUE(confirm(device).outcome);
    EXPECT_EQ(refused(confirm(device.create("x"))), enrolment_unknown);
}

TEST_F(Passkeys, AnEnrolment_IsGoodForFiveMinutes) {
    (void)begin();
    now += passkey_challenge_life;
    EXPECT_EQ(refused(confirm(device)), enrolment_expired);
    (void)begin();
    now += passkey_challenge_life - milliseconds(1);
    EXPECT_TRUE(confirm(device).outcome);
    rules.tokens.totp_setup = seconds(10);
    (void)begin();
    now += seconds(10);
    EXPECT_EQ(refused(confirm(passkey_device())), enrolment_expired);
}

TEST_F(Passkeys, ARegistrationThatIsRefused_UsesItsChallengeUp_AndIsNoMiss) {
    (void)begin();
    const auto response = device.create(user.passkey_enrolment->challenge);
    device.origin = "https://attacker.test";
    EXPECT_EQ(check_of(confirm(device)), webauthn_error::origin);
    EXPECT_EQ(user.factor_attempts.misses, 0);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_EQ(refused(confirm(response)), enrolment_unknown);
}

TEST_F(Passkeys, ACredentialThatTheAccountHas_IsNotRegisteredAgain) {
    enrol(device);
    (void)begin();
    EXPECT_EQ(check_of(confirm(device)), webauthn_error::credential_registered);
    EXPECT_EQ(user.passkeys.size(), 1u);
}

TEST_F(Passkeys, ASecondOne_KeepsTheBackupCodes_AndTenAreEnough) {
    enrol(device);
    const auto codes = user.backup_code_hashes;
    (void)begin();
    const auto second = confirm(passkey_device());
    EXPECT_FALSE(second.outcome.value().new_backup_codes);
    EXPECT_EQ(user.backup_code_hashes, codes);
    while (user.passkeys.size() < passkeys_max)
        enrol(passkey_device());
    EXPECT_EQ(refused(begin()), too_many_passkeys);
}

TEST_F(Passkeys, WithoutARelyingParty_EveryPasskeyCommandSaysSo_AndTheAccountStaysProtected) {
    enrol(device);
    const auto response = answer(device);
    rules.webauthn = {};
    EXPECT_EQ(refused(begin()), passkeys_off);
    EXPECT_EQ(refused(confirm(device.create("x"))), passkeys_off);
    EXPECT_EQ(refused(ask()), passkeys_off);
    EXPECT_EQ(refused(verify_with(response)), passkeys_off);
    EXPECT_EQ(refused(verify("000000")), wrong_code);
    EXPECT_TRUE(std::holds_alternative<second_factor_pending>(log_in().outcome.value()));
}

TEST_F(Passkeys, AnAnsweredChallenge_ProvesThePasskeyOnce) {
    enrol(device);
    user.factor_attempts.misses = 3;
    const auto response = answer(device);
    now += seconds(10);
    const auto made = verify_with(response);
    ASSERT_TRUE(made.outcome);
    EXPECT_EQ(made.outcome->method, proof_method::passkey);
    EXPECT_EQ(made.outcome->remaining_backup_codes, rules.recovery_code_count);
    EXPECT_EQ(user.factor_attempts.misses, 0);
    EXPECT_EQ(user.passkeys[0].last_used_at, now);
    EXPECT_EQ(refused(verify_with(response)), passkey_challenge_unknown);
    EXPECT_EQ(user.factor_attempts.misses, 0) << "what was not evaluated is no miss";
}

TEST_F(Passkeys, AChallenge_DiesAfterFiveMinutes_AndOfALaterOne) {
    enrol(device);
    const auto first = answer(device);
    now += passkey_challenge_life;
    EXPECT_EQ(refused(verify_with(first)), passkey_challenge_unknown);
    const auto second = answer(device);
    const auto third = answer(device);
    EXPECT_EQ(check_of(verify_with(second)), webauthn_error::challenge);
    EXPECT_EQ(refused(verify_with(third)), passkey_challenge_unknown) << "the miss used it up";
    EXPECT_TRUE(verify_with(answer(device)).outcome);
}

TEST_F(Passkeys, T10_WrongAnswers_CountWithWrongCodes_AndPauseEverything) {
    enrol(device);
    auto wrong = device;
    wrong.signature = "x";
    for (int miss = 1; miss <= rules.attempts.pause_after - 1; ++miss) {
        EXPECT_EQ(check_of(verify_with(answer(wrong))), webauthn_error::signature);
        EXPECT_EQ(user.factor_attempts.misses, miss);
    }
    const auto right = answer(device);
    EXPECT_EQ(refused(verify("000000")), wrong_code);
    EXPECT_EQ(count(event_type::sign_in_blocked), 1);
    const auto before = user;
    EXPECT_EQ(refused(verify_with(right)), blocked);
    EXPECT_EQ(refused(ask()), blocked);
    EXPECT_EQ(refused(begin()), blocked);
    EXPECT_EQ(user, before);
    now += rules.attempts.first_pause;
    EXPECT_TRUE(verify_with(right).outcome);
}

TEST_F(Passkeys, OfAnotherAccount_ProveNothingHere) {
    enrol(device);
    const passkey_device stranger;
    EXPECT_EQ(check_of(verify_with(answer(stranger))), webauthn_error::credential_not_allowed);
    auto response = answer(device);
    response.user_handle = "user_of_somebody_else";
    EXPECT_EQ(check_of(verify_with(response)), webauthn_error::user_handle);
    response = answer(device);
    response.user_handle = std::string(user_handle_of(user));
    EXPECT_TRUE(verify_with(response).outcome);
    EXPECT_EQ(count(event_type::two_factor_added), 1);
}

TEST_F(Passkeys, ACounterThatWentBack_IsAMissAndIsNotKept) {
    device.counter = 5;
    enrol(device);
    device.counter = 9;
    EXPECT_TRUE(verify_with(answer(device)).outcome);
    device.counter = 9; // of a copy, or of an assertion that was held back
    EXPECT_EQ(check_of(verify_with(answer(device))), webauthn_error::counter);
    EXPECT_EQ(user.factor_attempts.misses, 1);
    EXPECT_EQ(user.passkeys[0].credential.sign_count, 9u);
    device.counter = 10;
    EXPECT_TRUE(verify_with(answer(device)).outcome);
}

TEST_F(Passkeys, WhereThereIsNone_NothingIsAsked) {
    EXPECT_EQ(refused(ask()), factor_unknown);
    EXPECT_EQ(refused(verify_with(device.get("x"))), no_second_factor);
    give_totp();
    EXPECT_EQ(refused(ask()), factor_unknown);
    EXPECT_EQ(refused(verify_with(device.get("x"))), passkey_challenge_unknown);
    EXPECT_EQ(user.factor_attempts.misses, 0);
}

TEST_F(Passkeys, T21_AsTheOnlyFactor_NoFamilyLetsThePasswordAloneIn) {
    enrol(device);
    // Native and SlugBase: half-way, and only a backup code completes it.
    const auto pending = std::get<second_factor_pending>(log_in().outcome.value());
    EXPECT_FALSE(pending.code_mailed);
    EXPECT_EQ(refused(complete_login(pending.challenge, {.totp = "123456", .email = "123456"})),
              no_code);
    EXPECT_EQ(refused(complete_login(pending.challenge, {.any = "123456"})), wrong_code);
    EXPECT_EQ(recover(pending.challenge, backup_codes[0]).outcome.value().assurance,
              assurance_level::aal2);
    // Clara: password and code at once.
    const auto at_once = [&](std::optional<std::string> code) {
        return run(log_in_at_once{.password = password(),
                                  .code = std::move(code),
                                  .session = material(),
                                  .origin = origin()});
    };
    EXPECT_EQ(refused(at_once(std::nullopt)), no_code);
    EXPECT_EQ(refused(at_once("123456")), wrong_code);
    EXPECT_TRUE(at_once(backup_codes[1]).outcome);
    // A step-up.
    const auto session = user.sessions.back().id;
    const auto step_up = std::get<second_factor_pending>(begin_step_up(session).outcome.value());
    EXPECT_EQ(refused(complete_step_up(session, step_up.challenge, {.totp = "123456"})), no_code);
}

TEST_F(Passkeys, BesideAPasskey_TheOtherFactorsWorkAsBefore) {
    enrol(device);
    give_email_factor();
    const auto pending = std::get<second_factor_pending>(log_in(true, "424242").outcome.value());
    EXPECT_TRUE(pending.code_mailed) << "e-mail is what the family can ask for";
    EXPECT_TRUE(complete_login(pending.challenge, {.email = "424242"}).outcome);
    const auto session = user.sessions.back().id;
    EXPECT_EQ(refused(disable(proof(session), factor_method::email)), only_method)
        << "its clients could not log in again";
    EXPECT_EQ(refused(disable(proof(session), factor_method::passkey)), only_method);
    EXPECT_EQ(
        refused(run(prefer_method{.proof = proof(session), .method = factor_method::passkey})),
        method_off);
}

TEST_F(Passkeys, Removed_GoWithTheirChallengeAndTheLastWithTheBackupCodes) {
    enrol(device);
    enrol(passkey_device());
    (void)give_session();
    (void)ask();
    const auto take = [&](std::string factor) {
        return run(reset_second_factor{.factor = std::move(factor), .origin = origin()});
    };
    EXPECT_EQ(refused(take("passkey_none")), factor_unknown);
    EXPECT_TRUE(take(user.passkeys[0].id.value()).outcome);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_FALSE(user.backup_code_hashes.empty());
    EXPECT_TRUE(user.passkey_challenge);
    EXPECT_EQ(events.back().method, "passkey");
    EXPECT_EQ(events.back().label, "Key");
    EXPECT_TRUE(take(user.passkeys[0].id.value()).outcome);
    EXPECT_TRUE(user.backup_code_hashes.empty());
    EXPECT_FALSE(user.passkey_challenge);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_EQ(count(event_type::second_factor_reset), 2);
}

TEST_F(Passkeys, BackupCodes_StayWithAPasskeyWhenTotpGoes_AndTheReverse) {
    give_totp();
    enrol(device);
    const auto codes = user.backup_code_hashes;
    const auto totp = user.totp[0].id.value();
    EXPECT_TRUE(run(reset_second_factor{.factor = totp, .origin = origin()}).outcome);
    EXPECT_EQ(user.backup_code_hashes, codes);
    EXPECT_FALSE(user.preferred);
    give_totp();
    EXPECT_TRUE(run(reset_second_factor{.factor = user.passkeys[0].id.value(), .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.backup_code_hashes.size(), codes.size());
    EXPECT_TRUE(run(reset_second_factor{.origin = origin()}).outcome);
    EXPECT_TRUE(user.backup_code_hashes.empty());
}

TEST_F(Passkeys, BesideOne_TheFirstAppBringsTheCodesThatItsFamilyTells) {
    enrol(device);
    const auto codes = user.backup_code_hashes;
    ASSERT_TRUE(begin_totp(backend()).outcome);
    ASSERT_TRUE(confirm_totp(backend(), code_of(user.enrolment->device)).outcome);
    EXPECT_EQ(user.backup_code_hashes, codes) << "a backend is told that they stay";
    EXPECT_TRUE(
        run(reset_second_factor{.factor = user.totp[0].id.value(), .origin = origin()}).outcome);

    const auto session = give_session();
    now += seconds(60);
    ASSERT_TRUE(begin_totp(proof(session)).outcome);
    const auto told = user.enrolment->backup_code_hashes;
    ASSERT_NE(told, codes);
    ASSERT_TRUE(confirm_totp(proof(session), code_of(user.enrolment->device)).outcome);
    EXPECT_EQ(user.backup_code_hashes, told);
}

TEST_F(Passkeys, AResetOfAllFactors_TakesThemAndWhatIsPending) {
    enrol(device);
    (void)begin();
    (void)ask();
    EXPECT_TRUE(run(reset_second_factor{.origin = origin()}).outcome);
    EXPECT_TRUE(user.passkeys.empty());
    EXPECT_FALSE(user.passkey_enrolment);
    EXPECT_FALSE(user.passkey_challenge);
    EXPECT_TRUE(user.backup_code_hashes.empty());
}

TEST_F(Passkeys, InTheDocument_ReadBackAsTheyWere) {
    device.flags |= tests::flag_backup_eligible | tests::flag_backed_up;
    device.counter = 4'000'000'000;
    enrol(device);
    enrol(passkey_device(passkey_algorithm::rs256));
    (void)begin();
    (void)ask();
    EXPECT_EQ(account_from_document(to_document(user)).value(), user);
    EXPECT_EQ(check_invariants(user), std::nullopt);
}

TEST_F(Passkeys, ThatCannotBe_AreNoSoundAccount) {
    enrol(device);
    (void)ask();
    const auto broken = [&](auto change) {
        auto changed = user;
        change(changed);
        return check_invariants(changed).has_value();
    };
    EXPECT_FALSE(broken([](account&) {}));
    EXPECT_TRUE(broken([](account& all) { all.passkeys[0].id = passkey_id(); }));
    EXPECT_TRUE(broken([](account& all) { all.passkeys[0].credential.id.clear(); }));
    EXPECT_TRUE(broken([](account& all) { all.passkeys[0].credential.public_key.clear(); }));
    EXPECT_TRUE(broken([](account& all) { all.passkeys[0].credential.backed_up = true; }));
    EXPECT_TRUE(broken([](account& all) { all.preferred = factor_method::passkey; }));
    EXPECT_TRUE(broken(
        [](account& all) { all.passkey_enrolment = pending_passkey{.id = all.passkeys[0].id}; }));
    EXPECT_TRUE(broken([](account& all) {
        all.passkeys.push_back(all.passkeys[0]);
        all.passkeys[1].id = passkey_id("passkey_two");
    })) << "one credential twice";
    EXPECT_TRUE(broken([](account& all) {
        all.passkeys.push_back(all.passkeys[0]);
        all.passkeys[1].credential.id = "b3RoZXI";
    })) << "one id twice";
    EXPECT_TRUE(broken([](account& all) { all.passkeys.clear(); }));
    EXPECT_TRUE(broken([](account& all) {
        all.passkeys.clear();
        all.backup_code_hashes.clear();
    })) << "a challenge to nobody";
    EXPECT_TRUE(broken([](account& all) {
        for (std::size_t more = 0; more < passkeys_max; ++more) {
            auto key = all.passkeys[0];
            key.id = passkey_id("passkey_" + std::to_string(more));
            key.credential.id = std::to_string(more);
            all.passkeys.push_back(std::move(key));
        }
    }));
}

} // namespace
} // namespace countersign::core
