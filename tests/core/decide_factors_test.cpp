#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

class Factors : public tests::decide_test {
protected:
    session_id session = give_session(assurance_level::aal2);

    // The code that the device of the pending enrolment shows.
    std::string enrolment_code() { return code_of(user.enrolment->device); }
};
using tests::refused;
using enum refusal_reason;

TEST_F(Factors, Enrolment_TurnsTotpOnWithItsBackupCodesAndOneAlert) {
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_TRUE(events.empty());
    EXPECT_TRUE(confirm_totp(proof(session), enrolment_code()).outcome);
    EXPECT_TRUE(user.has(factor_method::totp));
    EXPECT_EQ(user.preferred, factor_method::totp);
    EXPECT_EQ(user.backup_code_hashes.size(), 6u);
    EXPECT_FALSE(user.enrolment);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].type, event_type::two_factor_added);
    EXPECT_EQ(events[0].method, "totp");
    EXPECT_EQ(events[0].label, "phone");
}

TEST_F(Factors, T01_ConfirmingCode_UsesUpItsStep) {
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    const auto code = enrolment_code();
    EXPECT_TRUE(confirm_totp(proof(session), code).outcome);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = code})), wrong_code);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = totp_code(-1)})), wrong_code);
    EXPECT_TRUE(complete_login(give_challenge(), {.totp = totp_code(1)}).outcome);
}

TEST_F(Factors, T33_EnablingAFactor_EndsEveryOtherSessionAndPendingLogin) {
    give_session();
    give_session(assurance_level::aal2);
    give_challenge();
    user.sessions.front().assurance = assurance_level::aal1;
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_TRUE(confirm_totp(proof(session), enrolment_code()).outcome);
    ASSERT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(user.sessions.front().id, session);
    // What stays is not below the new level: it has just proved the factor.
    EXPECT_EQ(user.sessions.front().assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.front().second_factor_at, now);
    EXPECT_TRUE(user.challenges.empty());

    give_session();
    EXPECT_TRUE(send_code(session, "333333").outcome);
    EXPECT_TRUE(enable_email(proof(session), "333333").outcome);
    EXPECT_EQ(user.sessions.size(), 1u);
}

TEST_F(Factors, T33_WhereTheContractSaysAll_NoSessionStays) {
    give_session();
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_TRUE(confirm_totp(proof(session), enrolment_code(), sessions_ended::all).outcome);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(refused(may_read(user, session, now)), session_ended);
}

TEST_F(Factors, Disabling_KeepsTheSessions) {
    give_totp();
    give_email_factor();
    give_session();
    EXPECT_TRUE(disable(proof(session), factor_method::totp).outcome);
    EXPECT_EQ(user.sessions.size(), 2u);
}

TEST_F(Factors, T30_ChangesOfFactors_NeedAStepUpOfLevelTwoWhereAFactorExists) {
    give_email_factor();
    const std::array weak{std::pair{without_step_up(session), step_up_missing},
                          std::pair{proof(session, assurance_level::aal1), step_up_malformed}};
    for (const auto& [claims, why] : weak) {
        EXPECT_EQ(refused(begin_totp(claims)), why);
        EXPECT_EQ(refused(confirm_totp(claims, "123456")), why);
        EXPECT_EQ(refused(enable_email(claims, "123456")), why);
        for (const auto method : {factor_method::totp, factor_method::email}) {
            EXPECT_EQ(refused(disable(claims, method)), why);
            EXPECT_EQ(refused(run(prefer_method{.proof = claims, .method = method})), why);
        }
    }
    EXPECT_EQ(user.factor_attempts.misses, 0);
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
}

TEST_F(Factors, T30_TheFirstFactor_NeedsAStepUpWithThePassword) {
    EXPECT_EQ(refused(begin_totp(without_step_up(session))), step_up_missing);
    EXPECT_TRUE(begin_totp(proof(session, assurance_level::aal1)).outcome);
}

