// What an account's own history has of a decision, whether or not somebody is mailed.
#include "core/activity.hpp"

#include "core/decide/erasure.hpp"
#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;

event full_event() {
    event full{.id = event_id("0123456789abcdef0123456789abcdef"),
               .type = event_type::email_changed,
               .account = account_id("user_1"),
               .at = unix_time(milliseconds(1'800'000'000'123)),
               .recipients = {"ada@example.org"},
               .name = "Ada",
               .locale = "de",
               .method = "totp",
               .label = "phone",
               .ip = "192.0.2.1",
               .browser = "Firefox",
               .os = "Linux",
               .old_email = "old@example.org",
               .new_email = "new@example.org",
               .remaining_codes = 3,
               .sealed_secret = "sealed"};
    full.by = "service:0123456789abcdef";
    return full;
}

TEST(Activity, ARow_ReadsBackAsItWas) {
    const auto row = row_of(full_event());
    EXPECT_EQ(row.what, "email_changed");
    EXPECT_EQ(row.by, "service:0123456789abcdef");
    EXPECT_EQ(activity_row_from_json(to_json(row)), row);
}

TEST(Activity, ARow_HasNeitherSecretsNorRecipients) {
    const auto text = to_json(row_of(full_event()));
    EXPECT_EQ(text.find("sealed"), std::string::npos) << text;
    EXPECT_EQ(text.find("ada@example.org"), std::string::npos) << text;
}

TEST(Activity, AnEventThatOnlyANewerServerKnows_IsShownAllTheSame) {
    const auto row = activity_row_from_json(R"({"id":"1","what":"of_the_future","more":7})");
    ASSERT_TRUE(row);
    EXPECT_EQ(row->what, "of_the_future");
}

TEST(Activity, WhatIsNoRow_IsRefused) {
    for (const auto* text : {"", "[]", "7", "{}", R"({"id":"1"})", R"({"what":"new_login"})",
                             R"({"id":"1","what":7})", R"({"id":"1","what":"x","at":"noon"})"})
        EXPECT_EQ(activity_row_from_json(text), std::nullopt) << text;
}

TEST(Activity, WhatOnlyBringsACodeOrALink_IsNotRecorded) {
    for (std::size_t number = 0; number < event_type_count; ++number) {
        const auto type = static_cast<event_type>(number);
        EXPECT_EQ(is_recorded(type), lane_of(type) == mail_lane::alert) << to_string(type);
    }
}

class History : public tests::decide_test {
protected:
    void switch_off(event_type type) { rules.alerts[static_cast<std::size_t>(type)] = false; }
    request_origin origin_of_a_key() {
        auto made = origin();
        made.by = "service:0123456789abcdef";
        return made;
    }
    static email_address address(std::string_view text) {
        return email_address::parse(text).value();
    }
};

TEST_F(History, AnAlertThatIsSwitchedOff_IsMailedToNobodyAndStillAnEvent) {
    switch_off(event_type::second_factor_reset);
    give_totp();
    const auto made = run(reset_second_factor{.origin = origin_of_a_key()});
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::second_factor_reset);
    EXPECT_TRUE(made.events[0].recipients.empty());
    EXPECT_EQ(made.events[0].by, "service:0123456789abcdef");
    EXPECT_EQ(made.events[0].ip, client.ip);
}

TEST_F(History, WhatTheHoldersOwnCredentialDid_NamesNobodyElse) {
    give_totp();
    give_email_factor();
    const auto made = disable(proof(give_session()), factor_method::email);
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].by, "");
}

TEST_F(History, AResetThatTookNothing_IsRecordedAndMailedToNobody) {
    const auto made = run(reset_second_factor{.origin = origin_of_a_key()});
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_TRUE(made.events[0].recipients.empty());
}

TEST_F(History, TerminatedSessions_EndWithThePendingLogins_AndTheHolderHears) {
    give_session();
    give_session();
    give_challenge();
    const auto made = run(terminate_sessions{.origin = origin_of_a_key()});
    EXPECT_TRUE(made.outcome);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_TRUE(user.challenges.empty());
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::sessions_ended);
    EXPECT_EQ(made.events[0].recipients, std::vector{user.email});
    EXPECT_EQ(made.events[0].by, "service:0123456789abcdef");
}

TEST_F(History, TerminatingWhereThereIsNoSession_IsRecordedAndMailedToNobody) {
    give_session();
    now = user.sessions.back().expires_at;
    const auto made = run(terminate_sessions{.origin = origin_of_a_key()});
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_TRUE(made.events[0].recipients.empty());
}

