// Codes and logins of the families that do it in one request, or for a backend.
#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class Verification : public tests::decide_test {
protected:
    auto at_once(std::optional<std::string> code, bool right_password = true) {
        return run(log_in_at_once{.password = password(right_password),
                                  .code = std::move(code),
                                  .session = material(),
                                  .origin = origin()});
    }
    auto vouch(std::optional<std::string> code = std::nullopt) {
        return run(vouch_for_login{.code = std::move(code),
                                   .session = material(),
                                   .challenge = challenge_id(random.hex(16)),
                                   .mail = mail("222222"),
                                   .origin = origin()});
    }
};

TEST_F(Verification, AtOnce_WithoutAFactorThePasswordIsAll) {
    const auto made = at_once(std::nullopt);
    EXPECT_EQ(made.outcome.value().assurance, assurance_level::aal1);
    EXPECT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(count(event_type::new_login), 1);
    EXPECT_EQ(refused(at_once(std::nullopt, false)), wrong_password);
}

TEST_F(Verification, T21_AtOnce_ThePasswordAloneGivesNothingWhereAFactorIsOn) {
    give_totp();
    const auto before = user;
    const auto made = at_once(std::nullopt);
    EXPECT_EQ(refused(made), no_code);
    EXPECT_EQ(user, before);
    EXPECT_EQ(refused(at_once(wrong_totp_code())), wrong_code);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_TRUE(user.challenges.empty());
    EXPECT_EQ(at_once(totp_code()).outcome.value().assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.front().second_factor_at, now);
}

TEST_F(Verification, AtOnce_TakesWhicheverCodeTheAccountCanGive) {
    give_totp();
    give_email_factor();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_TRUE(at_once("333333").outcome);
    EXPECT_TRUE(at_once(totp_code()).outcome);
    EXPECT_TRUE(at_once(backup_codes[0]).outcome);
    EXPECT_EQ(user.sessions.size(), 3u);
    EXPECT_EQ(refused(at_once("333333")), wrong_code);
}

TEST_F(Verification, T10_AtOnce_AWrongPasswordIsNoMissOfTheCodeAndTheReverse) {
    give_totp();
    const auto code = totp_code();
    EXPECT_EQ(refused(at_once(code, false)), wrong_password);
    EXPECT_EQ(user.password_attempts.misses, 1);
    EXPECT_EQ(user.factor_attempts.misses, 0);
    EXPECT_EQ(refused(at_once(wrong_totp_code())), wrong_code);
    EXPECT_EQ(user.password_attempts.misses, 0);
    EXPECT_EQ(user.factor_attempts.misses, 1);
    EXPECT_TRUE(at_once(code).outcome); // the wrong password had not used it up
}

TEST_F(Verification, Vouched_WithoutAFactorIsInAtLevelOne) {
    const auto made = vouch("123456"); // a code where none is asked for proves nothing
    EXPECT_EQ(std::get<session_opened>(made.outcome.value()).assurance, assurance_level::aal1);
    EXPECT_EQ(user.sessions.front().assurance, assurance_level::aal1);
    EXPECT_FALSE(user.sessions.front().second_factor_at);
}

TEST_F(Verification, T21_T22_Vouched_IsNoSessionWithoutAProvedFactor) {
    give_totp();
    const auto made = vouch();
    const auto pending = std::get<second_factor_pending>(made.outcome.value());
    EXPECT_FALSE(pending.code_mailed);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(refused(vouch(wrong_totp_code())), wrong_code);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(user.factor_attempts.misses, 1);

    EXPECT_TRUE(complete_login(pending.challenge, {.any = totp_code()}).outcome);
    const auto entered = vouch(totp_code(1));
    EXPECT_EQ(std::get<session_opened>(entered.outcome.value()).assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.size(), 2u);
}

TEST_F(Verification, Vouched_WhoPrefersEmailIsMailedACode) {
    user.password_hash.clear(); // nor is a local password needed
    give_email_factor();
    const auto pending = std::get<second_factor_pending>(vouch().outcome.value());
    EXPECT_TRUE(pending.code_mailed);
    EXPECT_EQ(count(event_type::one_time_code), 1);
    EXPECT_TRUE(std::holds_alternative<session_opened>(vouch("222222").outcome.value()));
}

TEST_F(Verification, VerifiedCode_SaysWhichItWasAndHowManyAreLeft) {
    give_totp();
    give_email_factor();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_EQ(verify(totp_code()).outcome.value().method, proof_method::totp);
    EXPECT_EQ(verify("333333").outcome.value().method, proof_method::email);
    EXPECT_EQ(verify("333333").outcome.has_error(), true);
    const auto by_backup = verify(backup_codes[3]);
    EXPECT_EQ(by_backup.outcome.value().method, proof_method::backup_code);
    EXPECT_EQ(by_backup.outcome.value().remaining_backup_codes, 5);
    EXPECT_EQ(count(event_type::recovery_code_used), 1);
    EXPECT_TRUE(user.sessions.empty());
}