TEST_F(Factors, T35_EachSetUp_HasItsOwnSecretAndEndsTheOneBefore) {
    EXPECT_TRUE(begin_totp(proof(session), "first").outcome);
    const auto first = user.enrolment->device;
    EXPECT_TRUE(begin_totp(proof(session), "second").outcome);
    const auto second = user.enrolment->device;
    EXPECT_NE(first.id, second.id);
    EXPECT_NE(keys.open(first.sealed_secret, totp_secret_context(user.id, first.id)).value(),
              keys.open(second.sealed_secret, totp_secret_context(user.id, second.id)).value());
    EXPECT_EQ(refused(confirm_totp(proof(session), code_of(first), {}, "first")),
              enrolment_unknown);
    EXPECT_EQ(refused(confirm_totp(proof(session), code_of(first), {}, "second")), wrong_code);
    EXPECT_TRUE(confirm_totp(proof(session), code_of(second), {}, "second").outcome);
}

TEST_F(Factors, T36_Secret_HasAtLeast160Bits) {
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    const auto& device = user.enrolment->device;
    const auto secret = keys.open(device.sealed_secret, totp_secret_context(user.id, device.id));
    EXPECT_GE(secret.value().reveal().size() * 8, 160u);
}

TEST_F(Factors, T38_UnconfirmedEnrolment_NeitherGatesNorSatisfies) {
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_TRUE(user.methods().empty());
    EXPECT_TRUE(std::holds_alternative<session_opened>(log_in().outcome.value()));
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = enrolment_code()})),
              no_second_factor);
    EXPECT_EQ(refused(recover(give_challenge(), backup_codes[0])), method_off);
    EXPECT_EQ(refused(disable(proof(session), factor_method::totp)), method_off_already);
    EXPECT_EQ(refused(run(prefer_method{.proof = proof(session)})), method_off);

    give_email_factor();
    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = enrolment_code()})), no_code);
    EXPECT_EQ(refused(disable(proof(session), factor_method::email)), only_method);
}

TEST_F(Factors, T38_UnconfirmedEnrolment_ExpiresAndIsForgotten) {
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    now += rules.tokens.totp_setup;
    EXPECT_EQ(refused(confirm_totp(proof(session), enrolment_code())), enrolment_expired);
    now += std::chrono::hours(1);
    EXPECT_TRUE(run(update_profile{.by = session, .name = "Ada L."}).outcome);
    EXPECT_FALSE(user.enrolment);
    EXPECT_EQ(refused(confirm_totp(proof(session), "123456")), enrolment_unknown);
}

TEST_F(Factors, Enrolment_IsConfirmedByTheSessionThatBeganIt) {
    const auto other = give_session(assurance_level::aal2);
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_EQ(refused(confirm_totp(proof(other), enrolment_code())), enrolment_unknown);
}

TEST_F(Factors, WrongConfirmation_IsAMissAndLeavesTheEnrolmentAsItWas) {
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    const auto before = user.enrolment;
    EXPECT_EQ(refused(confirm_totp(proof(session), "12345x")), wrong_code);
    EXPECT_EQ(user.enrolment, before);
    EXPECT_FALSE(user.has(factor_method::totp));
    EXPECT_EQ(user.factor_attempts.misses, 1);
    EXPECT_TRUE(events.empty());
    EXPECT_TRUE(confirm_totp(proof(session), enrolment_code()).outcome);
}

TEST_F(Factors, RefusalsOfAnAddition_ComeInOrder) {
    give_totp();
    give_email_factor();
    user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    user.password_hash.clear();
    EXPECT_EQ(refused(begin_totp(without_step_up(session))), step_up_missing);
    EXPECT_EQ(refused(begin_totp(proof(session))), blocked);
    EXPECT_EQ(refused(confirm_totp(proof(session), "1")), blocked);
    EXPECT_EQ(refused(enable_email(proof(session), "1")), blocked);
    now += seconds(30);
    EXPECT_EQ(refused(begin_totp(proof(session))), no_password);
    EXPECT_EQ(refused(confirm_totp(proof(session), "1")), no_password);
    EXPECT_EQ(refused(enable_email(proof(session), "1")), no_password);
    user.password_hash = "hash";
    EXPECT_EQ(refused(begin_totp(proof(session))), method_on_already);
    EXPECT_EQ(refused(confirm_totp(proof(session), "1")), method_on_already);
    EXPECT_EQ(refused(enable_email(proof(session), "1")), method_on_already);
    EXPECT_EQ(user.factor_attempts.misses, 5);
}

