// Changes of factors that a code proves rather than a step-up, and the administrator's reset.
#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class CodeProof : public tests::decide_test {
protected:
    session_id session = give_session();

    auto remove(std::string code, std::optional<password_check> given, requester by = backend()) {
        return run(remove_totp{.by = std::move(by),
                               .proof = {.code = std::move(code), .password = std::move(given)},
                               .origin = origin()});
    }
    auto remove(std::string code) { return remove(std::move(code), password()); }
    auto renew(std::string code, std::optional<password_check> given, requester by = backend()) {
        return run(
            renew_backup_codes{.by = std::move(by),
                               .proof = {.code = std::move(code), .password = std::move(given)},
                               .backup_code_hashes = make_backup_hashes(),
                               .origin = origin()});
    }
    auto renew(std::string code) { return renew(std::move(code), password()); }
    auto switch_email(bool on, std::string code) {
        return run(switch_email_factor{
            .by = session, .on = on, .code = std::move(code), .origin = origin()});
    }
    auto reset(std::optional<std::string> factor = std::nullopt) {
        return run(reset_second_factor{.factor = std::move(factor), .origin = origin()});
    }
};

TEST_F(CodeProof, RemovingTotp_TakesTheBackupCodesWithItAndKeepsTheSessions) {
    give_totp();
    const auto label = user.totp.front().label;
    EXPECT_TRUE(remove(totp_code(), password(), session).outcome);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_TRUE(user.backup_code_hashes.empty());
    EXPECT_FALSE(user.preferred);
    EXPECT_EQ(user.sessions.size(), 1u);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, event_type::two_factor_removed);
    EXPECT_EQ(events[0].method, "totp");
    EXPECT_EQ(events[0].label, label);
    EXPECT_EQ(refused(remove("123456")), method_off_already);
}

TEST_F(CodeProof, Removal_RefusesInTheOrderOfTheContract) {
    struct row {
        bool stands, totp_on, removable, password_given, is_blocked, password_right, code_right;
        std::optional<refusal_reason> why;
    };
    // Each row mends the first thing that was wrong in the row before; slugbase section 2.3.
    const std::array rows{
        row{false, false, false, false, true, false, false, session_ended},
        row{true, false, false, false, true, false, false, method_off_already},
        row{true, true, false, false, true, false, false, only_method},
        row{true, true, true, false, true, false, false, password_missing},
        row{true, true, true, true, true, false, false, blocked},
        row{true, true, true, true, false, false, false, wrong_password},
        row{true, true, true, true, false, true, false, wrong_code},
        row{true, true, true, true, false, true, true, std::nullopt},
    };
    const auto fresh = user;
    for (const bool renewing : {false, true})
        for (std::size_t at = 0; at < rows.size(); ++at) {
            SCOPED_TRACE(at);
            const auto& r = rows[at];
            if (renewing && r.why == only_method) continue; // nothing is removed
            user = fresh;
            if (r.totp_on) give_totp();
            if (r.is_blocked)
                user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
            rules.require_second_factor = !r.removable;
            const requester by = r.stands ? session : session_id("gone");
            const auto code = !r.totp_on     ? "123456"
                              : r.code_right ? totp_code()
                                             : wrong_totp_code();
            const auto given =
                r.password_given ? std::optional(password(r.password_right)) : std::nullopt;
            const auto before = user;
            const auto why =
                renewing ? refused(renew(code, given, by)) : refused(remove(code, given, by));
            EXPECT_EQ(why, r.why);
            EXPECT_EQ(user.password_attempts.misses, r.why == wrong_password);
            if (r.why == wrong_code) {
                EXPECT_EQ(user.factor_attempts.misses, 1);
            }
            if (r.why && r.why != wrong_password && r.why != wrong_code) {
                EXPECT_EQ(user, before);
            }
        }
}

TEST_F(CodeProof, WithoutALocalPassword_TheCodeAloneCounts) {
    user.password_hash.clear();
    give_totp();
    EXPECT_TRUE(remove(totp_code(), std::nullopt).outcome);
}

TEST_F(CodeProof, CheckOfAnEarlierPassword_IsAWrongPassword) {
    give_totp();
    const auto checked_too_early = password();
    user.password_hash = "hash-of-another-password";
    EXPECT_EQ(refused(remove(totp_code(), checked_too_early)), wrong_password);
    EXPECT_TRUE(user.has(factor_method::totp));
}

