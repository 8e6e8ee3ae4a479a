// What an operator may ask for beyond the contracts: e-mail as no factor, a second factor that must
// be, an overall life of sessions, codes of one login each, and what a first factor ends.
#include "core/decide/assurance.hpp"
#include "core/decide/introspection.hpp"
#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class Policy : public tests::decide_test {
protected:
    session_id session = give_session();

    auto switch_email(bool on, std::string code, requester by = backend()) {
        return run(switch_email_factor{
            .by = std::move(by), .on = on, .code = std::move(code), .origin = origin()});
    }
    auto update(bool email_factor) {
        return run(update_subject{.email_factor = email_factor, .origin = origin()});
    }
    challenge_id pending(std::string_view mailed = "111111") {
        return std::get<second_factor_pending>(*log_in(true, mailed).outcome).challenge;
    }
    [[nodiscard]] assurance_level level_of_the(const session_id& id) const {
        return level_of(*user.find_session(id, now), user, rules);
    }
    [[nodiscard]] bool is_active(const session_id& id) const {
        return standing_session(user, token_kind::access, {.subject = user.id, .session = id},
                                context(), now) != nullptr;
    }
};

// policy.email_factor

class EmailAsNoFactor : public Policy {
protected:
    EmailAsNoFactor() { rules.email_factor = false; }
};

TEST_F(EmailAsNoFactor, IsTurnedOnInNoWay) {
    ASSERT_TRUE(mail_code("333333").outcome);
    const auto before = user;
    EXPECT_EQ(refused(enable_email(proof(session), "333333")), method_forbidden);
    EXPECT_EQ(refused(switch_email(true, "333333", session)), method_forbidden);
    EXPECT_EQ(refused(switch_email(true, "333333")), method_forbidden);
    EXPECT_EQ(refused(update(true)), method_forbidden);
    EXPECT_EQ(refused(send_code(session, "444444")), method_forbidden);
    EXPECT_EQ(user, before);

    const auto subject = create(create_subject{.subject = "ada-7",
                                               .email = *email_address::parse("ada@example.org"),
                                               .email_factor = true},
                                context(), now);
    EXPECT_EQ(refused(subject), method_forbidden);
    EXPECT_FALSE(subject.next);
}

TEST_F(EmailAsNoFactor, NoAccountBeginsWithIt) {
    ASSERT_TRUE(rules.email_factor_by_default);
    const auto made = create(register_account{.id = make_account_id(random),
                                              .email = *email_address::parse("eve@example.org"),
                                              .name = "Eve",
                                              .password_hash = "hash",
                                              .send_mail = false,
                                              .origin = origin()},
                             context(), now);
    EXPECT_FALSE(made.next->has_second_factor());
    const auto line = parse_import_line(R"({"subject":"ada-7","email":"ada@example.org"})");
    ASSERT_TRUE(line.has_value());
    EXPECT_FALSE(command_of(*line, context(), random).email_factor);
}

TEST_F(EmailAsNoFactor, WhereItIsOn_IsAskedForAndReachesLevelOne) {
    user.sessions.clear();
    give_email_factor();
    const auto begun = log_in(true, "333333");
    const auto waiting = std::get<second_factor_pending>(*begun.outcome);
    EXPECT_TRUE(waiting.code_mailed);
    const auto opened = complete_login(waiting.challenge, {.email = "333333"});
    ASSERT_TRUE(opened.outcome);
    EXPECT_EQ(opened.outcome->assurance, assurance_level::aal1);
    const auto id = opened.outcome->session;
    EXPECT_EQ(level_of_the(id), assurance_level::aal1);

    now += rules.mail_cooldown;
    ASSERT_TRUE(mail_code("444444").outcome);
    const auto at_once = run(log_in_at_once{
        .password = password(), .code = "444444", .session = material(), .origin = origin()});
    EXPECT_EQ(at_once.outcome->assurance, assurance_level::aal1);
    EXPECT_EQ(refused(run(log_in_at_once{
                  .password = password(), .session = material(), .origin = origin()})),
              no_code);

    rules.email_factor = true;
    EXPECT_EQ(level_of_the(id), assurance_level::aal2);
}

TEST_F(EmailAsNoFactor, RefreshedSession_StaysAtLevelOne) {
    give_email_factor();
    const auto made = run(refresh_session{
        .session = session, .presented_id = "refresh", .next_id = "next", .origin = origin()});
    EXPECT_EQ(made.outcome->assurance, assurance_level::aal1);
}

