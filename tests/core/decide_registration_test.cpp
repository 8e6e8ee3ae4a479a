#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

class Registration : public tests::decide_test {
protected:
    register_account command() {
        return {.id = user.id,
                .email = email_address::parse("grace@example.org").value(),
                .name = "Grace",
                .password_hash = "hash",
                .verification = verification_link("link"),
                .origin = origin()};
    }
    auto report() { return run(report_registration_attempt{.origin = origin()}); }
};

TEST_F(Registration, T37_NewAccount_IsUnverifiedUntilItsLinkComesBack) {
    const auto made = create(command(), context(), now);
    ASSERT_TRUE(made.outcome);
    ASSERT_TRUE(made.next);
    EXPECT_EQ(check_invariants(*made.next), std::nullopt);
    EXPECT_FALSE(made.next->email_verified);
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::email_verification);
    EXPECT_EQ(made.events[0].recipients, std::vector<std::string>{"grace@example.org"});

    user = *made.next;
    EXPECT_TRUE(run(verify_email{.link_id = "link", .origin = origin()}).outcome);
    EXPECT_TRUE(user.email_verified);
}

TEST_F(Registration, EmailFactor_IsOnWherePolicyAndFamilySaySo) {
    for (const bool by_policy : {true, false})
        for (const bool by_family : {true, false}) {
            rules.email_factor_by_default = by_policy;
            auto wanted = command();
            wanted.email_factor = by_family;
            const auto made = create(wanted, context(), now);
            EXPECT_EQ(made.next->has(factor_method::email), by_policy && by_family);
            EXPECT_EQ(made.next->preferred.has_value(), by_policy && by_family);
        }
}

TEST_F(Registration, T37_WithACode_TheCodeProvesTheAddress) {
    auto wanted = command();
    wanted.verification_mail = event_type::email_verification_code;
    wanted.verification = code_mail("333333", code_purpose::verify_email);
    wanted.name = "Grace Hopper";
    wanted.family_name = "Hopper";
    const auto made = create(wanted, context(), now);
    EXPECT_EQ(check_invariants(*made.next), std::nullopt);
    EXPECT_EQ(made.next->family_name, "Hopper");
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::email_verification_code);
    EXPECT_EQ(made.events[0].expires_at, now + rules.mailed_code_life);
    user = *made.next;
    EXPECT_TRUE(run(activate_email{.code = "333333", .origin = origin()}).outcome);
    EXPECT_TRUE(user.email_verified);
}

TEST_F(Registration, T21_ASessionAtOnce_IsOpenedOnlyWhereNoSecondFactorIsOn) {
    auto wanted = command();
    wanted.session = material();
    wanted.email_factor = false;
    const auto made = create(wanted, context(), now);
    ASSERT_EQ(made.next->sessions.size(), 1u);
    EXPECT_EQ(made.next->sessions.front().assurance, assurance_level::aal1);
    wanted.email_factor = true;
    EXPECT_TRUE(create(wanted, context(), now).next->sessions.empty());
}

TEST_F(Registration, WithoutMail_NoLinkIsLive) {
    auto quiet = command();
    quiet.send_mail = false;
    const auto made = create(quiet, context(), now);
    EXPECT_TRUE(made.events.empty());
    EXPECT_TRUE(made.next->codes.empty());
    EXPECT_TRUE(made.next->mails.empty());
}

TEST_F(Registration, T17_AttemptsToRegisterATakenAddress_AreReportedWithinTheDaysBudget) {
    const auto begin = now;
    for (; now < begin + std::chrono::hours(24); now += seconds(60))
        EXPECT_TRUE(report().outcome);
    EXPECT_EQ(count(event_type::registration_with_existing_email), rules.mails_per_day);
    EXPECT_EQ(events.front().recipients, std::vector{user.email});
}

TEST_F(Registration, SwitchedOffAlert_IsMailedToNobody) {
    rules.alerts.fill(false);
    EXPECT_TRUE(report().outcome);
    EXPECT_EQ(mailed(), 0);
    EXPECT_EQ(events.size(), 1u) << "the history has it";
}

} // namespace
} // namespace countersign::core
