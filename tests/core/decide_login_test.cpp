#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

class Login : public tests::decide_test {
protected:
    // The challenge of a login whose password was right.
    challenge_id pending_login() {
        const auto made = log_in();
        return std::get<second_factor_pending>(made.outcome.value()).challenge;
    }
};
using tests::refused;
using enum refusal_reason;

TEST_F(Login, PasswordAloneOfAnAccountWithoutFactor_OpensASessionOfLevelOne) {
    const auto made = log_in();
    const auto& opened = std::get<session_opened>(made.outcome.value());
    EXPECT_EQ(opened.assurance, assurance_level::aal1);
    ASSERT_NE(user.find_session(opened.session, now), nullptr);
    EXPECT_FALSE(user.find_session(opened.session, now)->second_factor_at);
    EXPECT_EQ(count(event_type::new_login), 1);
}

TEST_F(Login, FromADeviceThatALiveSessionHas_CausesNoAlert) {
    give_session();
    EXPECT_TRUE(log_in().outcome);
    EXPECT_EQ(count(event_type::new_login), 0);
    client.browser = "Links";
    EXPECT_TRUE(log_in().outcome);
    EXPECT_EQ(count(event_type::new_login), 1);
}

TEST_F(Login, CheckOfAHashThatIsNoLongerTheAccounts_IsAWrongPassword) {
    const auto checked_too_early = password();
    user.password_hash = "hash-of-another-password";
    const auto made = run(core::log_in{.password = checked_too_early, .origin = origin()});
    EXPECT_EQ(refused(made), wrong_password);
    EXPECT_EQ(user.password_attempts.misses, 1);
}

TEST_F(Login, WithoutALocalPassword_IsAWrongPasswordWhateverWasChecked) {
    user.password_hash.clear();
    EXPECT_EQ(refused(log_in()), wrong_password);
}

TEST_F(Login, T21_PasswordOfAnAccountWithFactor_GivesNothingButAChallenge) {
    give_totp();
    const auto made = log_in();
    EXPECT_TRUE(std::holds_alternative<second_factor_pending>(made.outcome.value()));
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(user.challenges.size(), 1u);
}

TEST_F(Login, T22_PendingLoginBecomesASession_OnlyByAProvedFactor) {
    give_totp();
    const auto challenge = pending_login();
    EXPECT_EQ(refused(complete_login(challenge, {})), no_code);
    EXPECT_EQ(refused(complete_login(challenge, {.email = "111111"})), no_code);
    EXPECT_EQ(refused(complete_login(challenge, {.totp = wrong_totp_code()})), wrong_code);
    EXPECT_TRUE(user.sessions.empty());

    const auto entered = complete_login(challenge, {.totp = totp_code()});
    EXPECT_EQ(entered.outcome.value().assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(user.sessions.front().second_factor_at, now);
}

TEST_F(Login, Challenge_IsSingleUseAndExpires) {
    give_totp();
    const auto used = pending_login();
    EXPECT_TRUE(complete_login(used, {.totp = totp_code()}).outcome);
    EXPECT_EQ(refused(complete_login(used, {.totp = totp_code(1)})), challenge_unknown);

    const auto late = pending_login();
    now += rules.tokens.two_factor;
    EXPECT_EQ(refused(complete_login(late, {.totp = totp_code()})), challenge_unknown);
}

TEST_F(Login, T31_ChallengeId_IsGoodForVerifyAndResendOnly) {
    give_totp();
    give_email_factor();
    const auto challenge = pending_login();
    const session_id posing(challenge.value());
    const auto claims = proof(posing);

    EXPECT_EQ(refused(may_read(user, posing, now)), session_ended);
    EXPECT_EQ(refused(begin_totp(claims)), session_ended);
    EXPECT_EQ(refused(confirm_totp(claims, totp_code())), session_ended);
    EXPECT_EQ(refused(enable_email(claims, "111111")), session_ended);
    EXPECT_EQ(refused(disable(claims, factor_method::totp)), session_ended);
    EXPECT_EQ(refused(run(prefer_method{.proof = claims})), session_ended);
    EXPECT_EQ(refused(begin_step_up(posing)), session_ended);
    EXPECT_EQ(refused(complete_step_up(posing, challenge, {.totp = totp_code()})), session_ended);
    EXPECT_EQ(refused(send_code(posing, "333333")), session_ended);
    EXPECT_EQ(refused(run(update_profile{.by = posing, .name = "Eve"})), session_ended);
    EXPECT_EQ(refused(run(end_all_sessions{.proof = claims, .origin = origin()})), session_ended);
    EXPECT_EQ(refused(run(refresh_session{.session = posing, .presented_id = challenge.value()})),
              session_ended);

    EXPECT_TRUE(send_code(challenge, "333333").outcome);
    EXPECT_TRUE(complete_login(challenge, {.totp = totp_code()}).outcome);
}

TEST_F(Login, ChallengeOfAStepUp_CompletesNoLogin) {
    give_totp();
    const auto session = give_session();
    const auto challenge = give_challenge(challenge_purpose::step_up, session);
    EXPECT_EQ(refused(complete_login(challenge, {.totp = totp_code()})), challenge_unknown);
}

TEST_F(Login, T01_AllCodesUpToTheAcceptedStep_AreRefusedForEver) {
    give_totp();
    const auto spent = totp_code();
    const auto before = totp_code(-1);
    const auto next = totp_code(1);
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = spent}).outcome);
    for (const auto& code : {spent, before})
        EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = code})), wrong_code);

    now += seconds(30);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = spent})), wrong_code);
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = next}).outcome);
    for (const auto& code : {before, spent, next})
        EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = code})), wrong_code);
}