TEST_F(Factors, Disable_RefusesInTheOrderOfTheNativeContract) {
    struct row {
        bool session_stands, stepped_up, is_blocked, totp_on, email_on;
        std::optional<refusal_reason> why;
    };
    // Each row mends the first thing that was wrong in the row before; section 3.5.
    const std::array rows{
        row{false, false, true, false, false, session_ended},
        row{true, false, true, false, false, step_up_missing},
        row{true, true, true, false, false, blocked},
        row{true, true, false, false, false, method_off_already},
        row{true, true, false, false, true, method_off_already},
        row{true, true, false, true, false, only_method},
        row{true, true, false, true, true, std::nullopt},
    };
    const auto fresh = user;
    for (std::size_t at = 0; at < rows.size(); ++at) {
        const auto& r = rows[at];
        SCOPED_TRACE(at);
        user = fresh;
        if (r.totp_on) give_totp();
        if (r.email_on) give_email_factor();
        if (r.is_blocked) user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
        const auto id = r.session_stands ? session : session_id("gone");
        const auto before = user;
        events.clear();
        const auto made =
            disable(r.stepped_up ? proof(id) : without_step_up(id), factor_method::totp);
        EXPECT_EQ(refused(made), r.why);
        EXPECT_EQ(made.next.has_value(), !r.why.has_value());
        EXPECT_EQ(count(event_type::two_factor_removed), r.why ? 0 : 1);
        if (r.why) {
            EXPECT_EQ(user, before);
        }
    }
}

TEST_F(Factors, OnlyMethod_StaysOnWhicheverItIs) {
    give_email_factor();
    EXPECT_EQ(refused(disable(proof(session), factor_method::email)), only_method);
    EXPECT_TRUE(user.has(factor_method::email));
    EXPECT_EQ(refused(disable(proof(session), factor_method::totp)), method_off_already);
    EXPECT_TRUE(events.empty());
}

TEST_F(Factors, DisablingTotp_ForgetsTheSecretAndTheBackupCodesAndPrefersEmail) {
    give_totp();
    give_email_factor();
    EXPECT_TRUE(disable(proof(session), factor_method::totp).outcome);
    EXPECT_TRUE(user.totp.empty());
    EXPECT_TRUE(user.backup_code_hashes.empty());
    EXPECT_EQ(user.preferred, factor_method::email);
    EXPECT_EQ(events.at(0).method, "totp");
    EXPECT_EQ(refused(disable(proof(session), factor_method::totp)), method_off_already);
    EXPECT_EQ(events.size(), 1u);
}

TEST_F(Factors, DisablingEmail_PrefersTotp) {
    give_totp();
    give_email_factor();
    user.preferred = factor_method::email;
    EXPECT_TRUE(send_code(session, "333333").outcome);
    EXPECT_TRUE(disable(proof(session), factor_method::email).outcome);
    EXPECT_EQ(user.preferred, factor_method::totp);
    EXPECT_TRUE(user.codes.empty());
    EXPECT_EQ(events.back().method, "email");
    EXPECT_EQ(refused(complete_login(give_challenge(), {.email = "333333"})), no_code);
}

TEST_F(Factors, EnablingEmail_IsPreferredOnlyAsTheSoleMethod) {
    EXPECT_TRUE(send_code(session, "333333").outcome);
    EXPECT_TRUE(enable_email(proof(session), "333333").outcome);
    EXPECT_EQ(user.preferred, factor_method::email);
    EXPECT_EQ(count(event_type::two_factor_added), 1);

    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_TRUE(confirm_totp(proof(session), enrolment_code()).outcome);
    EXPECT_EQ(user.preferred, factor_method::totp);
    EXPECT_TRUE(disable(proof(session), factor_method::email).outcome);
    EXPECT_TRUE(send_code(session, "444444").outcome);
    EXPECT_TRUE(enable_email(proof(session), "444444").outcome);
    EXPECT_EQ(user.preferred, factor_method::totp);
}

TEST_F(Factors, PreferredMethod_IsOneThatIsOn) {
    give_totp();
    EXPECT_EQ(refused(run(prefer_method{.proof = proof(session), .method = factor_method::email})),
              method_off);
    give_email_factor();
    EXPECT_TRUE(
        run(prefer_method{.proof = proof(session), .method = factor_method::email}).outcome);
    EXPECT_EQ(user.preferred, factor_method::email);
    EXPECT_TRUE(events.empty());
}