TEST_F(History, NotificationAddresses_AreToldOfByAllThatWereAndAllThatAre) {
    user.notification_addresses = {"old@example.org", "kept@example.org"};
    const auto made = run(set_notification_addresses{
        .addresses = {address("kept@example.org"), address(user.email), address("New@Example.org")},
        .origin = origin_of_a_key()});
    EXPECT_EQ(user.notification_addresses,
              (std::vector<std::string>{"kept@example.org", "new@example.org"}));
    ASSERT_EQ(made.events.size(), 1u);
    const auto& told = made.events[0];
    EXPECT_EQ(told.type, event_type::notification_addresses_changed);
    EXPECT_EQ(told.recipients, (std::vector<std::string>{user.email, "old@example.org",
                                                         "kept@example.org", "new@example.org"}));
    EXPECT_EQ(told.old_email, "old@example.org");
    EXPECT_EQ(told.new_email, "new@example.org");
    EXPECT_EQ(told.by, "service:0123456789abcdef");
}

TEST_F(History, NotificationAddressesThatStay_AreNoChange) {
    user.notification_addresses = {"a@example.org", "b@example.org"};
    const auto made = run(set_notification_addresses{
        .addresses = {address("b@example.org"), address("a@example.org")}, .origin = origin()});
    EXPECT_FALSE(made.next);
    EXPECT_TRUE(made.events.empty());
}

TEST_F(History, ANewAddressThatGotAlertsBefore_IsToldOnce) {
    user.notification_addresses = {"new@example.org", "kept@example.org"};
    const auto old = user.email;
    const auto made = run(update_subject{.email = address("new@example.org"),
                                         .name = {},
                                         .locale = {},
                                         .email_factor = {},
                                         .origin = origin()});
    EXPECT_EQ(made.events.at(0).recipients,
              (std::vector<std::string>{old, "new@example.org", "kept@example.org"}));
}

TEST_F(History, AnAccountWithTooManyNotificationAddressesOrOneTwice_IsUnsound) {
    user.notification_addresses = {"a@example.org", "b@example.org", "c@example.org"};
    EXPECT_EQ(check_invariants(user), std::nullopt);
    user.notification_addresses.emplace_back("d@example.org");
    EXPECT_TRUE(check_invariants(user));
    user.notification_addresses = {"a@example.org", "a@example.org"};
    EXPECT_TRUE(check_invariants(user));
}

TEST_F(History, AnErasure_IsToldToEveryAddress) {
    user.notification_addresses = {"security@example.org"};
    const auto told = events_of_erasure(user, origin_of_a_key(), context(), now);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].type, event_type::account_deleted);
    EXPECT_EQ(told[0].recipients, (std::vector<std::string>{user.email, "security@example.org"}));
    EXPECT_EQ(told[0].ip, client.ip);
    switch_off(event_type::account_deleted);
    EXPECT_TRUE(events_of_erasure(user, origin(), context(), now).at(0).recipients.empty());
}

TEST_F(History, BackupCodesThatABackendReplaces_AreNewAndToldOf) {
    give_totp();
    const auto old = user.backup_code_hashes;
    const auto fresh = make_backup_hashes();
    const auto made =
        run(replace_backup_codes{.backup_code_hashes = fresh, .origin = origin_of_a_key()});
    EXPECT_TRUE(made.outcome);
    EXPECT_EQ(user.backup_code_hashes, fresh);
    EXPECT_NE(user.backup_code_hashes, old);
    ASSERT_EQ(made.events.size(), 1u);
    EXPECT_EQ(made.events[0].type, event_type::recovery_codes_created);
    EXPECT_EQ(made.events[0].remaining_codes, static_cast<int>(fresh.size()));
}

TEST_F(History, BackupCodesWithoutAnApp_OrWhileBlocked_AreNotReplaced) {
    give_email_factor();
    const replace_backup_codes command{.backup_code_hashes = make_backup_hashes(),
                                       .origin = origin()};
    EXPECT_EQ(refused(run(command)), refusal_reason::method_off_already);
    give_totp();
    user.factor_attempts = {.misses = 5, .blocked_until = now + seconds(30)};
    EXPECT_EQ(refused(run(command)), refusal_reason::blocked);
    EXPECT_TRUE(events.empty());
}

} // namespace
} // namespace countersign::core
