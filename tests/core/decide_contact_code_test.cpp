// Codes that stand for no second factor: they prove an address or allow a new password.
#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;
using enum code_purpose;

class ContactCode : public tests::decide_test {
protected:
    session_id session = give_session();

    auto activate(std::string code) {
        return run(activate_email{.code = std::move(code), .origin = origin()});
    }
    auto change_password(std::string code, requester by = backend()) {
        return run(change_password_with_code{
            .by = std::move(by), .code = std::move(code), .new_hash = "new", .origin = origin()});
    }
};

TEST_F(ContactCode, MailedForEachPurpose_InAMailOfItsOwn) {
    const std::array purposes{std::pair{second_factor, event_type::one_time_code},
                              std::pair{verify_email, event_type::email_verification_code},
                              std::pair{reset_password, event_type::password_reset_code}};
    for (const auto& [purpose, type] : purposes) {
        const auto made = mail_code("333333", purpose);
        EXPECT_EQ(made.outcome.value().cooldown, rules.mail_cooldown);
        EXPECT_EQ(made.outcome.value().expires_at, now + rules.mailed_code_life);
        ASSERT_EQ(made.events.size(), 1u);
        EXPECT_EQ(made.events[0].type, type);
        EXPECT_EQ(lane_of(type), mail_lane::code);
        EXPECT_EQ(made.events[0].recipients, std::vector{user.email});
        EXPECT_EQ(made.events[0].expires_at, now + rules.mailed_code_life);
        EXPECT_EQ(
            keys.open(made.events[0].sealed_secret, secret_context(user.id, type)).value().reveal(),
            "333333");
        EXPECT_EQ(refused(mail_code("444444", purpose)), mail_too_soon);
    }
    EXPECT_EQ(user.codes.size(), 3u);
}

TEST_F(ContactCode, OfAFactorThatMustBeOn_IsMailedOnlyThen) {
    const auto ask = [&] {
        return run(
            core::mail_code{.mail = mail("333333"), .factor_must_be_on = true, .origin = origin()});
    };
    EXPECT_EQ(refused(ask()), method_off);
    give_totp();
    EXPECT_EQ(refused(ask()), method_off);
    give_email_factor();
    EXPECT_TRUE(ask().outcome);
}

TEST_F(ContactCode, T17_WhatAnybodyMayAskFor_LeavesAPartOfTheBudgetToTheHolder) {
    rules.mail_cooldown = seconds(0);
    const auto ask = [&](mail_asker asker) {
        return run(core::mail_code{.mail = mail("333333"), .asker = asker, .origin = origin()});
    };
    for (int strangers = 0; strangers < 3; ++strangers)
        EXPECT_TRUE(ask(mail_asker::anybody).outcome);
    EXPECT_EQ(refused(ask(mail_asker::anybody)), mail_too_soon);
    EXPECT_TRUE(ask(mail_asker::holder).outcome);
    EXPECT_TRUE(ask(mail_asker::holder).outcome);
    EXPECT_EQ(refused(ask(mail_asker::holder)), mail_too_soon);
}

TEST_F(ContactCode, T17_MailsOfAllPurposes_ShareOneBudgetAndResetsTakeHalf) {
    rules.mail_cooldown = seconds(0);
    EXPECT_TRUE(mail_code("1", reset_password).outcome);
    EXPECT_TRUE(mail_code("2", reset_password).outcome);
    EXPECT_EQ(refused(mail_code("3", reset_password)), mail_too_soon);
    EXPECT_TRUE(mail_code("4", verify_email).outcome);
    EXPECT_TRUE(mail_code("5", verify_email).outcome);
    EXPECT_TRUE(mail_code("6", second_factor).outcome);
    EXPECT_EQ(refused(mail_code("7", second_factor)), mail_too_soon);
}

TEST_F(ContactCode, T37_Activation_ProvesTheAddressByItsCodeOnly) {
    user.email_verified = false;
    EXPECT_EQ(refused(activate("333333")), code_not_mailed);
    EXPECT_TRUE(mail_code("333333", verify_email).outcome);
    EXPECT_EQ(refused(activate("000000")), wrong_code);
    EXPECT_FALSE(user.email_verified);
    EXPECT_TRUE(activate("333333").outcome);
    EXPECT_TRUE(user.email_verified);
    EXPECT_EQ(refused(activate("333333")), code_not_mailed);
    EXPECT_EQ(user.sessions.size(), 1u);
}

TEST_F(ContactCode, T37_LinkToANewAddress_DoesNotProveThePresentOne) {
    user.email_verified = false;
    EXPECT_TRUE(run(request_email_change{.proof = proof(session),
                                         .email = email_address::parse("eve@example.org").value(),
                                         .link = verification_link("id-of-the-link"),
                                         .origin = origin()})
                    .outcome);
    const auto before = user;
    EXPECT_EQ(refused(activate("id-of-the-link")), code_not_mailed);
    EXPECT_EQ(user, before);
    EXPECT_TRUE(run(core::verify_email{.link_id = "id-of-the-link", .origin = origin()}).outcome);
}