TEST_F(Login, T01_CodeOfTheNextStep_UsesUpThePresentOneToo) {
    give_totp();
    const auto present = totp_code();
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = totp_code(1)}).outcome);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = present})), wrong_code);
}

TEST_F(Login, T02_OnlyExactlySixAsciiDigitsAreACode_AndAllElseIsCounted) {
    rules.attempts.pause_after = 100;
    give_totp();
    const auto code = totp_code();
    int misses = 0;
    for (const auto& text : {code + " ", " " + code, code + "\n", "+" + code, "0" + code,
                             code.substr(1), std::string(), code + std::string(1, '\0'),
                             std::string("12345a"), "\xef\xbc\x91" + code.substr(1)}) {
        EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = text})), wrong_code) << text;
        EXPECT_EQ(user.factor_attempts.misses, ++misses) << text;
    }
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = code}).outcome);
}

TEST_F(Login, T03_LastAcceptedStep_NeverGoesBack_AlsoWhenTheClockDoes) {
    give_totp();
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = totp_code()}).outcome);
    const auto accepted = user.totp.front().last_accepted_step;
    now -= seconds(90);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = totp_code()})), wrong_code);
    EXPECT_EQ(user.totp.front().last_accepted_step, accepted);
}

TEST_F(Login, T05_BackupCode_IsGoodOnceAndCountedDown) {
    give_totp();
    EXPECT_TRUE(recover(give_challenge(), backup_codes[0]).outcome);
    EXPECT_EQ(user.backup_code_hashes.size(), 5u);
    ASSERT_EQ(count(event_type::recovery_code_used), 1);
    EXPECT_EQ(
        std::ranges::find(events, event_type::recovery_code_used, &event::type)->remaining_codes,
        5);
    EXPECT_EQ(refused(recover(give_challenge(), backup_codes[0])), wrong_backup_code);
    EXPECT_TRUE(recover(give_challenge(), backup_codes[1]).outcome);
    EXPECT_EQ(user.backup_code_hashes.size(), 4u);
    EXPECT_EQ(refused(recover(give_challenge(), backup_codes[1])), wrong_backup_code);
    EXPECT_TRUE(user.has(factor_method::totp));
}