TEST_F(CodeProof, T30_MailedCode_DoesNotTakeTotpAwayNorRenewItsBackupCodes) {
    give_totp();
    give_email_factor();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_EQ(refused(remove("333333")), wrong_code);
    EXPECT_EQ(refused(renew("333333")), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 2);
    EXPECT_TRUE(verify("333333").outcome); // it was not used up
}

TEST_F(CodeProof, T05_BackupCode_ProvesOnceAndIsAlertedAbout) {
    give_totp();
    const auto code = backup_codes[0];
    EXPECT_TRUE(renew(code).outcome);
    EXPECT_EQ(count(event_type::recovery_code_used), 1);
    EXPECT_EQ(refused(remove(code)), wrong_code);
    EXPECT_TRUE(remove(backup_codes[0]).outcome); // one of the new set
    EXPECT_EQ(count(event_type::recovery_code_used), 2);
    EXPECT_EQ(count(event_type::two_factor_removed), 1);
}

TEST_F(CodeProof, T01_CodeThatRenewed_IsUsedUp) {
    give_totp();
    const auto code = totp_code();
    EXPECT_TRUE(renew(code).outcome);
    EXPECT_EQ(refused(remove(code)), wrong_code);
    EXPECT_EQ(refused(verify(code)), wrong_code);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = code})), wrong_code);
    EXPECT_TRUE(user.has(factor_method::totp));
}

TEST_F(CodeProof, Renewal_ReplacesEveryOldCodeAndIsAlertedAbout) {
    give_totp();
    while (user.backup_code_hashes.size() > 2)
        user.backup_code_hashes.erase(0);
    const auto old = backup_codes;
    EXPECT_TRUE(renew(totp_code()).outcome);
    EXPECT_EQ(user.backup_code_hashes.size(), 6u);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, event_type::recovery_codes_created);
    EXPECT_EQ(events[0].remaining_codes, 6);
    for (const auto& code : {old[0], old[1]})
        EXPECT_EQ(refused(recover(give_challenge(), code)), wrong_backup_code);
    EXPECT_TRUE(recover(give_challenge(), backup_codes[0]).outcome);
}

TEST_F(CodeProof, T10_PasswordsAndCodes_AreCountedApart) {
    give_totp();
    for (int miss = 0; miss < 4; ++miss)
        EXPECT_EQ(refused(remove(totp_code(), password(false))), wrong_password);
    EXPECT_EQ(user.password_attempts.misses, 4);
    EXPECT_EQ(user.factor_attempts.misses, 0);
    // The right password forgives passwords, not codes; also where the code is wrong.
    EXPECT_EQ(refused(remove(wrong_totp_code())), wrong_code);
    EXPECT_EQ(user.password_attempts.misses, 0);
    EXPECT_EQ(user.factor_attempts.misses, 1);

    for (int miss = 0; miss < 5; ++miss)
        EXPECT_EQ(refused(remove(totp_code(), password(false))), wrong_password);
    const auto before = user;
    EXPECT_EQ(refused(remove(totp_code())), blocked);
    EXPECT_EQ(refused(remove(wrong_totp_code())), blocked);
    EXPECT_EQ(user, before); // no code was looked at
}

TEST_F(CodeProof, T12_WhileCodesPause_NothingIsEvaluated) {
    give_totp();
    EXPECT_TRUE(mail_code("333333").outcome);
    user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    const auto before = user;
    for (const bool right : {true, false}) {
        const auto code = right ? totp_code() : wrong_totp_code();
        EXPECT_EQ(refused(remove(code)), blocked);
        EXPECT_EQ(refused(remove(code, password(false))), blocked);
        EXPECT_EQ(refused(renew(code)), blocked);
        EXPECT_EQ(refused(switch_email(true, right ? "333333" : "000000")), blocked);
    }
    EXPECT_EQ(user, before);
    EXPECT_EQ(count(event_type::recovery_code_used), 0);
}

TEST_F(CodeProof, PolicyThatWantsASecondFactor_KeepsTheLastOneInEveryPath) {
    rules.require_second_factor = true;
    give_totp();
    EXPECT_EQ(refused(remove(totp_code())), only_method);
    EXPECT_EQ(user.totp.front().last_accepted_step, totp_step{}); // nothing was evaluated
    give_email_factor();
    EXPECT_TRUE(remove(totp_code()).outcome);
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_EQ(refused(switch_email(false, "333333")), only_method);
    EXPECT_EQ(refused(run(update_subject{.email_factor = false, .origin = origin()})), only_method);
    EXPECT_TRUE(switch_email(true, "333333").outcome); // what is on may be asked for
    EXPECT_TRUE(user.has(factor_method::email));
    // An administrator may: how else would somebody without the factor come back in?
    EXPECT_TRUE(reset().outcome);
    EXPECT_FALSE(user.has_second_factor());
}

