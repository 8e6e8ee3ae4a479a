#include "tests/core/account_builder.hpp"

namespace countersign::core {
namespace {

using tests::refused;
using enum refusal_reason;

const std::string uri =
    "otpauth://totp/Shop:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop";
const std::string digest(64, 'a');

import_line parse(const std::string& more = "") {
    return parse_import_line(
               R"({"subject":"ada-7","email":"Ada@Example.org","name":"Ada","locale":"de")" + more +
               "}")
        .value();
}
std::string with_device() {
    return R"(,"totp":[")" + uri + R"("],"backupCodes":[")" + digest + R"("])";
}

class Subjects : public tests::decide_test {
protected:
    account made_of(const import_line& line) {
        auto made = create(command_of(line, context(), random), context(), now);
        EXPECT_TRUE(made.outcome);
        EXPECT_TRUE(made.events.empty());
        EXPECT_EQ(check_invariants(*made.next), std::nullopt);
        return *made.next;
    }
    auto update(update_subject command) {
        command.origin = origin();
        return run(command);
    }
};

TEST_F(Subjects, AccountOfASubject_IsMadeOfItAlone) {
    const auto id = account_of_subject("ada-7");
    EXPECT_EQ(id, account_of_subject("ada-7"));
    EXPECT_NE(id, account_of_subject("ada-8"));
    EXPECT_NE(id, account_of_subject("Ada-7"));
    EXPECT_TRUE(names_an_account(id.value()));
    // SHA-256 of "countersign subject", NUL, the subject: an index that never changes.
    EXPECT_EQ(id.value(), "user_1ff4ebafd71e596080dafa938afbb3db");
}

TEST_F(Subjects, SubjectWrittenAsAnAccountsId_IsThatAccount) {
    EXPECT_EQ(account_of_subject(user.id.value()), user.id);
    const std::string digits(32, 'a');
    EXPECT_TRUE(names_an_account("user_" + digits));
    for (const auto& text :
         {digits, "user_" + digits.substr(1), "user_" + digits + "a", "User_" + digits,
          "user_" + std::string(32, 'A'), "user_" + std::string(32, 'g'), std::string()}) {
        EXPECT_FALSE(names_an_account(text)) << text;
        EXPECT_NE(account_of_subject(text).value(), text);
    }
}

TEST_F(Subjects, T37_NewSubject_IsUnverifiedAndHasTheFactorsThatAreTold) {
    create_subject command{.subject = "ada-7",
                           .email = email_address::parse("ada@example.org").value(),
                           .name = "Ada",
                           .locale = "de",
                           .email_factor = true};
    const auto made = create(command, context(), now);
    EXPECT_EQ(check_invariants(*made.next), std::nullopt);
    EXPECT_EQ(made.next->id, account_of_subject("ada-7"));
    EXPECT_EQ(made.next->subject, "ada-7");
    EXPECT_EQ(made.next->created_at, now);
    EXPECT_FALSE(made.next->email_verified);
    EXPECT_TRUE(made.next->password_hash.empty());
    EXPECT_EQ(made.next->methods(), std::vector{factor_method::email});
    EXPECT_EQ(made.next->preferred, factor_method::email);
    EXPECT_TRUE(made.events.empty());

    command.email_factor = false;
    command.backup_code_hashes = {"stray"}; // without a device they stand for nothing
    const auto bare = create(command, context(), now);
    EXPECT_EQ(check_invariants(*bare.next), std::nullopt);
    EXPECT_FALSE(bare.next->has_second_factor());
}

TEST_F(Subjects, ImportedDevice_ProvesAndItsBackupCodesToo) {
    user = made_of(parse(with_device()));
    EXPECT_EQ(user.id, account_of_subject("ada-7"));
    EXPECT_EQ(user.email, "ada@example.org");
    EXPECT_EQ(user.locale, "de");
    EXPECT_EQ(user.methods(), std::vector{factor_method::totp});
    EXPECT_EQ(user.totp.front().enrolled_at, now);
    EXPECT_EQ(user.totp.front().label, device_label(parse(with_device()).totp.front()));
    const auto code = totp_code();
    EXPECT_EQ(code, core::totp_code(bytes_of("12345678901234567890"), {},
                                    step_at(now, totp_parameters{})));
    EXPECT_TRUE(verify(code).outcome);
    EXPECT_EQ(refused(verify(code)), wrong_code); // T-01
    EXPECT_EQ(user.backup_code_hashes, std::vector{codes.hash_backup_digest(user.id, digest)});
}

TEST_F(Subjects, ImportedWithoutADevice_HasTheEmailFactorWherePolicyWantsIt) {
    EXPECT_TRUE(made_of(parse()).has(factor_method::email));
    EXPECT_FALSE(made_of(parse(with_device())).has(factor_method::email));
    rules.email_factor_by_default = false;
    EXPECT_FALSE(made_of(parse()).has_second_factor());
}

TEST_F(Subjects, LineIsCovered_ByAnAccountThatHasAllOfIt) {
    const auto line = parse(with_device());
    const auto account = made_of(line);
    EXPECT_TRUE(is_covered_by(line, account, context()));
    EXPECT_TRUE(is_covered_by(parse(), account, context())); // it has more

    EXPECT_FALSE(is_covered_by(line, made_of(parse()), context()));
    auto other = account;
    other.email = "eve@example.org";
    EXPECT_FALSE(is_covered_by(line, other, context()));
    other = account;
    other.subject = "eve";
    EXPECT_FALSE(is_covered_by(line, other, context()));
    other = account;
    other.totp.front().parameters.digits = 8;
    EXPECT_FALSE(is_covered_by(line, other, context()));
    other = account;
    other.totp.front() = make_device(); // sealed for another account: not to be opened
    EXPECT_FALSE(is_covered_by(line, other, context()));
    other = account;
    other.backup_code_hashes.clear(); // used since
    other.name = "Augusta";
    EXPECT_TRUE(is_covered_by(line, other, context()));
}

TEST_F(Subjects, Update_ReplacesOnlyWhatIsGiven) {
    user.family_name = "";
    user.locale = "en";
    EXPECT_EQ(update({.locale = "de"}).outcome.value().previous_email, "");
    EXPECT_EQ(user.name, "Ada");
    EXPECT_EQ(user.locale, "de");
    set_name(user, {.given = "Ada", .family = "Lovelace"});
    EXPECT_TRUE(update({.name = "Augusta King"}).outcome);
    EXPECT_EQ(user.name, "Augusta King");
    EXPECT_EQ(user.family_name, "");
    EXPECT_EQ(user.locale, "de");
    EXPECT_TRUE(events.empty());
}

TEST_F(Subjects, T37_ChangedAddress_IsUnverifiedAndBothHearOfIt) {
    give_email_factor();
    EXPECT_TRUE(mail_code("333333").outcome);
    user.pending_email = "wish@example.org";
    const auto made = update({.email = email_address::parse("new@example.org").value()});
    EXPECT_EQ(made.outcome.value().previous_email, "ada@example.org");
    EXPECT_EQ(user.email, "new@example.org");
    EXPECT_FALSE(user.email_verified);
    EXPECT_TRUE(user.pending_email.empty());
    EXPECT_EQ(count(event_type::email_changed), 1);
    EXPECT_EQ(events.back().recipients,
              (std::vector<std::string>{"ada@example.org", "new@example.org"}));
    // T-06: the code that went to the old address is dead.
    EXPECT_EQ(refused(verify("333333")), wrong_code);

    user.email_verified = true;
    EXPECT_TRUE(update({.email = email_address::parse("new@example.org").value()}).outcome);
    EXPECT_TRUE(user.email_verified); // the same is no change
    EXPECT_EQ(count(event_type::email_changed), 1);
}

TEST_F(Subjects, T33_SwitchedEmailFactor_IsToldAndEndsSessionsWhereItIsNew) {
    give_session();
    give_challenge();
    EXPECT_TRUE(update({.email_factor = true}).outcome);
    EXPECT_EQ(user.preferred, factor_method::email);
    EXPECT_TRUE(user.sessions.empty());
    EXPECT_TRUE(user.challenges.empty());
    EXPECT_EQ(count(event_type::two_factor_added), 1);

    give_session();
    EXPECT_TRUE(update({.email_factor = true}).outcome);
    EXPECT_EQ(user.sessions.size(), 1u);
    EXPECT_TRUE(update({.email_factor = false}).outcome);
    EXPECT_EQ(user.sessions.size(), 1u);
    EXPECT_FALSE(user.has_second_factor());
    EXPECT_EQ(count(event_type::two_factor_added), 1);
    EXPECT_EQ(count(event_type::two_factor_removed), 1);
}

TEST_F(Subjects, RefusedUpdate_ChangesNothingOfIt) {
    rules.require_second_factor = true;
    give_email_factor();
    const auto before = user;
    EXPECT_EQ(refused(update({.email = email_address::parse("new@example.org").value(),
                              .name = "Eve",
                              .email_factor = false})),
              only_method);
    EXPECT_EQ(user, before);
    EXPECT_TRUE(events.empty());
    give_totp();
    EXPECT_TRUE(update({.email_factor = false}).outcome);
}

} // namespace
} // namespace countersign::core
