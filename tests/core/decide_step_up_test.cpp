#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

class StepUp : public tests::decide_test {
protected:
    // What a change that needs a step-up refuses `claims` with; nullopt if they suffice.
    std::optional<refusal_reason> judge(const session_proof& claims) const {
        const prefer_method command{.proof = claims, .method = factor_method::totp};
        const auto why = refused(decide(user, command, context(), now));
        return why == method_off ? std::nullopt : why;
    }
};

TEST_F(StepUp, T20_PasswordAlone_ReachesLevelOneOnlyAndOnlyWithoutAFactor) {
    const auto session = give_session();
    const auto made = begin_step_up(session);
    EXPECT_EQ(std::get<stepped_up>(made.outcome.value()).assurance, assurance_level::aal1);
    EXPECT_EQ(user.sessions.front().assurance, assurance_level::aal1);

    give_totp();
    EXPECT_TRUE(
        std::holds_alternative<second_factor_pending>(begin_step_up(session).outcome.value()));
    EXPECT_FALSE(user.sessions.front().second_factor_at);
}

TEST_F(StepUp, T20_ProvedFactor_RaisesTheSession) {
    give_totp();
    const auto session = give_session();
    const auto begun = begin_step_up(session);
    const auto challenge = std::get<second_factor_pending>(begun.outcome.value()).challenge;
    EXPECT_EQ(refused(complete_step_up(session, challenge, {})), no_code);
    EXPECT_EQ(refused(complete_step_up(session, challenge, {.totp = wrong_totp_code()})),
              wrong_code);
    EXPECT_FALSE(user.sessions.front().second_factor_at);

    user.sessions.front().assurance = assurance_level::aal1; // as no sound account has it
    const auto made = complete_step_up(session, challenge, {.totp = totp_code()});
    EXPECT_EQ(made.outcome.value().assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.front().assurance, assurance_level::aal2);
    EXPECT_EQ(user.sessions.front().second_factor_at, now);
    EXPECT_EQ(refused(complete_step_up(session, challenge, {.totp = totp_code(1)})),
              challenge_unknown);
}

TEST_F(StepUp, MailedCode_CompletesIt) {
    give_email_factor();
    const auto session = give_session();
    const auto begun = begin_step_up(session);
    const auto pending = std::get<second_factor_pending>(begun.outcome.value());
    EXPECT_TRUE(pending.code_mailed);
    EXPECT_TRUE(complete_step_up(session, pending.challenge, {.email = "222222"}).outcome);
}

TEST_F(StepUp, ChallengeOfALoginOrOfAnotherSession_IsUnknown) {
    give_totp();
    const auto session = give_session();
    const auto other = give_session();
    const auto of_login = give_challenge();
    const auto of_other = give_challenge(challenge_purpose::step_up, other);
    for (const auto& challenge : {of_login, of_other, challenge_id("made up")})
        EXPECT_EQ(refused(complete_step_up(session, challenge, {.totp = totp_code()})),
                  challenge_unknown);
}

TEST_F(StepUp, Refusals_ComeInOrder) {
    EXPECT_EQ(refused(begin_step_up(session_id("gone"))), session_ended);
    const auto session = give_session();
    user.password_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    EXPECT_EQ(refused(begin_step_up(session, false)), blocked);
    user.password_hash.clear();
    EXPECT_EQ(refused(begin_step_up(session, false)), no_password);
    EXPECT_EQ(user.password_attempts.misses, 5);
}

TEST_F(StepUp, T14_WrongPasswords_AddUpWithThoseOfTheLogin) {
    const auto session = give_session();
    for (int miss = 0; miss < 2; ++miss) {
        EXPECT_EQ(refused(log_in(false)), wrong_password);
        EXPECT_EQ(refused(begin_step_up(session, false)), wrong_password);
    }
    const change_password command{.proof = proof(session),
                                  .old_password = password(false),
                                  .new_hash = "new",
                                  .origin = origin()};
    EXPECT_EQ(refused(run(command)), wrong_password);
    EXPECT_EQ(user.password_attempts.misses, 5);
    EXPECT_EQ(refused(log_in()), blocked);
    EXPECT_EQ(refused(begin_step_up(session)), blocked);
    EXPECT_EQ(refused(run(command)), blocked);
}

TEST_F(StepUp, T30_ProofOfAStepUp_IsCheckedWhole) {
    give_totp();
    const auto session = give_session(assurance_level::aal2);
    const auto other = give_session(assurance_level::aal2);
    EXPECT_FALSE(judge(proof(session)));

    EXPECT_EQ(judge(without_step_up(session)), step_up_missing);
    auto claims = proof(session);
    claims.step_up = token_error::malformed;
    EXPECT_EQ(judge(claims), step_up_malformed);
    claims.step_up = token_error::expired;
    EXPECT_EQ(judge(claims), step_up_expired);

    claims = proof(other);
    claims.session = session;
    EXPECT_EQ(judge(claims), step_up_malformed);
    claims = proof(session);
    claims.step_up->subject = account_id("user_of_somebody_else");
    EXPECT_EQ(judge(claims), step_up_malformed);
    EXPECT_EQ(judge(proof(session, assurance_level::aal1)), step_up_malformed);
    EXPECT_EQ(judge(proof(session_id("gone"))), session_ended);
}

TEST_F(StepUp, PasswordOnlyProof_CountsWhereTheSessionProvedAFactorSince) {
    const auto session = give_session();
    const auto claims = proof(session, assurance_level::aal1);
    EXPECT_FALSE(judge(claims)); // no factor: the password is all there is
    now += seconds(10);
    EXPECT_TRUE(begin_totp(claims).outcome);
    EXPECT_TRUE(confirm_totp(claims, code_of(user.enrolment->device)).outcome);
    EXPECT_FALSE(judge(claims));

    user.sessions.front().second_factor_at = now - seconds(60); // before that step-up
    EXPECT_EQ(judge(claims), step_up_malformed);
}

} // namespace
} // namespace countersign::core
