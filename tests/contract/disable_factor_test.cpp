// The acceptance list for switching a second factor off (contract sections 3.5 and 3.11), for both
// methods.
#include "tests/contract/world.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

constexpr std::string_view removed_en = "Two-Factor Authentication Method Removed";
constexpr std::string_view removed_de = "Verfahren zur Zwei-Faktor-Authentifizierung entfernt";

struct method_case {
    const char* name;
    std::string target, method, other;
};

void PrintTo(const method_case& row, std::ostream* out) {
    *out << row.name;
}

class DisableFactor : public testing::TestWithParam<method_case> {
protected:
    [[nodiscard]] const std::string& target() const { return GetParam().target; }
    // The account with the method on and nothing else.
    [[nodiscard]] person only_this() const {
        return GetParam().method == "totp" ? with_totp_only() : with_email_only();
    }
    [[nodiscard]] person only_the_other() const {
        return GetParam().method == "totp" ? with_email_only() : with_totp_only();
    }
    // A person with both methods on, in a world with these settings.
    static person both(const server_settings& settings = {}) {
        return with_both(world::with(settings));
    }
};

TEST_P(DisableFactor, WithBothMethodsOn_LeavesTheOther) {
    auto who = both();

    const auto body = expect_principal(who.call("DELETE", target()), who);

    EXPECT_EQ(texts_of(body.at("twoFactorMethods")), std::vector{GetParam().other});
    EXPECT_EQ(text_in(body, "preferredTwoFactorMethod"), GetParam().other);
    // Neither the session nor the step-up is used up.
    EXPECT_EQ(who.read_methods(), std::vector{GetParam().other});
    expect_not_modified(who, "DELETE", target());
}

TEST_P(DisableFactor, AfterItsRemoval_TheOtherMethodLogsIn) {
    auto who = both();
    ASSERT_EQ(who.call("DELETE", target()).status, 200u);

    who.sign_in();

    EXPECT_EQ(who.read_methods(), std::vector{GetParam().other});
}

TEST_P(DisableFactor, TheOnlyMethod_IsRefusedAndStays) {
    auto who = only_this();

    const auto response = who.call("DELETE", target());

    expect_error_at(response, 400, "CANNOT_DISABLE_ONLY_TWO_FACTOR_METHOD", target());
    EXPECT_EQ(who.read_methods(), std::vector{GetParam().method});
    EXPECT_EQ(who.read_preferred(), GetParam().method);
    who.expect_mail(removed_en, 0);
}

TEST_P(DisableFactor, AMethodThatIsNotOn_IsNotModifiedWithoutContent) {
    auto who = only_the_other();

    expect_not_modified(who, "DELETE", target());

    EXPECT_EQ(who.read_methods(), std::vector{GetParam().other});
    who.expect_mail(removed_en, 0);
}

TEST_P(DisableFactor, WithoutAnyMethodOn_IsNotModified) {
    expect_not_modified(with_no_factor(), "DELETE", target());
}

TEST_P(DisableFactor, AskedAgain_IsNotModifiedAndAlertsOnce) {
    auto who = both();
    ASSERT_EQ(who.call("DELETE", target()).status, 200u);
    expect_not_modified(who, "DELETE", target());

    who.expect_mail(removed_en, 1);
}

TEST_P(DisableFactor, WrongCredentials_AreNamedInTheContractsOrder) {
    auto who = both();
    auto other = with_email_only();
    const auto good = credentials_of(who);
    const auto bearer = [](const std::string& token) {
        return http_headers::value_type{"Authorization", "Bearer " + token};
    };
    const auto step_up = [](const std::string& token) {
        return http_headers::value_type{"X-Step-Up-Token", token};
    };
    const auto first_access = who.access, first_step_up = who.step_up;
    who.sign_in(); // a second session
    who.step_up_now();

    const struct {
        const char* what;
        http_headers headers;
        std::string code;
    } rows[] = {
        {"nothing", {}, "AUTHENTICATION_REQUIRED"},
        {"step-up alone", {step_up(first_step_up)}, "AUTHENTICATION_REQUIRED"},
        {"garbage and no step-up", {bearer("garbage")}, "ACCESS_TOKEN_INVALID"},
        {"garbage", {bearer("garbage"), step_up(first_step_up)}, "ACCESS_TOKEN_INVALID"},
        {"both garbage", {bearer("garbage"), step_up("garbage")}, "ACCESS_TOKEN_INVALID"},
        {"a refresh token", {bearer(who.refresh), step_up(who.step_up)}, "ACCESS_TOKEN_INVALID"},
        {"a step-up for access",
         {bearer(who.step_up), step_up(who.step_up)},
         "ACCESS_TOKEN_INVALID"},
        {"no step-up", {bearer(first_access)}, "STEP_UP_TOKEN_MISSING"},
        {"garbage step-up", {bearer(first_access), step_up("garbage")}, "STEP_UP_TOKEN_INVALID"},
        {"access for step-up",
         {bearer(first_access), step_up(first_access)},
         "STEP_UP_TOKEN_INVALID"},
        {"another user's", {bearer(first_access), step_up(other.step_up)}, "STEP_UP_TOKEN_INVALID"},
        {"another session's",
         {bearer(first_access), step_up(who.step_up)},
         "STEP_UP_TOKEN_INVALID"},
        {"the other way round",
         {bearer(who.access), step_up(first_step_up)},
         "STEP_UP_TOKEN_INVALID"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.what);
        expect_error_at(http_request(who.port, "DELETE", target(), row.headers), 401, row.code,
                        target());
    }
    EXPECT_EQ(who.read_methods().size(), 2u);
    EXPECT_EQ(http_request(who.port, "DELETE", target(), good).status, 200u);
}