TEST_F(Login, T25_CodesOfAnotherAccount_AreRefused) {
    tests::account_builder other(2);
    give_totp();
    other.give_totp();
    EXPECT_EQ(refused(recover(give_challenge(), other.backup_codes[0])), wrong_backup_code);
    // Not even the very hash, moved over, makes it good.
    user.backup_code_hashes.push_back(*other.user.backup_code_hashes.begin());
    EXPECT_EQ(refused(recover(give_challenge(), other.backup_codes[0])), wrong_backup_code);

    user.totp.clear();
    user.backup_code_hashes.clear();
    user.preferred.reset();
    give_email_factor();
    user.codes.push_back({.purpose = code_purpose::second_factor,
                          .hash = other.mail("444444").hash,
                          .expires_at = now + seconds(600),
                          .address = user.email});
    EXPECT_EQ(refused(complete_login(give_challenge(), {.email = "444444"})), wrong_code);
}

TEST_F(Login, RecoveryWithoutTotp_IsRefusedWithoutAMiss) {
    give_email_factor();
    EXPECT_EQ(refused(recover(give_challenge(), "whatever")), method_off);
    EXPECT_EQ(user.factor_attempts.misses, 0);
}

TEST_F(Login, T10_AfterTheFifthMiss_NothingIsEvaluatedUntilThePauseIsOver) {
    give_totp();
    const auto challenge = give_challenge();
    for (int miss = 0; miss < 5; ++miss)
        EXPECT_EQ(refused(complete_login(challenge, {.totp = wrong_totp_code()})), wrong_code);

    const auto before = user;
    for (int more = 0; more < 10; ++more) {
        for (const auto& code : {totp_code(), wrong_totp_code()}) {
            const auto made = complete_login(challenge, {.totp = code});
            ASSERT_EQ(refused(made), blocked);
            EXPECT_EQ(made.outcome.error().retry_after, seconds(30));
            EXPECT_FALSE(made.next);
            EXPECT_TRUE(made.events.empty());
        }
        EXPECT_EQ(refused(recover(challenge, backup_codes[0])), blocked);
    }
    EXPECT_EQ(user, before);

    now += seconds(30);
    EXPECT_TRUE(complete_login(challenge, {.totp = totp_code()}).outcome);
    EXPECT_EQ(user.factor_attempts, attempt_state{});
}

TEST_F(Login, T11_LimitsAreOnByDefault) {
    const policy defaults;
    EXPECT_EQ(defaults.attempts.pause_after, 5);
    EXPECT_EQ(defaults.attempts.first_pause, seconds(30));
    EXPECT_EQ(defaults.attempts.longest_pause, seconds(900));
    EXPECT_EQ(defaults.attempts.lock_after, 100);
    EXPECT_EQ(defaults.mails_per_hour, 5);
    EXPECT_EQ(defaults.mails_per_day, 20);
    EXPECT_LE(defaults.mailed_code_life, seconds(600));
    EXPECT_TRUE(std::ranges::all_of(defaults.alerts, [](bool on) { return on; }));
}

TEST_F(Login, T10_PausesDoubleUpToFifteenMinutes_AndAtAHundredMissesTheFactorLocks) {
    give_totp();
    constexpr std::array pauses{30,  60,  120, 240, 480, 900, 900, 900, 900, 900,
                                900, 900, 900, 900, 900, 900, 900, 900, 900};
    for (const int pause : pauses) {
        for (int miss = 0; miss < 5; ++miss)
            ASSERT_EQ(refused(complete_login(give_challenge(), {.totp = wrong_totp_code()})),
                      wrong_code);
        const auto made = complete_login(give_challenge(), {.totp = totp_code()});
        ASSERT_EQ(refused(made), blocked);
        EXPECT_EQ(made.outcome.error().retry_after, seconds(pause));
        now += seconds(pause);
    }
    EXPECT_EQ(count(event_type::sign_in_blocked), 1);
    for (int miss = 0; miss < 5; ++miss)
        ASSERT_EQ(refused(complete_login(give_challenge(), {.totp = wrong_totp_code()})),
                  wrong_code);
    EXPECT_EQ(count(event_type::sign_in_blocked), 2);
    now += std::chrono::hours(1000);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = totp_code()})), blocked);
    EXPECT_EQ(refused(recover(give_challenge(), backup_codes[0])), blocked);
}