TEST_F(CodeProof, SwitchingEmail_IsByMailedCodeWhateverItIsNow) {
    int mailed = 0;
    const auto code = [&] {
        now += rules.mail_cooldown;
        const auto text = std::to_string(100'000 + ++mailed);
        EXPECT_TRUE(mail_code(text).outcome);
        return text;
    };
    EXPECT_TRUE(switch_email(false, code()).outcome);
    EXPECT_TRUE(events.back().type == event_type::one_time_code); // was off: nothing to tell
    EXPECT_TRUE(switch_email(true, code()).outcome);
    EXPECT_EQ(user.preferred, factor_method::email);
    const auto since = user.email_factor_since;
    EXPECT_TRUE(switch_email(true, code()).outcome);
    EXPECT_EQ(user.email_factor_since, since);
    EXPECT_EQ(count(event_type::two_factor_added), 1);
    EXPECT_TRUE(switch_email(false, code()).outcome);
    EXPECT_TRUE(switch_email(false, code()).outcome);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_EQ(count(event_type::two_factor_removed), 1);
    EXPECT_EQ(events.back().type, event_type::one_time_code);
}

TEST_F(CodeProof, T06_CodeThatSwitchedEmail_IsUsedUpAlsoWhereNothingChanged) {
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_TRUE(switch_email(false, "333333").outcome);
    EXPECT_EQ(refused(switch_email(true, "333333")), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 1);
}

TEST_F(CodeProof, T33_SwitchingEmailOn_EndsEverySessionButTheOneThatProvedIt) {
    give_session();
    give_challenge();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_TRUE(switch_email(true, "333333").outcome);
    ASSERT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(user.sessions.front().id, session);
    EXPECT_EQ(user.sessions.front().assurance, assurance_level::aal2);
    EXPECT_TRUE(user.challenges.empty());

    give_session();
    now += rules.mail_cooldown;
    EXPECT_TRUE(mail_code("444444").outcome);
    EXPECT_TRUE(switch_email(false, "444444").outcome);
    EXPECT_EQ(user.sessions.size(), 2u); // switching off ends none
    now += rules.mail_cooldown;
    EXPECT_TRUE(mail_code("555555").outcome);
    EXPECT_TRUE(
        run(switch_email_factor{.by = backend(), .on = true, .code = "555555", .origin = origin()})
            .outcome);
    EXPECT_TRUE(user.sessions.empty()); // no session asked, none has proved it
}

TEST_F(CodeProof, T30_MailedCode_TouchesTheEmailFactorOnly) {
    give_totp();
    const auto before = user;
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_TRUE(switch_email(true, "333333").outcome);
    EXPECT_EQ(user.preferred, factor_method::totp);
    now += rules.mail_cooldown;
    EXPECT_TRUE(mail_code("444444").outcome);
    EXPECT_TRUE(switch_email(false, "444444").outcome);
    EXPECT_EQ(user.totp, before.totp);
    EXPECT_EQ(user.backup_code_hashes, before.backup_code_hashes);
    EXPECT_EQ(user.preferred, factor_method::totp);
}

TEST_F(CodeProof, T14_MissesOfSwitching_AreMissesOfTheFactor) {
    EXPECT_TRUE(mail_code("333333").outcome);
    for (int miss = 0; miss < 5; ++miss)
        EXPECT_EQ(refused(switch_email(true, "000000")), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 5);
    EXPECT_EQ(count(event_type::sign_in_blocked), 1);
    EXPECT_EQ(refused(switch_email(true, "333333")), blocked);
    now += rules.mailed_code_life;
    EXPECT_EQ(refused(switch_email(true, "333333")), code_expired);
    EXPECT_EQ(user.factor_attempts.misses, 5);
}

TEST_F(CodeProof, T34_RequesterThatDoesNotStand_ChangesNothing) {
    give_totp();
    for (const requester& by :
         {requester(session_id("gone")), requester(api_token_hash("revoked"))}) {
        EXPECT_EQ(refused(remove(totp_code(), password(), by)), session_ended);
        EXPECT_EQ(refused(renew(totp_code(), password(), by)), session_ended);
        EXPECT_EQ(refused(run(switch_email_factor{.by = by, .on = true, .code = "1"})),
                  session_ended);
    }
}

TEST_F(CodeProof, Reset_TakesEveryFactorSessionAndApiToken) {
    give_totp();
    give_email_factor();
    give_api_token();
    give_challenge();
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_TRUE(begin_totp(backend()).outcome);
    events.clear();
    EXPECT_TRUE(reset().outcome);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_FALSE(user.preferred);
    EXPECT_FALSE(user.enrolment);
    EXPECT_TRUE(user.backup_code_hashes.empty());
    EXPECT_TRUE(user.codes.empty());
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_TRUE(user.challenges.empty());
    EXPECT_TRUE(user.api_tokens.empty());
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, event_type::second_factor_reset);
    EXPECT_EQ(events[0].method, "");
    EXPECT_TRUE(reset().outcome);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_TRUE(events[1].recipients.empty()); // there was nothing left to take
}