TEST_F(EmailAsNoFactor, BesideTotp_CountsAtNoDoorAndIsNotMailed) {
    give_totp();
    give_email_factor();
    user.preferred = factor_method::email;
    const auto begun = log_in(true, "333333");
    const auto waiting = std::get<second_factor_pending>(*begun.outcome);
    EXPECT_FALSE(waiting.code_mailed);
    EXPECT_EQ(refused(send_code(waiting.challenge, "333333")), method_forbidden);
    EXPECT_EQ(refused(run(core::mail_code{
                  .mail = mail("333333"), .factor_must_be_on = true, .origin = origin()})),
              method_forbidden);
    EXPECT_EQ(refused(run(prefer_method{.proof = proof(session), .method = factor_method::email})),
              method_forbidden);

    ASSERT_TRUE(mail_code("333333").outcome); // as Clara's clients have one mailed
    EXPECT_EQ(refused(complete_login(waiting.challenge, {.email = "333333"})), no_code);
    EXPECT_EQ(refused(complete_login(waiting.challenge, {.any = "333333"})), wrong_code);
    EXPECT_EQ(refused(verify("333333")), wrong_code);
    EXPECT_EQ(
        refused(run(log_in_at_once{
            .password = password(), .code = "333333", .session = material(), .origin = origin()})),
        wrong_code);
    const auto opened = complete_login(waiting.challenge, {.totp = totp_code()});
    EXPECT_EQ(opened.outcome->assurance, assurance_level::aal2);
}

// The code that the contract names is the proof: without it there would be no way to a better one.
TEST_F(EmailAsNoFactor, ItsCodeStepsUp_ToEnrolTotp_WhichReachesLevelTwo) {
    give_email_factor();
    const auto begun = begin_step_up(session); // mails 222222
    const auto& waiting = std::get<second_factor_pending>(*begun.outcome);
    EXPECT_EQ(refused(begin_totp(without_step_up(session))), step_up_missing);
    const auto done = complete_step_up(session, waiting.challenge, {.email = "222222"});
    ASSERT_TRUE(done.outcome);
    EXPECT_EQ(done.outcome->assurance, assurance_level::aal1);
    const auto by = proof(session, done.outcome->assurance);
    ASSERT_TRUE(begin_totp(by).outcome);
    ASSERT_TRUE(confirm_totp(by, code_of(user.enrolment->device)).outcome);
    EXPECT_EQ(level_of_the(session), assurance_level::aal2);

    const auto stale = give_session();
    EXPECT_EQ(refused(begin_totp(proof(stale, assurance_level::aal1))), step_up_malformed); // T-30
}

TEST_F(EmailAsNoFactor, WhereOneIsRequired_TheFactorThatCountsStays) {
    rules.require_second_factor = true;
    give_totp();
    give_email_factor();
    EXPECT_EQ(refused(disable(proof(session), factor_method::totp)), only_method);
    EXPECT_EQ(refused(run(remove_totp{.by = session,
                                      .proof = {.code = totp_code(), .password = password()},
                                      .origin = origin()})),
              only_method);
    EXPECT_TRUE(disable(proof(session), factor_method::email).outcome);
    EXPECT_EQ(user.methods(), std::vector{factor_method::totp});
}

// policy.require_second_factor

TEST_F(Policy, RequiredFactor_IsOneThatReachesLevelTwo) {
    const struct {
        bool required, email_counts, email_on, totp_on, free;
    } rows[] = {{false, true, false, false, true}, {true, true, false, false, false},
                {true, true, true, false, true},   {true, false, true, false, false},
                {true, false, false, true, true},  {true, true, false, true, true},
                {false, false, true, false, true}, {true, false, true, true, true}};
    const auto fresh = user;
    for (const auto& row : rows) {
        user = fresh;
        rules.require_second_factor = row.required;
        rules.email_factor = row.email_counts;
        if (row.email_on) give_email_factor();
        if (row.totp_on) give_totp();
        SCOPED_TRACE(&row - rows);
        EXPECT_EQ(refused(check_enrolled(user, rules)),
                  row.free ? std::nullopt : std::optional(second_factor_required));
        EXPECT_EQ(is_active(session), row.free);
    }
}

TEST_F(Policy, RequiredFactor_MakesTheSessionActiveOnceItIsEnrolled) {
    rules.require_second_factor = true;
    EXPECT_FALSE(is_active(session));
    const auto by = proof(session, assurance_level::aal1);
    ASSERT_TRUE(begin_totp(by).outcome);
    ASSERT_TRUE(confirm_totp(by, code_of(user.enrolment->device)).outcome);
    EXPECT_TRUE(is_active(session));
}

// tokens.session

