#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class Alerts : public tests::decide_test {
protected:
    challenge_id pending_login() {
        const auto made = log_in();
        return std::get<second_factor_pending>(made.outcome.value()).challenge;
    }
    auto notice() { return run(notice_unfinished_logins{.nonce = random.hex(16)}); }
    auto log_in_at_once(std::optional<std::string> code) {
        return run(core::log_in_at_once{.password = password(),
                                        .code = std::move(code),
                                        .session = material(),
                                        .origin = origin()});
    }
    auto vouch(std::optional<std::string> code) {
        return run(vouch_for_login{.code = std::move(code),
                                   .session = material(),
                                   .challenge = challenge_id(random.hex(16)),
                                   .mail = mail("111111"),
                                   .origin = origin()});
    }
    int failures() const { return count(event_type::second_factor_failed); }
    void let_it_run_out() { now += rules.tokens.two_factor; }
};

TEST_F(Alerts, FewRecoveryCodes_AreToldOfAtThreeAndAtNone) {
    rules.recovery_code_count = 5;
    give_totp();
    std::vector<int> told;
    for (const auto& code : backup_codes) {
        const auto made = verify(code);
        ASSERT_TRUE(made.outcome);
        ASSERT_GE(made.events.size(), 1u);
        EXPECT_EQ(made.events.front().type, event_type::recovery_code_used);
        if (made.events.size() == 1) continue;
        EXPECT_EQ(made.events.back().type, event_type::recovery_codes_low);
        EXPECT_NE(made.events.back().id, made.events.front().id);
        EXPECT_EQ(made.events.back().recipients, std::vector{user.email});
        told.push_back(made.events.back().remaining_codes);
    }
    EXPECT_EQ(told, (std::vector{3, 0}));
}

TEST_F(Alerts, AWrongCodeForAPendingLogin_IsToldOfAtOnce) {
    give_totp();
    const auto made = complete_login(pending_login(), {.totp = wrong_totp_code()});
    EXPECT_EQ(refused(made), wrong_code);
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::second_factor_failed);
    EXPECT_EQ(made.events[0].ip, client.ip);
    EXPECT_EQ(made.events[0].at, now);
}

TEST_F(Alerts, AFailedSecondFactor_IsToldOfOnceAnHour) {
    rules.attempts.pause_after = rules.attempts.lock_after = 1000;
    give_totp();
    for (int minute = 0; minute < 119; ++minute) {
        EXPECT_EQ(refused(complete_login(pending_login(), {.totp = wrong_totp_code()})),
                  wrong_code);
        now += seconds(60);
        (void)notice();
        user.unanswered.clear();
    }
    EXPECT_EQ(failures(), 2);
}

TEST_F(Alerts, EveryDoorOfALogin_TellsOfAWrongCode) {
    give_totp();
    EXPECT_EQ(refused(recover(pending_login(), "no backup code")), wrong_backup_code);
    EXPECT_EQ(failures(), 1);
    now += std::chrono::hours(1);
    EXPECT_EQ(refused(log_in_at_once(wrong_totp_code())), wrong_code);
    EXPECT_EQ(failures(), 2);
    now += std::chrono::hours(1);
    EXPECT_EQ(refused(vouch(wrong_totp_code())), wrong_code);
    EXPECT_EQ(failures(), 3);
}

TEST_F(Alerts, WhatIsNoFailedLogin_IsNotToldOfAsOne) {
    give_totp();
    const auto session = give_session();
    const auto begun = begin_step_up(session);
    const auto step_up = std::get<second_factor_pending>(begun.outcome.value()).challenge;
    EXPECT_EQ(refused(complete_step_up(session, step_up, {.totp = wrong_totp_code()})), wrong_code);
    EXPECT_EQ(refused(recover(step_up, "no backup code")), wrong_backup_code);
    EXPECT_EQ(refused(verify(wrong_totp_code())), wrong_code);
    EXPECT_EQ(refused(complete_login(pending_login(), {})), no_code);
    EXPECT_EQ(refused(log_in_at_once(std::nullopt)), no_code);
    user.challenges.pop_back();
    let_it_run_out();
    EXPECT_FALSE(notice().next);
    EXPECT_EQ(failures(), 0);
}

TEST_F(Alerts, APendingLoginThatRunsOut_IsToldOfByTheClock) {
    give_totp();
    const auto begun = now;
    client.ip = "198.51.100.9";
    (void)pending_login();
    const auto stranger = client;
    ASSERT_EQ(notice_due(user), begun + rules.tokens.two_factor);
    client.ip = "192.0.2.1";

    now = *notice_due(user) - milliseconds(1);
    EXPECT_FALSE(notice().next);
    now += milliseconds(1);
    const auto made = notice();
    ASSERT_EQ(made.events.size(), 1u);
    const auto& told = made.events[0];
    EXPECT_EQ(told.type, event_type::second_factor_failed);
    EXPECT_EQ(told.at, begun);
    EXPECT_EQ((client_info{told.ip, told.browser, told.os}), stranger);
    EXPECT_EQ(told.recipients, std::vector{user.email});
    EXPECT_EQ(notice_due(user), std::nullopt);
    EXPECT_FALSE(notice().next);
}