TEST_F(Factors, EnablingEmail_ExpiredBeatsWrong) {
    EXPECT_EQ(refused(enable_email(proof(session), "333333")), wrong_code); // none was mailed
    EXPECT_TRUE(send_code(session, "333333").outcome);
    now += rules.mailed_code_life;
    EXPECT_EQ(refused(enable_email(proof(session), "000000")), code_expired);
    EXPECT_EQ(refused(enable_email(proof(session), "333333")), code_expired);
    EXPECT_EQ(user.factor_attempts.misses, 1);
    now += std::chrono::hours(1); // by then the dead code was forgotten
    EXPECT_EQ(refused(enable_email(proof(session), "333333")), wrong_code);
}

TEST_F(Factors, T14_MissesOfEveryPath_AddUpOnOneCounter) {
    give_email_factor();
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_EQ(refused(confirm_totp(proof(session), "wrong")), wrong_code);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.email = "wrong"})), wrong_code);
    const auto step_up = give_challenge(challenge_purpose::step_up, session);
    EXPECT_EQ(refused(complete_step_up(session, step_up, {.email = "wrong"})), wrong_code);
    user.email_factor_since.reset();
    user.preferred.reset();
    EXPECT_EQ(refused(enable_email(proof(session), "wrong")), wrong_code);
    user.enrolment.reset();
    give_totp();
    EXPECT_EQ(refused(recover(give_challenge(), "wrong")), wrong_backup_code);
    EXPECT_EQ(user.factor_attempts.misses, 5);
    EXPECT_EQ(count(event_type::sign_in_blocked), 1);

    EXPECT_EQ(refused(complete_login(give_challenge(), {.totp = totp_code()})), blocked);
    EXPECT_EQ(refused(complete_step_up(session, step_up, {.totp = totp_code()})), blocked);
    EXPECT_EQ(refused(recover(give_challenge(), backup_codes[0])), blocked);
    EXPECT_EQ(refused(enable_email(proof(session), "wrong")), blocked);
    EXPECT_EQ(refused(disable(proof(session), factor_method::totp)), blocked);
}

TEST_F(Factors, RefusedResend_LeavesTheEarlierCodeGood) {
    give_email_factor();
    EXPECT_EQ(send_code(session, "333333").outcome.value().cooldown, rules.mail_cooldown);
    now += seconds(20);
    const auto made = send_code(session, "444444");
    EXPECT_EQ(refused(made), mail_too_soon);
    EXPECT_EQ(made.outcome.error().retry_after, seconds(40));
    EXPECT_FALSE(made.next);
    EXPECT_TRUE(made.events.empty());
    EXPECT_TRUE(complete_login(give_challenge(), {.email = "333333"}).outcome);
}

TEST_F(Factors, ResentCode_ReplacesTheEarlierOne) {
    give_email_factor();
    EXPECT_TRUE(send_code(session, "333333").outcome);
    now += rules.mail_cooldown;
    EXPECT_TRUE(send_code(session, "444444").outcome);
    EXPECT_EQ(user.codes.size(), 1u);
    EXPECT_EQ(refused(complete_login(give_challenge(), {.email = "333333"})), wrong_code);
    EXPECT_TRUE(complete_login(give_challenge(), {.email = "444444"}).outcome);
}

TEST_F(Factors, T17_MailsAnHourAndADay_AreCapped) {
    give_email_factor();
    std::vector<unix_time> sent;
    const auto end = now + std::chrono::hours(48);
    for (; now < end; now += seconds(90))
        if (send_code(session, "333333").outcome) sent.push_back(now);
    ASSERT_GT(sent.size(), 20u);
    for (std::size_t at = 0; at < sent.size(); ++at) {
        if (at >= 5) {
            EXPECT_GE(sent[at] - sent[at - 5], std::chrono::hours(1));
        }
        if (at >= 20) {
            EXPECT_GE(sent[at] - sent[at - 20], std::chrono::hours(24));
        }
    }
}