TEST_F(Policy, OverallLife_EndsASessionHoweverOftenItIsRefreshed) {
    rules.tokens.session = seconds(3600);
    rules.tokens.refresh = seconds(1000);
    user.sessions.clear();
    const auto material = make_session_material(rules.tokens.refresh, random);
    ASSERT_TRUE(
        run(core::log_in{.password = password(), .session = material, .origin = origin()}).outcome);
    auto live = material.refresh_id;
    const auto refresh = [&] {
        const auto next = random.hex(16);
        auto made = run(refresh_session{.session = material.session,
                                        .presented_id = live,
                                        .next_id = next,
                                        .origin = origin()});
        live = next;
        return refused(made);
    };
    for (int time = 0; time < 4; ++time) {
        now += seconds(899);
        EXPECT_EQ(refresh(), std::nullopt) << time;
    }
    now += seconds(3); // 3 599 s since the login
    EXPECT_NE(user.find_session(material.session, now), nullptr);
    EXPECT_FALSE(
        run(end_session{.proof = {.session = material.session}, .target = session_id("none")})
            .next);
    now += seconds(1);
    EXPECT_EQ(user.find_session(material.session, now), nullptr);
    EXPECT_FALSE(is_active(material.session));
    EXPECT_EQ(refused(run(update_profile{.by = material.session, .name = "Eve"})), session_ended);
    EXPECT_EQ(refresh(), session_ended);
}