TEST_F(ContactCode, T06_Code_IsGoodForItsPurposeOnly) {
    give_email_factor();
    EXPECT_TRUE(mail_code("111111", second_factor).outcome);
    EXPECT_TRUE(mail_code("222222", verify_email).outcome);
    EXPECT_TRUE(mail_code("333333", reset_password).outcome);
    EXPECT_EQ(refused(activate("111111")), wrong_code);
    EXPECT_EQ(refused(activate("333333")), wrong_code);
    EXPECT_EQ(refused(change_password("111111")), wrong_code);
    EXPECT_EQ(refused(change_password("222222")), wrong_code);
    EXPECT_EQ(refused(verify("222222")), wrong_code);
    EXPECT_EQ(refused(verify("333333")), wrong_code);
    EXPECT_EQ(user.factor_attempts.misses, 2);
    EXPECT_TRUE(verify("111111").outcome);
    EXPECT_TRUE(activate("222222").outcome);
    EXPECT_TRUE(change_password("333333").outcome);
}

TEST_F(ContactCode, T16_FiveMisses_KillTheCodeAndLockNobodyOut) {
    give_totp();
    EXPECT_TRUE(mail_code("333333", reset_password).outcome);
    for (int miss = 1; miss <= 5; ++miss) {
        EXPECT_EQ(refused(change_password("000000")), wrong_code);
        EXPECT_EQ(user.codes.size(), miss < 5 ? 1u : 0u);
    }
    EXPECT_EQ(refused(change_password("333333")), code_not_mailed);
    EXPECT_EQ(user.factor_attempts, attempt_state{});
    EXPECT_EQ(user.password_attempts, attempt_state{});
    EXPECT_EQ(count(event_type::sign_in_blocked), 0);
    EXPECT_TRUE(verify(totp_code()).outcome);
    EXPECT_TRUE(log_in().outcome);

    // A new code starts from zero, but takes its place in the budget.
    EXPECT_EQ(refused(mail_code("444444", reset_password)), mail_too_soon);
    now += rules.mail_cooldown;
    EXPECT_TRUE(mail_code("444444", reset_password).outcome);
    EXPECT_EQ(user.codes.front().misses, 0);
    EXPECT_TRUE(change_password("444444").outcome);
}

TEST_F(ContactCode, T16_GuessesADay_AreBoundWhateverIsMailed) {
    int guesses = 0;
    const auto end = now + std::chrono::hours(24);
    for (; now < end; now += seconds(61)) {
        (void)mail_code("333333", reset_password);
        for (int guess = 0; guess < 6; ++guess)
            guesses += refused(change_password("000000")) == wrong_code;
    }
    EXPECT_EQ(guesses, rules.mails_per_day / 2 * 5);
}

TEST_F(ContactCode, T12_WhileTheAccountIsBlocked_NothingIsEvaluated) {
    EXPECT_TRUE(mail_code("222222", verify_email).outcome);
    EXPECT_TRUE(mail_code("333333", reset_password).outcome);
    user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    const auto before = user;
    for (const auto* code : {"222222", "333333", "000000"}) {
        EXPECT_EQ(refused(activate(code)), blocked);
        EXPECT_EQ(refused(change_password(code)), blocked);
    }
    EXPECT_EQ(user, before);
}

TEST_F(ContactCode, Expired_IsSaidAndIsNoMiss) {
    EXPECT_TRUE(mail_code("333333", verify_email).outcome);
    now += rules.mailed_code_life;
    EXPECT_EQ(refused(activate("333333")), code_expired);
    EXPECT_EQ(refused(activate("000000")), code_expired);
    EXPECT_EQ(user.codes.front().misses, 0);
}

TEST_F(ContactCode, T23_NewPasswordWithoutASession_DoesWhatAResetDoes) {
    give_totp();
    give_api_token();
    const auto pending = give_challenge();
    user.password_attempts = {.misses = 100, .blocked_until = {}};
    user.factor_attempts.misses = 3;
    const auto factors = user.totp;
    EXPECT_TRUE(mail_code("333333", reset_password).outcome);
    EXPECT_TRUE(change_password("333333").outcome);

    EXPECT_EQ(user.password_hash, "new");
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_TRUE(user.api_tokens.empty());
    EXPECT_EQ(user.totp, factors);
    EXPECT_EQ(user.factor_attempts.misses, 3);
    EXPECT_EQ(user.password_attempts, attempt_state{});
    EXPECT_EQ(count(event_type::password_changed), 1);
    EXPECT_EQ(refused(complete_login(pending, {.totp = totp_code()})), challenge_unknown);
    EXPECT_TRUE(std::holds_alternative<second_factor_pending>(log_in().outcome.value()));
}

TEST_F(ContactCode, NewPasswordByASession_KeepsThatOneOnly) {
    const auto other = give_session();
    const auto token = give_api_token();
    EXPECT_EQ(refused(change_password("1", session_id("gone"))), session_ended);
    EXPECT_TRUE(mail_code("333333", reset_password).outcome);
    EXPECT_TRUE(change_password("333333", session).outcome);
    EXPECT_FALSE(may_read(user, session, now));
    EXPECT_EQ(refused(may_read(user, other, now)), session_ended);
    EXPECT_FALSE(may_read(user, token, now)); // as after change_password
}

TEST_F(ContactCode, T06_NewPassword_CallsOffAChangeOfAddressThatWaitsForItsLink) {
    EXPECT_TRUE(mail_code("333333", reset_password).outcome);
    EXPECT_TRUE(run(request_email_change{.proof = proof(session),
                                         .email = email_address::parse("eve@example.org").value(),
                                         .link = verification_link("thief"),
                                         .origin = origin()})
                    .outcome);
    EXPECT_TRUE(change_password("333333", session).outcome);
    EXPECT_TRUE(user.pending_email.empty());
    EXPECT_TRUE(refused(run(core::verify_email{.link_id = "thief", .origin = origin()})));
    EXPECT_EQ(user.email, "ada@example.org");
}

} // namespace
} // namespace countersign::core