TEST_F(Factors, T17_AnsweredCode_GivesTheBudgetBack) {
    give_email_factor();
    for (int mail = 0; mail < 12; ++mail) {
        EXPECT_TRUE(send_code(session, "333333").outcome);
        EXPECT_TRUE(complete_login(give_challenge(), {.email = "333333"}).outcome);
    }
    EXPECT_TRUE(user.mails.empty());
}

TEST_F(Factors, T17_ResetMailsThatAStrangerAsksFor_LeaveRoomForCodes) {
    give_email_factor();
    int resets = 0;
    for (int attempt = 0; attempt < 30; ++attempt, now += seconds(61))
        if (run(request_password_reset{.link = reset_link("link"), .origin = origin()}).outcome)
            ++resets;
    EXPECT_EQ(resets, 2);
    EXPECT_TRUE(send_code(session, "333333").outcome);
}

TEST_F(Factors, Cooldown_IsTheTimeUntilTheNextMail) {
    const auto left = [&] {
        return mail_cooldown(user, session, code_purpose::second_factor, context(), now).value();
    };
    EXPECT_EQ(left(), seconds(0));
    EXPECT_TRUE(send_code(session, "333333").outcome);
    now += milliseconds(1500);
    EXPECT_EQ(left(), seconds(59)); // rounded up: whoever waits that long is not too early
    now += left();
    EXPECT_TRUE(send_code(session, "444444").outcome);
    EXPECT_TRUE(mail_cooldown(user, session_id("gone"), code_purpose::second_factor, context(), now)
                    .has_error());
}

TEST_F(Factors, CodeFor_WhomNothingIsPending_IsNotMailed) {
    EXPECT_EQ(refused(send_code(challenge_id("made up"), "333333")), challenge_unknown);
    const auto challenge = give_challenge();
    now += rules.tokens.two_factor;
    EXPECT_EQ(refused(send_code(challenge, "333333")), challenge_unknown);
    EXPECT_EQ(refused(send_code(session_id("gone"), "333333")), session_ended);
    user.password_hash.clear();
    EXPECT_EQ(refused(send_code(session, "333333")), no_password);
    EXPECT_TRUE(events.empty());
}

TEST_F(Factors, ClocksThatDiffer_LeaveTheMailsInOrder) {
    EXPECT_TRUE(send_code(session, "333333").outcome);
    now -= milliseconds(20); // another server's clock
    user.email_verified = false;
    EXPECT_TRUE(run(send_verification{.proof = proof(session),
                                      .link = verification_link("link"),
                                      .origin = origin()})
                    .outcome);
    EXPECT_TRUE(std::ranges::is_sorted(user.mails, {}, &sent_mail::at));
}

TEST_F(Factors, SwitchedOffAlerts_AreMailedToNobody) {
    rules.alerts[static_cast<std::size_t>(event_type::two_factor_removed)] = false;
    give_totp();
    give_email_factor();
    EXPECT_TRUE(disable(proof(session), factor_method::totp).outcome);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_TRUE(events[0].recipients.empty());
    rules.alerts[static_cast<std::size_t>(event_type::two_factor_added)] = false;
    EXPECT_TRUE(begin_totp(proof(session)).outcome);
    EXPECT_TRUE(confirm_totp(proof(session), enrolment_code()).outcome);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_TRUE(events[1].recipients.empty());
}

TEST_F(Factors, Alert_GoesToEveryNotificationAddressOnceInTheRequestsLanguage) {
    user.notification_addresses = {"security@example.org", user.email};
    user.locale = "de";
    give_totp();
    give_email_factor();
    EXPECT_TRUE(disable(proof(session), factor_method::totp).outcome);
    EXPECT_EQ(events.at(0).recipients,
              (std::vector<std::string>{user.email, "security@example.org"}));
    EXPECT_EQ(events.at(0).locale, "de");
    EXPECT_EQ(events.at(0).ip, client.ip);

    give_totp();
    auto from = origin();
    from.locale = "fr";
    EXPECT_TRUE(
        run(disable_factor{.proof = proof(session), .method = factor_method::totp, .origin = from})
            .outcome);
    EXPECT_EQ(events.at(1).locale, "fr");
    EXPECT_NE(events.at(0).id, events.at(1).id);
}

} // namespace
} // namespace countersign::core