TEST_F(Login, T10_PasswordsHaveACounterOfTheirOwn_OfTheSameShape) {
    for (int miss = 0; miss < 5; ++miss)
        EXPECT_EQ(refused(log_in(false)), wrong_password);
    EXPECT_EQ(count(event_type::sign_in_blocked), 1);
    const auto before = user;
    const auto made = log_in(true);
    EXPECT_EQ(refused(made), blocked);
    EXPECT_EQ(made.outcome.error().retry_after, seconds(30));
    EXPECT_EQ(user, before);
    EXPECT_EQ(user.factor_attempts, attempt_state{});

    now += seconds(30);
    EXPECT_TRUE(log_in(true).outcome);
    EXPECT_EQ(user.password_attempts, attempt_state{});
}

TEST_F(Login, T10_RightPassword_DoesNotForgiveMissesOfTheSecondFactor) {
    give_totp();
    for (int miss = 0; miss < 4; ++miss)
        EXPECT_EQ(refused(complete_login(pending_login(), {.totp = wrong_totp_code()})),
                  wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 4);
    EXPECT_EQ(refused(complete_login(pending_login(), {.totp = wrong_totp_code()})), wrong_code);
    EXPECT_EQ(refused(complete_login(pending_login(), {.totp = totp_code()})), blocked);
}

TEST_F(Login, T16_ManyChallengesAndNewCodes_GiveNoMoreGuesses) {
    give_email_factor();
    int evaluated = 0;
    for (int attempt = 0; attempt < 40; ++attempt) {
        const auto challenge = pending_login();
        (void)send_code(challenge, "555555");
        const auto why = refused(complete_login(challenge, {.email = "000000"}));
        if (why == wrong_code)
            ++evaluated;
        else
            EXPECT_EQ(why, blocked);
    }
    EXPECT_EQ(evaluated, 5);
}

TEST_F(Login, T16_NewMailedCode_ResetsNothing) {
    give_email_factor();
    const auto challenge = pending_login();
    for (int miss = 0; miss < 3; ++miss)
        EXPECT_EQ(refused(complete_login(challenge, {.email = "000000"})), wrong_code);
    now += rules.mail_cooldown;
    EXPECT_TRUE(send_code(challenge, "555555").outcome);
    EXPECT_EQ(user.factor_attempts.misses, 3);
}

TEST_F(Login, PreferredEmail_MailsACodeThatCompletesTheLoginOnce) {
    give_email_factor();
    const auto made = log_in(true, "123456");
    const auto pending = std::get<second_factor_pending>(made.outcome.value());
    EXPECT_TRUE(pending.code_mailed);
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::one_time_code);
    EXPECT_EQ(made.events[0].recipients, std::vector{user.email});
    EXPECT_EQ(made.events[0].expires_at, now + rules.mailed_code_life);

    EXPECT_TRUE(complete_login(pending.challenge, {.email = "123456"}).outcome);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.email = "123456"})), wrong_code);
}

TEST_F(Login, SecondLoginWithinTheCooldown_LeavesTheMailedCodeGood) {
    give_email_factor();
    EXPECT_TRUE(log_in(true, "123456").outcome);
    const auto again = std::get<second_factor_pending>(log_in(true, "654321").outcome.value());
    EXPECT_FALSE(again.code_mailed);
    EXPECT_EQ(count(event_type::one_time_code), 1);
    EXPECT_EQ(refused(complete_login(again.challenge, {.email = "654321"})), wrong_code);
    EXPECT_TRUE(complete_login(again.challenge, {.email = "123456"}).outcome);
}

TEST_F(Login, ExpiredBeatsWrong_AndIsNoMiss) {
    give_email_factor();
    EXPECT_TRUE(log_in(true, "123456").outcome);
    now += rules.mailed_code_life;
    for (const auto* code : {"123456", "000000"})
        EXPECT_EQ(refused(complete_login(give_challenge(), {.email = code})), code_expired);
    EXPECT_EQ(user.factor_attempts.misses, 0);
}