TEST_P(DisableFactor, ARevokedSession_IsAnExpiredAccessToken) {
    auto who = both();
    auto same = who;
    ASSERT_EQ(who.call("POST", "/api/auth/logout").status, 200u);

    expect_error(same.call("DELETE", target()), 401, "ACCESS_TOKEN_EXPIRED");
    same.step_up.clear();
    expect_error(same.call("DELETE", target()), 401, "ACCESS_TOKEN_EXPIRED");
}

TEST_P(DisableFactor, AnExpiredAccessToken_IsRefusedBeforeTheStepUpIsLookedAt) {
    auto& home = world::with({{"tokens.access", "1"}, {"policy.email_factor_by_default", "false"}});
    person who(home);
    who.sign_up();
    who.sign_in();
    wait_a_second();

    for (const auto* step_up : {"", "garbage"}) {
        who.step_up = step_up;
        expect_error(who.call("DELETE", target()), 401, "ACCESS_TOKEN_EXPIRED");
    }
}

TEST_P(DisableFactor, AnExpiredStepUp_IsRefused) {
    auto& home =
        world::with({{"tokens.step_up", "1"}, {"policy.email_factor_by_default", "false"}});
    auto who = with_email_only(home);
    wait_a_second();

    expect_error(who.call("DELETE", target()), 401, "STEP_UP_TOKEN_EXPIRED");
}

TEST_P(DisableFactor, AfterTheAccountWasDeleted_TheStepUpIsStillAskedFirst) {
    auto who = both();
    ASSERT_EQ(who.call("DELETE", "/api/users/me").status, 200u);

    expect_error(who.call("DELETE", target()), 404, "USER_NOT_FOUND");
    who.step_up.clear();
    expect_error(who.call("DELETE", target()), 401, "STEP_UP_TOKEN_MISSING");
    who.step_up = "garbage";
    expect_error(who.call("DELETE", target()), 401, "STEP_UP_TOKEN_INVALID");
}

TEST_P(DisableFactor, TheAlert_GoesOutOnceInTheDefaultLanguage) {
    auto who = both();
    ASSERT_EQ(who.call("DELETE", target()).status, 200u);

    who.expect_mail(removed_en, 1);
    const auto mail = mails_about(who.home->sink, who.email, removed_en).at(0);
    const auto text = text_part(mail.data);
    EXPECT_NE(text.find("Test Person"), std::string::npos) << text;
    EXPECT_NE(text.find("was removed from your Countersign account"), std::string::npos) << text;
}

TEST_P(DisableFactor, TheAlert_SpeaksTheLanguageThatTheRequestAskedFor) {
    for (const auto& [locale, subject] :
         {std::pair("en", removed_en), std::pair("de", removed_de), std::pair("de-AT", removed_de),
          std::pair("sv", removed_en)}) {
        SCOPED_TRACE(locale);
        auto who = both();
        ASSERT_EQ(who.call("DELETE", target() + "?locale=" + locale).status, 200u);
        who.expect_mail(subject, 1);
    }
}

TEST_P(DisableFactor, TheAlert_StaysAwayWhereItIsSwitchedOff) {
    auto who = both({{"policy.alerts.two_factor_removed", "false"}});

    ASSERT_EQ(who.call("DELETE", target()).status, 200u);

    who.expect_mail(removed_en, 0);
}

TEST_P(DisableFactor, AMalformedLocale_IsRefusedAndNothingChanges) {
    auto who = both();

    const auto response = who.call("DELETE", target() + "?locale=%2e%2e%2fetc");

    expect_error_at(response, 400, "INVALID_REQUEST", target());
    EXPECT_NE(response.body.find("locale"), std::string::npos);
    EXPECT_EQ(who.read_methods().size(), 2u);
}

TEST_P(DisableFactor, WithCookies_WorksAsWithHeaders) {
    auto who = both();

    const auto response =
        http_request(who.port, "DELETE", target(),
                     {{"Cookie", "access_token=" + who.access + "; step_up_token=" + who.step_up}});

    expect_principal(response, who);
}

TEST_P(DisableFactor, WhileTheAccountIsBlocked_IsRefused) {
    auto who = both();
    auto thief = who;
    thief.forget_tokens();
    ASSERT_EQ(thief.log_in().status, 200u);
    for (int miss = 0; miss < 5; ++miss)
        ASSERT_EQ(code_of(thief.complete_login(R"({"totp":")" + who.app.wrong() + "\"}")),
                  "WRONG_TWO_FACTOR_CODE");

    const auto response = who.call("DELETE", target());

    expect_error(response, 429, "USER_RATE_LIMIT_EXCEEDED");
    EXPECT_TRUE(response.header("Retry-After"));
    EXPECT_EQ(who.read_methods().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Native, DisableFactor,
                         testing::Values(method_case{"Totp", "/api/auth/2fa/totp", "totp", "email"},
                                         method_case{"Email", "/api/auth/2fa/email", "email",
                                                     "totp"}),
                         [](const auto& test) { return test.param.name; });

} // namespace
} // namespace countersign::tests