TEST_F(CodeProof, Reset_UndoesTheLockAfterAHundredMisses) {
    give_totp();
    user.factor_attempts = {.misses = 100, .blocked_until = now};
    user.password_attempts = {.misses = 100, .blocked_until = now};
    now += std::chrono::hours(1000);
    EXPECT_EQ(refused(verify(totp_code())), blocked);
    EXPECT_EQ(refused(log_in()), blocked);
    EXPECT_TRUE(reset().outcome);
    EXPECT_EQ(user.factor_attempts, attempt_state{});
    EXPECT_TRUE(log_in().outcome);
    EXPECT_TRUE(begin_totp(backend()).outcome);
    EXPECT_TRUE(confirm_totp(backend(), code_of(user.enrolment->device)).outcome);
}

TEST_F(CodeProof, ResetOfOneDevice_LeavesTheOthersAndTheBackupCodes) {
    give_totp();
    user.totp.push_back(make_device("tablet"));
    give_email_factor();
    give_api_token();
    EXPECT_TRUE(reset(user.totp.front().id.value()).outcome);
    ASSERT_EQ(user.totp.size(), 1u);
    EXPECT_EQ(user.totp.front().label, "tablet");
    EXPECT_EQ(user.backup_code_hashes.size(), 6u);
    EXPECT_EQ(user.preferred, factor_method::totp);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(user.api_tokens.size(), 1u);
    EXPECT_EQ(events.back().type, event_type::second_factor_reset);
    EXPECT_EQ(events.back().method, "totp");
    EXPECT_EQ(events.back().label, "phone");

    EXPECT_TRUE(reset(user.totp.front().id.value()).outcome);
    EXPECT_TRUE(user.backup_code_hashes.empty());
    EXPECT_EQ(user.preferred, factor_method::email);
}

TEST_F(CodeProof, ResetOfEmail_LeavesTotp) {
    give_totp();
    give_email_factor();
    user.preferred = factor_method::email;
    EXPECT_TRUE(mail_code("333333").outcome);
    EXPECT_TRUE(reset("email").outcome);
    EXPECT_EQ(user.methods(), std::vector{factor_method::totp});
    EXPECT_EQ(user.preferred, factor_method::totp);
    EXPECT_TRUE(user.codes.empty());
    EXPECT_EQ(events.back().method, "email");
}

TEST_F(CodeProof, ResetOfAFactorThatIsNotThere_ChangesNothing) {
    give_totp();
    const auto before = user;
    for (const auto* name : {"email", "totp", "totp_0123", ""})
        EXPECT_EQ(refused(reset(name)), factor_unknown) << name;
    EXPECT_EQ(user, before);
    EXPECT_TRUE(events.empty());
}

TEST_F(CodeProof, SwitchedOffAlerts_AreMailedToNobody) {
    rules.alerts.fill(false);
    give_totp();
    EXPECT_TRUE(renew(totp_code()).outcome);
    EXPECT_TRUE(remove(backup_codes[0]).outcome);
    give_email_factor();
    EXPECT_TRUE(reset().outcome);
    EXPECT_EQ(mailed(), 0);
    EXPECT_EQ(count(event_type::second_factor_reset), 1) << "the history has it";
}

} // namespace
} // namespace countersign::core