TEST_F(Policy, OverallLife_BoundsSessionsThatNothingProlongs) {
    rules.tokens.session = seconds(3600);
    user.sessions.clear();
    ASSERT_TRUE(run(core::log_in{.password = password(),
                                 .session = make_session_material(seconds(7200), random),
                                 .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.sessions.front().expires_at, now + seconds(3600));
    ASSERT_TRUE(run(core::log_in{.password = password(),
                                 .session = make_session_material(seconds(60), random),
                                 .origin = origin()})
                    .outcome);
    EXPECT_EQ(user.sessions.back().expires_at, now + seconds(60));
}

TEST_F(Policy, OverallLifeThatIsSetLater_EndsOlderSessionsAtTheirNextRefresh) {
    now += seconds(3600);
    rules.tokens.session = seconds(3600);
    EXPECT_EQ(
        refused(run(refresh_session{
            .session = session, .presented_id = "refresh", .next_id = "next", .origin = origin()})),
        session_ended);
    EXPECT_TRUE(user.sessions.empty());
}

// policy.mailed_code_per_challenge

class CodeOfOneChallenge : public Policy {
protected:
    CodeOfOneChallenge() {
        rules.mailed_code_per_challenge = true;
        rules.mail_cooldown = seconds(0);
        give_email_factor();
    }
    // A login that mails this code, as net::make_mail_code() binds it.
    challenge_id begin(std::string_view code) {
        const challenge_id made(random.hex(16));
        const auto begun = run(core::log_in{.password = password(),
                                            .session = material(),
                                            .challenge = made,
                                            .mail = mail(bound_code(code, made, rules)),
                                            .origin = origin()});
        EXPECT_TRUE(std::get<second_factor_pending>(*begun.outcome).code_mailed);
        return made;
    }
};

TEST_F(CodeOfOneChallenge, AnotherLoginThatWaits_CannotUseIt) {
    const auto other = begin("111111");
    const auto own = begin("222222");
    EXPECT_EQ(refused(complete_login(other, {.email = "222222"})), wrong_code);
    EXPECT_EQ(refused(complete_login(other, {.any = "222222"})), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 2);
    EXPECT_TRUE(complete_login(own, {.email = "222222"}).outcome);

    rules.mailed_code_per_challenge = false;
    const auto shared = begin("333333");
    (void)begin("444444");
    EXPECT_TRUE(complete_login(shared, {.any = "444444"}).outcome);
}

TEST_F(CodeOfOneChallenge, StepUp_TakesItsOwnAndNoLogins) {
    (void)begin("111111");
    const auto step_up = give_challenge(challenge_purpose::step_up, session);
    EXPECT_EQ(refused(complete_step_up(session, step_up, {.email = "111111"})), wrong_code);
    EXPECT_TRUE(send_code(step_up, bound_code("222222", step_up, rules)).outcome);
    EXPECT_TRUE(complete_step_up(session, step_up, {.email = "222222"}).outcome);
}

TEST_F(CodeOfOneChallenge, WhereThereIsNone_OnlyACodeOfNoneCounts) {
    const auto waiting = begin("111111");
    EXPECT_EQ(refused(verify("111111")), wrong_code);
    EXPECT_EQ(refused(switch_email(false, "111111")), wrong_code);
    ASSERT_TRUE(mail_code("222222").outcome);
    EXPECT_EQ(refused(complete_login(waiting, {.email = "222222"})), wrong_code);
    EXPECT_TRUE(verify("222222").outcome);
}

// A login over a live session

TEST_F(Policy, Login_EndsTheSessionThatItReplaces) {
    const auto other = give_session();
    const auto made = run(core::log_in{
        .password = password(), .session = material(), .replaces = session, .origin = origin()});
    ASSERT_TRUE(made.outcome);
    EXPECT_EQ(user.find_session(session, now), nullptr);
    EXPECT_NE(user.find_session(other, now), nullptr);
    EXPECT_EQ(user.sessions.size(), 2u);
    EXPECT_EQ(count(event_type::new_login), 0); // the browser was known by it
}

TEST_F(Policy, LoginThatIsRefusedOrPending_EndsNothing_AndItsCompletionDoes) {
    give_totp();
    const auto try_with = [&](bool right) {
        return run(core::log_in{.password = password(right),
                                .session = material(),
                                .challenge = challenge_id(random.hex(16)),
                                .mail = mail("111111"),
                                .replaces = session,
                                .origin = origin()});
    };
    EXPECT_EQ(refused(try_with(false)), wrong_password);
    const auto begun = try_with(true);
    const auto& waiting = std::get<second_factor_pending>(*begun.outcome);
    EXPECT_NE(user.find_session(session, now), nullptr);
    EXPECT_EQ(refused(complete_login(waiting.challenge, {.totp = wrong_totp_code()})), wrong_code);
    EXPECT_NE(user.find_session(session, now), nullptr);
    ASSERT_TRUE(complete_login(waiting.challenge, {.totp = totp_code()}).outcome);
    EXPECT_EQ(user.find_session(session, now), nullptr);
    EXPECT_EQ(user.sessions.size(), 1u);
}

// policy.sessions_end_with_step_up

TEST_F(Policy, EndingSessions_AsksForAStepUpWhereItIsWanted) {
    const auto target = give_session();
    const auto one = [&](const session_proof& by) {
        return refused(run(end_session{.proof = by, .target = target}));
    };
    const auto all = [&](const session_proof& by) {
        return refused(run(end_all_sessions{.proof = by, .origin = origin()}));
    };
    rules.sessions_end_with_step_up = true;
    EXPECT_EQ(one(without_step_up(session)), step_up_missing);
    EXPECT_EQ(all(without_step_up(session)), step_up_missing);
    EXPECT_EQ(one({.session = session, .step_up = token_error::expired}), step_up_expired);
    EXPECT_EQ(user.sessions.size(), 2u);
    EXPECT_EQ(one(proof(session)), std::nullopt);
    EXPECT_EQ(all(proof(session)), std::nullopt);
    EXPECT_TRUE(user.sessions.empty());

    session = give_session();
    EXPECT_TRUE(run(log_out{.session = session}).outcome); // never
    EXPECT_TRUE(user.sessions.empty());
}

// policy.enrolment_ends_api_tokens

TEST_F(Policy, FirstFactor_EndsTheApiTokensFromBeforeItWhereThatIsWanted) {
    const auto fresh = user;
    for (const bool wanted : {true, false}) {
        rules.enrolment_ends_api_tokens = wanted;
        const std::size_t left = wanted ? 0 : 1;
        const auto begin_anew = [&] {
            user = fresh;
            now += rules.mail_cooldown;
            give_api_token();
        };
        const auto by = proof(session, assurance_level::aal1);

        begin_anew();
        ASSERT_TRUE(begin_totp(by).outcome);
        ASSERT_TRUE(confirm_totp(by, code_of(user.enrolment->device)).outcome);
        EXPECT_EQ(user.api_tokens.size(), left);

        begin_anew();
        ASSERT_TRUE(send_code(session, "333333").outcome);
        ASSERT_TRUE(enable_email(by, "333333").outcome);
        EXPECT_EQ(user.api_tokens.size(), left);

        begin_anew();
        ASSERT_TRUE(mail_code("333333").outcome);
        ASSERT_TRUE(switch_email(true, "333333", session).outcome);
        EXPECT_EQ(user.api_tokens.size(), left);

        begin_anew();
        ASSERT_TRUE(update(true).outcome);
        EXPECT_EQ(user.api_tokens.size(), left);
    }
}

TEST_F(Policy, FurtherFactor_LeavesTheApiTokens) {
    rules.enrolment_ends_api_tokens = true;
    give_totp();
    give_api_token();
    ASSERT_TRUE(update(true).outcome);
    ASSERT_TRUE(begin_totp(backend()).outcome);
    ASSERT_TRUE(confirm_totp(backend(), code_of(user.enrolment->device)).outcome);
    EXPECT_EQ(user.api_tokens.size(), 1u);

    // Where e-mail is no factor, the app beside it is the first.
    user.totp.clear();
    user.backup_code_hashes.clear();
    user.preferred = factor_method::email;
    rules.email_factor = false;
    ASSERT_TRUE(begin_totp(backend()).outcome);
    now += seconds(30);
    ASSERT_TRUE(confirm_totp(backend(), code_of(user.enrolment->device)).outcome);
    EXPECT_TRUE(user.api_tokens.empty());
}

} // namespace
} // namespace countersign::core