TEST_F(Login, CodesOffered_CountAsTheContractSays) {
    struct row {
        bool totp_on, email_on;
        factor_method preferred;
        bool offer_totp, offer_email;
        std::optional<refusal_reason> why;
    };
    using enum factor_method;
    const std::array rows{
        row{true, false, totp, true, false, std::nullopt},
        row{true, false, totp, false, true, no_code},
        row{true, true, totp, false, true, no_code}, // no step down to the weaker factor
        row{true, true, totp, true, true, std::nullopt},
        row{true, true, email, false, true, std::nullopt},
        row{true, true, email, true, false, std::nullopt},
        row{false, true, email, true, false, no_code},
        row{false, true, email, false, true, std::nullopt},
        row{false, true, email, false, false, no_code},
    };
    const auto fresh = user;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const auto& r = rows[at];
        SCOPED_TRACE(at);
        user = fresh;
        give_totp();
        give_email_factor();
        user.preferred = r.preferred;
        EXPECT_TRUE(send_code(give_challenge(), "123456").outcome);
        presented_code offered;
        if (r.offer_totp) offered.totp = totp_code();
        if (r.offer_email) offered.email = "123456";
        if (!r.totp_on) {
            user.totp.clear();
            user.backup_code_hashes.clear();
        }
        if (!r.email_on) user.email_factor_since.reset();
        EXPECT_EQ(refused(complete_login(give_challenge(), offered)), r.why);
        EXPECT_EQ(user.factor_attempts.misses, 0);
    }
}

TEST_F(Login, BothCodesOffered_TheTotpCodeDecides) {
    give_totp();
    give_email_factor();
    EXPECT_TRUE(send_code(give_challenge(), "123456").outcome);
    EXPECT_EQ(
        refused(complete_login(give_challenge(), {.totp = wrong_totp_code(), .email = "123456"})),
        wrong_code);
}

TEST_F(Login, ConcurrentValidLogins_AllSucceed) {
    give_totp();
    const auto first = pending_login();
    const auto second = pending_login();
    EXPECT_TRUE(complete_login(first, {.totp = totp_code(-1)}).outcome);
    EXPECT_TRUE(complete_login(second, {.totp = totp_code()}).outcome);
    EXPECT_EQ(user.sessions.size(), 2u);
}

TEST_F(Login, AboveTheCaps_TheOldestSessionAndChallengeGo) {
    rules.sessions_max = 3;
    rules.challenges_max = 2;
    const auto oldest = give_session();
    const auto orphan = give_challenge(challenge_purpose::step_up, oldest);
    const auto kept = give_session();
    give_session();
    EXPECT_TRUE(log_in().outcome);
    EXPECT_EQ(user.sessions.size(), 3u);
    EXPECT_EQ(user.find_session(oldest, now), nullptr);
    EXPECT_NE(user.find_session(kept, now), nullptr);
    EXPECT_TRUE(user.challenges.empty()); // a step-up goes with its session

    give_totp();
    const auto first = pending_login();
    const auto second = pending_login();
    const auto third = pending_login();
    EXPECT_EQ(refused(complete_login(first, {.totp = totp_code()})), challenge_unknown);
    EXPECT_TRUE(complete_login(second, {.totp = totp_code()}).outcome);
    EXPECT_TRUE(complete_login(third, {.totp = totp_code(1)}).outcome);
    EXPECT_EQ(refused(recover(orphan, backup_codes[0])), challenge_unknown);
}

