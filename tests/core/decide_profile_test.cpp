#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

class Profile : public tests::decide_test {
protected:
    session_id session = give_session(assurance_level::aal2);

    auto send_verification(std::string_view id) {
        return run(core::send_verification{
            .proof = without_step_up(session), .link = verification_link(id), .origin = origin()});
    }
    auto verify(std::string id) {
        return run(verify_email{.link_id = std::move(id), .origin = origin()});
    }
    auto ask_for(std::string_view address, std::string_view id) {
        return run(request_email_change{.proof = proof(session),
                                        .email = email_address::parse(address).value(),
                                        .link = verification_link(id),
                                        .origin = origin()});
    }
    auto ask_for_reset(std::string_view id) {
        return run(request_password_reset{.link = reset_link(id), .origin = origin()});
    }
    auto reset(std::string id, std::string new_hash = "new") {
        return run(reset_password{
            .link_id = std::move(id), .new_hash = std::move(new_hash), .origin = origin()});
    }
    auto change_password(bool right = true) {
        return run(core::change_password{.proof = proof(session),
                                         .old_password = password(right),
                                         .new_hash = "new",
                                         .origin = origin()});
    }
};
using tests::refused;
using enum refusal_reason;

TEST_F(Profile, T37_AddressIsVerified_ByItsLinkOnly) {
    user.email_verified = false;
    EXPECT_TRUE(send_verification("link").outcome);
    EXPECT_EQ(refused(verify("another")), link_unknown);
    EXPECT_FALSE(user.email_verified);
    EXPECT_EQ(verify("link").outcome.value().previous_email, "");
    EXPECT_TRUE(user.email_verified);
    EXPECT_EQ(refused(verify("link")), email_verified_already);
    EXPECT_EQ(refused(send_verification("again")), email_verified_already);
}

TEST_F(Profile, T06_Link_IsSingleUseBoundToItsActionAndReplacedByANewerOne) {
    EXPECT_TRUE(ask_for("new@example.org", "first").outcome);
    now += rules.mail_cooldown;
    EXPECT_TRUE(ask_for("new@example.org", "second").outcome);
    EXPECT_TRUE(ask_for_reset("reset").outcome);

    EXPECT_EQ(refused(verify("first")), link_unknown);
    EXPECT_EQ(refused(verify("reset")), link_unknown);
    EXPECT_EQ(refused(reset("second")), link_unknown);
    EXPECT_TRUE(verify("second").outcome);
    EXPECT_EQ(refused(verify("second")), email_verified_already);
    EXPECT_EQ(refused(reset("reset")), link_unknown); // it went to the old address

    now += rules.mail_cooldown;
    EXPECT_TRUE(ask_for_reset("reset").outcome);
    EXPECT_TRUE(reset("reset").outcome);
    EXPECT_EQ(refused(reset("reset")), link_unknown);
}

TEST_F(Profile, T06_Link_IsGoodForItsAccountOnly) {
    tests::account_builder other(2);
    EXPECT_TRUE(ask_for_reset("link").outcome);
    user.codes.front().hash = other.reset_link("link").hash;
    EXPECT_EQ(refused(reset("link")), link_unknown);
}

TEST_F(Profile, Link_Expires) {
    EXPECT_TRUE(ask_for("new@example.org", "link").outcome);
    EXPECT_TRUE(ask_for_reset("reset").outcome);
    now += rules.tokens.email_verification;
    EXPECT_EQ(refused(verify("link")), link_expired);
    EXPECT_EQ(refused(reset("reset")), link_unknown); // dead for so long that it was forgotten
    EXPECT_TRUE(ask_for_reset("reset").outcome);
    now += rules.tokens.password_reset;
    EXPECT_EQ(refused(reset("reset")), link_expired);
    EXPECT_EQ(user.email, "ada@example.org");
}