TEST_F(Verification, T01_StepUsedByOnePath_IsUsedForEveryOther) {
    give_totp();
    const auto code = totp_code();
    EXPECT_TRUE(verify(code).outcome);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = code})), wrong_code);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.any = code})), wrong_code);
    EXPECT_EQ(refused(at_once(code)), wrong_code);
    EXPECT_EQ(refused(vouch(code)), wrong_code);
    now += seconds(60);

    const auto next = totp_code();
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = next}).outcome);
    EXPECT_EQ(refused(verify(next)), wrong_code);
}

TEST_F(Verification, T02_OnlyExactlySixDigitsAreACode_OnThisPathToo) {
    rules.attempts.pause_after = 100;
    give_totp();
    const auto code = totp_code();
    int misses = 0;
    for (const auto& text : {code + " ", " " + code, "+" + code, "0" + code, code.substr(1),
                             std::string(), code + std::string(1, '\0')}) {
        EXPECT_EQ(refused(verify(text)), wrong_code) << text;
        EXPECT_EQ(user.factor_attempts.misses, ++misses);
    }
    EXPECT_TRUE(verify(code).outcome);
}

TEST_F(Verification, T14_MissesOverEveryCommand_AddUpToOnePause) {
    give_totp();
    const auto wrong = wrong_totp_code();
    EXPECT_EQ(refused(verify(wrong)), wrong_code);
    EXPECT_EQ(refused(at_once(wrong)), wrong_code);
    EXPECT_EQ(refused(vouch(wrong)), wrong_code);
    EXPECT_EQ(refused(run(remove_totp{.by = backend(),
                                      .proof = {.code = wrong, .password = password()},
                                      .origin = origin()})),
              wrong_code);
    EXPECT_EQ(count(event_type::sign_in_blocked), 0);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.any = wrong})), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 5);
    EXPECT_EQ(count(event_type::sign_in_blocked), 1);

    // T-12: each refuses the right code now.
    const auto before = user;
    EXPECT_EQ(refused(verify(totp_code())), blocked);
    EXPECT_EQ(refused(at_once(totp_code())), blocked);
    EXPECT_EQ(refused(vouch(totp_code())), blocked);
    EXPECT_EQ(
        refused(run(renew_backup_codes{.by = backend(),
                                       .proof = {.code = backup_codes[0], .password = password()},
                                       .origin = origin()})),
        blocked);
    EXPECT_EQ(user, before);
}

TEST_F(Verification, OneWrongCode_IsOneMissWhateverItIsComparedWith) {
    give_totp();
    user.totp.push_back(make_device("tablet"));
    give_email_factor();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_EQ(refused(verify("no such code")), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 1);
    EXPECT_EQ(user.backup_code_hashes.size(), 6u);
    EXPECT_EQ(user.codes.size(), 1u);
}

TEST_F(Verification, T38_MailedCodeOfAFactorThatIsOff_ProvesNothing) {
    give_totp();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_EQ(refused(verify("333333")), wrong_code);
    EXPECT_EQ(refused(at_once("333333")), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 2);
}

TEST_F(Verification, ExpiredMailedCode_IsNoMissWhereNothingElseWasCompared) {
    give_email_factor();
    EXPECT_TRUE(mail_code("333333").outcome);
    now += rules.mailed_code_life;
    EXPECT_EQ(refused(verify("333333")), code_expired);
    EXPECT_EQ(refused(verify("000000")), code_expired);
    EXPECT_EQ(user.factor_attempts.misses, 0);
    // With an app beside it every code was compared with the app's: that is a guess.
    give_totp();
    EXPECT_EQ(refused(verify(wrong_totp_code())), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 1);
}

TEST_F(Verification, WithoutASecondFactor_ThereIsNothingToVerify) {
    const auto made = verify("123456");
    EXPECT_EQ(refused(made), no_second_factor);
    EXPECT_FALSE(made.next);
}

TEST_F(Verification, T25_ImportedBackupCode_IsGoodOnceAndForItsAccountOnly) {
    give_totp();
    const std::string digest = // of "0123456789abcdef"
        "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";
    tests::account_builder other(2);
    user.backup_code_hashes = {codes.hash_backup_digest(other.user.id, digest)};
    EXPECT_EQ(refused(verify("0123456789abcdef")), wrong_code);
    user.backup_code_hashes = {codes.hash_backup_digest(user.id, digest)};
    EXPECT_EQ(refused(verify(digest)), wrong_code); // the digest itself is no code
    EXPECT_EQ(verify("0123456789ABCDEF").outcome.value().method, proof_method::backup_code);
    EXPECT_EQ(refused(verify("0123456789abcdef")), wrong_code);
}

} // namespace
} // namespace countersign::core