TEST_F(Alerts, APendingLoginThatAnotherCommandDrops_IsToldOfOnceAllTheSame) {
    give_totp();
    const auto session = give_session();
    (void)pending_login();
    let_it_run_out();
    EXPECT_EQ(refused(complete_login(challenge_id("made up"), {.totp = totp_code()})),
              challenge_unknown);
    const auto made = run(prefer_method{.proof = proof(session), .method = factor_method::totp});
    EXPECT_TRUE(made.outcome);
    EXPECT_TRUE(made.events.empty());
    EXPECT_TRUE(user.challenges.empty());
    ASSERT_TRUE(notice_due(user));
    EXPECT_LE(*notice_due(user), now);
    // Nor does the end of everything keep it quiet.
    EXPECT_TRUE(run(end_all_sessions{.proof = proof(session), .origin = origin()}).outcome);
    EXPECT_EQ(notice().events.size(), 1u);
    EXPECT_EQ(notice_due(user), std::nullopt);
    EXPECT_EQ(failures(), 1);
}

TEST_F(Alerts, APendingLoginThatGivesWay_IsToldOf) {
    rules.challenges_max = 2;
    give_totp();
    for (int login = 0; login < 3; ++login)
        (void)pending_login();
    EXPECT_EQ(notice().events.size(), 1u);
    EXPECT_EQ(user.challenges.size(), 2u);
    EXPECT_EQ(notice_due(user), now + rules.tokens.two_factor);
}

TEST_F(Alerts, ALoginThatWasCompletedOrCalledOff_IsNotToldOf) {
    give_totp();
    EXPECT_TRUE(complete_login(pending_login(), {.totp = totp_code()}).outcome);
    EXPECT_EQ(notice_due(user), std::nullopt);
    (void)pending_login();
    const auto session = user.sessions.front().id;
    EXPECT_TRUE(run(end_all_sessions{.proof = proof(session), .origin = origin()}).outcome);
    EXPECT_EQ(notice_due(user), std::nullopt);
    let_it_run_out();
    EXPECT_FALSE(notice().next);
}

TEST_F(Alerts, SwitchedOff_AnUnfinishedLoginIsDroppedInSilence) {
    rules.alerts[static_cast<std::size_t>(event_type::second_factor_failed)] = false;
    give_totp();
    EXPECT_EQ(refused(complete_login(pending_login(), {.totp = wrong_totp_code()})), wrong_code);
    let_it_run_out();
    EXPECT_TRUE(notice().next);
    // One row for the account's history, and nobody to mail.
    ASSERT_EQ(count(event_type::second_factor_failed), 1);
    EXPECT_TRUE(events.back().recipients.empty());
    EXPECT_EQ(notice_due(user), std::nullopt);
}

TEST_F(Alerts, ATotpCodeThatWasUsedUp_IsRefusedCountedAndToldOfOnceAnHour) {
    give_totp();
    ASSERT_TRUE(verify(totp_code()).outcome);
    for (int again = 1; again <= 2; ++again) {
        EXPECT_EQ(refused(verify(totp_code())), wrong_code);
        EXPECT_EQ(user.factor_attempts.misses, again);
        EXPECT_EQ(count(event_type::code_reused), 1);
    }
    // A code of the step before is used up with it.
    now += std::chrono::hours(1);
    ASSERT_TRUE(verify(totp_code()).outcome);
    EXPECT_EQ(refused(verify(totp_code(-1))), wrong_code);
    EXPECT_EQ(count(event_type::code_reused), 2);
    // Beyond the window it is any wrong code.
    now += std::chrono::hours(1);
    EXPECT_EQ(refused(verify(totp_code(-2))), wrong_code);
    EXPECT_EQ(count(event_type::code_reused), 2);
}

TEST_F(Alerts, AUsedCode_IsToldOfOnEveryPathThatTakesOne) {
    give_totp();
    const auto session = give_session();
    ASSERT_TRUE(verify(totp_code()).outcome);
    const auto used = totp_code();
    const auto again = [&] { user.reuse_told_at = {}; };
    EXPECT_EQ(refused(complete_login(pending_login(), {.totp = used})), wrong_code);
    EXPECT_EQ(count(event_type::code_reused), 1);
    again();
    const auto begun = begin_step_up(session);
    EXPECT_EQ(refused(complete_step_up(
                  session, std::get<second_factor_pending>(begun.outcome.value()).challenge,
                  {.totp = used})),
              wrong_code);
    EXPECT_EQ(count(event_type::code_reused), 2);
    again();
    EXPECT_EQ(
        refused(run(remove_totp{
            .by = session, .proof = {.code = used, .password = password()}, .origin = origin()})),
        wrong_code);
    EXPECT_EQ(count(event_type::code_reused), 3);
}

TEST_F(Alerts, AFreshCodeOfAnotherDevice_IsNoReuse) {
    give_totp();
    user.totp.push_back(make_device("tablet"));
    ASSERT_TRUE(verify(totp_code()).outcome);
    ASSERT_TRUE(verify(code_of(user.totp.back())).outcome);
    EXPECT_EQ(refused(verify(wrong_totp_code())), wrong_code);
    EXPECT_EQ(count(event_type::code_reused), 0);
}

TEST_F(Alerts, TheEndOfAllSessionsOnRequest_IsToldOf) {
    const auto session = give_session();
    give_session();
    ASSERT_TRUE(
        run(end_session{.proof = proof(session), .target = user.sessions.back().id}).outcome);
    EXPECT_TRUE(run(log_out{.session = session}).outcome);
    EXPECT_EQ(count(event_type::sessions_ended), 0);
    const auto last = give_session();
    const auto made = run(end_all_sessions{.proof = proof(last), .origin = origin()});
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::sessions_ended);
    EXPECT_EQ(made.events[0].ip, client.ip);
    EXPECT_EQ(refused(run(end_all_sessions{.proof = proof(last), .origin = origin()})),
              session_ended);
    EXPECT_EQ(count(event_type::sessions_ended), 1);
}

} // namespace
} // namespace countersign::core