TEST_F(Profile, T37_ChangeOfAddress_ProvesTheNewOneAndAlertsBoth) {
    user.email_verified = false;
    give_email_factor();
    EXPECT_TRUE(send_code(session, "333333").outcome);
    EXPECT_TRUE(ask_for("new@example.org", "link").outcome);
    EXPECT_EQ(user.email, "ada@example.org");
    EXPECT_EQ(events.back().recipients, std::vector<std::string>{"new@example.org"});
    EXPECT_EQ(address_to_take(user, "link", context(), now), "new@example.org");
    EXPECT_EQ(address_to_take(user, "other", context(), now), std::nullopt);

    EXPECT_EQ(verify("link").outcome.value().previous_email, "ada@example.org");
    EXPECT_EQ(user.email, "new@example.org");
    EXPECT_TRUE(user.email_verified);
    EXPECT_TRUE(user.pending_email.empty());
    ASSERT_EQ(count(event_type::email_changed), 1);
    EXPECT_EQ(events.back().recipients,
              (std::vector<std::string>{"ada@example.org", "new@example.org"}));
    EXPECT_EQ(events.back().old_email, "ada@example.org");
    EXPECT_EQ(events.back().new_email, "new@example.org");
    // A code on its way to the old address is dead.
    EXPECT_EQ(refused(complete_login(give_challenge(), {.email = "333333"})), wrong_code);
}

TEST_F(Profile, LinkOfAnEarlierWish_DoesNotBringALaterOneAbout) {
    EXPECT_TRUE(ask_for("first@example.org", "first").outcome);
    now += rules.mail_cooldown;
    EXPECT_TRUE(ask_for("second@example.org", "second").outcome);
    EXPECT_EQ(refused(verify("first")), link_unknown);
    EXPECT_EQ(user.email, "ada@example.org");
}

TEST_F(Profile, RefusedChangeOfAddress_LeavesTheEarlierWishGood) {
    EXPECT_TRUE(ask_for("first@example.org", "first").outcome);
    EXPECT_EQ(refused(ask_for("second@example.org", "second")), mail_too_soon);
    EXPECT_TRUE(verify("first").outcome);
    EXPECT_EQ(user.email, "first@example.org");
}

TEST_F(Profile, RefusalsOfAChangeOfAddress_ComeInOrder) {
    give_totp();
    user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    const auto same = email_address::parse(user.email).value();
    const auto ask = [&](session_proof claims) {
        return refused(run(request_email_change{
            .proof = std::move(claims), .email = same, .link = {}, .origin = origin()}));
    };
    EXPECT_EQ(ask(proof(session_id("gone"))), session_ended);
    EXPECT_EQ(ask(without_step_up(session)), step_up_missing);
    EXPECT_EQ(ask(proof(session, assurance_level::aal1)), step_up_malformed);
    EXPECT_EQ(ask(proof(session)), blocked);
    now += seconds(30);
    EXPECT_EQ(ask(proof(session)), email_unchanged);
}

TEST_F(Profile, ChangeOfPassword_EndsTheOtherSessionsAndAlerts) {
    give_session();
    give_challenge();
    EXPECT_TRUE(change_password().outcome);
    EXPECT_EQ(user.password_hash, "new");
    ASSERT_EQ(user.sessions.size(), 1u);
    EXPECT_EQ(user.sessions.front().id, session);
    EXPECT_TRUE(user.challenges.empty());
    EXPECT_EQ(count(event_type::password_changed), 1);
}

TEST_F(Profile, RefusalsOfAChangeOfPassword_ChangeAndAlertNothing) {
    EXPECT_EQ(refused(change_password(false)), wrong_password);
    EXPECT_EQ(user.password_hash, "hash-of-the-password");
    user.password_hash.clear();
    EXPECT_EQ(refused(change_password()), no_password);
    EXPECT_TRUE(events.empty());
}

TEST_F(Profile, T23_PasswordReset_EndsEverySessionAndLeavesTheSecondFactor) {
    give_totp();
    give_session();
    const auto pending = give_challenge();
    user.factor_attempts = {.misses = 3, .blocked_until = {}};
    user.password_attempts = {.misses = 100, .blocked_until = {}};
    const auto factors = user.totp;
    EXPECT_TRUE(ask_for_reset("link").outcome);
    EXPECT_TRUE(reset("link").outcome);

    EXPECT_TRUE(user.sessions.empty());
    EXPECT_EQ(user.totp, factors);
    EXPECT_EQ(user.factor_attempts.misses, 3);
    EXPECT_EQ(user.password_attempts, attempt_state{});
    EXPECT_EQ(count(event_type::password_changed), 1);
    EXPECT_EQ(refused(complete_login(pending, {.totp = totp_code()})), challenge_unknown);
    EXPECT_TRUE(std::holds_alternative<second_factor_pending>(log_in().outcome.value()));
    EXPECT_TRUE(user.sessions.empty());
}