TEST_F(Login, Refresh_RotatesTheTokenAndKeepsTheLevel) {
    const auto session = give_session(assurance_level::aal1, "first");
    const auto made = run(refresh_session{
        .session = session, .presented_id = "first", .next_id = "second", .origin = origin()});
    EXPECT_EQ(made.outcome.value().assurance, assurance_level::aal1);
    now += seconds(60);
    EXPECT_TRUE(run(refresh_session{.session = session,
                                    .presented_id = "second",
                                    .next_id = "third",
                                    .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.sessions.front().expires_at, now + rules.tokens.refresh);
}

TEST_F(Login, RefreshTokenUsedAgain_EndsTheSession) {
    const auto session = give_session(assurance_level::aal1, "first");
    const refresh_session command{
        .session = session, .presented_id = "first", .next_id = "second", .origin = origin()};
    EXPECT_TRUE(run(command).outcome);
    EXPECT_EQ(refused(run(command)), refresh_reused);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(refused(run(refresh_session{.session = session, .presented_id = "second"})),
              session_ended);
}

TEST_F(Login, T34_EndedSession_IsRefusedAtItsNextRequest) {
    give_totp();
    enum class how { log_out, end_one, end_all, reused_refresh, expiry };
    for (const auto way :
         {how::log_out, how::end_one, how::end_all, how::reused_refresh, how::expiry}) {
        SCOPED_TRACE(static_cast<int>(way));
        const auto other = give_session(assurance_level::aal2);
        const auto ended = give_session(assurance_level::aal2);
        const auto challenge = give_challenge(challenge_purpose::step_up, ended);
        EXPECT_FALSE(may_read(user, ended, now));
        switch (way) {
        case how::log_out:
            EXPECT_TRUE(run(log_out{.session = ended}).outcome);
            break;
        case how::end_one:
            EXPECT_TRUE(run(end_session{.proof = proof(other), .target = ended}).outcome);
            EXPECT_FALSE(may_read(user, other, now));
            break;
        case how::end_all:
            EXPECT_TRUE(run(end_all_sessions{.proof = proof(other), .origin = origin()}).outcome);
            break;
        case how::reused_refresh:
            EXPECT_EQ(refused(run(refresh_session{.session = ended, .presented_id = "stolen"})),
                      refresh_reused);
            break;
        case how::expiry:
            now += rules.tokens.refresh;
            break;
        }
        EXPECT_EQ(refused(may_read(user, ended, now)), session_ended);
        EXPECT_EQ(refused(run(refresh_session{.session = ended, .presented_id = "refresh"})),
                  session_ended);
        EXPECT_EQ(refused(begin_step_up(ended)), session_ended);
        EXPECT_EQ(refused(disable(proof(ended), factor_method::totp)), session_ended);
        // Nor does a step-up that it had begun lead back in.
        EXPECT_EQ(refused(recover(challenge, backup_codes[0])), challenge_unknown);
    }
}

TEST_F(Login, LogOutOfAnEndedSession_ChangesNothing) {
    const auto made = run(log_out{.session = session_id("gone")});
    EXPECT_TRUE(made.outcome);
    EXPECT_FALSE(made.next);
}

TEST_F(Login, EndingASessionThatIsNotThere_IsRefused) {
    const auto session = give_session();
    EXPECT_EQ(refused(run(end_session{.proof = proof(session), .target = session_id("gone")})),
              no_such_session);
}

TEST_F(Login, SwitchedOffAlerts_AreMailedToNobody) {
    rules.alerts.fill(false);
    give_totp();
    EXPECT_TRUE(recover(give_challenge(), backup_codes[0]).outcome);
    for (int miss = 0; miss < 5; ++miss) {
        (void)complete_login(give_challenge(), {.totp = wrong_totp_code()});
        (void)log_in(false);
    }
    EXPECT_EQ(mailed(), 0);
    EXPECT_EQ(count(event_type::recovery_code_used), 1) << "the history has it";
}

TEST_F(Login, SecretThatCannotBeDecrypted_FailsClosedAndCountsNoMiss) {
    give_totp();
    user.totp.front().sealed_secret = "lost." + user.totp.front().sealed_secret.substr(5);
    EXPECT_THROW((void)complete_login(give_challenge(), {.totp = "123456"}), std::runtime_error);
    EXPECT_EQ(user.factor_attempts.misses, 0);
}

} // namespace
} // namespace countersign::core