TEST_F(Profile, T06_NewPassword_CallsOffAChangeOfAddressThatWaitsForItsLink) {
    EXPECT_TRUE(ask_for("thief@example.org", "thief").outcome);
    EXPECT_TRUE(ask_for_reset("reset").outcome);
    EXPECT_TRUE(reset("reset").outcome);
    EXPECT_TRUE(refused(verify("thief")));
    EXPECT_EQ(user.email, "ada@example.org");

    session = give_session(assurance_level::aal2);
    now += rules.mail_cooldown;
    EXPECT_TRUE(ask_for("thief@example.org", "thief").outcome);
    EXPECT_TRUE(ask_for_reset("reset").outcome);
    EXPECT_TRUE(change_password().outcome);
    EXPECT_TRUE(refused(verify("thief")));
    EXPECT_EQ(refused(reset("reset")), link_unknown);
    EXPECT_EQ(user.email, "ada@example.org");
}

TEST_F(Profile, ResetLink_GoesToThePresentAddressOnly) {
    const auto made = ask_for_reset("link");
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].recipients, std::vector{user.email});
    EXPECT_EQ(
        keys.open(made.events[0].sealed_secret, secret_context(user.id, event_type::password_reset))
            .value()
            .reveal(),
        "link");
    EXPECT_EQ(refused(ask_for_reset("again")), mail_too_soon);
    EXPECT_TRUE(reset("link").outcome);
}

TEST_F(Profile, Update_ReplacesOnlyWhatIsGiven) {
    EXPECT_TRUE(run(update_profile{.by = session, .name = "Ada Lovelace"}).outcome);
    EXPECT_EQ(user.name, "Ada Lovelace");
    EXPECT_TRUE(run(update_profile{.by = session, .given_name = "Augusta Ada"}).outcome);
    EXPECT_EQ(user.name, "Augusta Ada Lovelace");
    EXPECT_EQ(user.family_name, "Lovelace");
    EXPECT_TRUE(run(update_profile{.by = session, .family_name = "King Noel"}).outcome);
    EXPECT_EQ(user.name, "Augusta Ada King Noel");
    EXPECT_EQ(name_of(user).given, "Augusta Ada");
    EXPECT_TRUE(user.dark_mode);
    EXPECT_TRUE(run(update_profile{.by = session, .dark_mode = false}).outcome);
    EXPECT_FALSE(user.dark_mode);
    EXPECT_EQ(user.name, "Augusta Ada King Noel");
    EXPECT_TRUE(run(update_profile{.by = session, .name = "Ada"}).outcome);
    EXPECT_EQ(user.family_name, "");
    EXPECT_FALSE(user.dark_mode);
    EXPECT_TRUE(events.empty());
}

TEST_F(Profile, T34_ReadAndUpdate_AreForWhoStands) {
    const auto token = give_api_token();
    for (const requester& by : {requester(session), requester(token), requester(backend())}) {
        EXPECT_FALSE(may_read(user, by, now));
        EXPECT_TRUE(run(update_profile{.by = by, .name = "Ada L."}).outcome);
    }
    for (const requester& by :
         {requester(session_id("gone")), requester(api_token_hash("revoked"))}) {
        EXPECT_EQ(refused(may_read(user, by, now)), session_ended);
        EXPECT_EQ(refused(run(update_profile{.by = by, .name = "Eve"})), session_ended);
    }
    EXPECT_EQ(user.name, "Ada L.");
}

TEST_F(Profile, SwitchedOffAlerts_AreMailedToNobody) {
    rules.alerts.fill(false);
    EXPECT_TRUE(change_password().outcome);
    EXPECT_EQ(mailed(), 0);
    EXPECT_TRUE(ask_for("new@example.org", "link").outcome); // links are mailed all the same
    ASSERT_EQ(mailed(), 1);
    EXPECT_TRUE(verify("link").outcome);
    EXPECT_EQ(mailed(), 1);
    EXPECT_EQ(count(event_type::email_changed), 1) << "the history has it";
}

} // namespace
} // namespace countersign::core
