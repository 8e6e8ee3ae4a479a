#include "core/account.hpp"
#include "tests/core/account_builder.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <functional>

namespace countersign::core {
namespace {

// An account with everything that an account may have.
account full_account() {
    tests::account_builder world;
    auto& full = world.user;
    full.pending_email = "new@example.org";
    full.locale = "de-AT";
    full.last_active = world.now;
    full.registration_reported_at = world.now;
    full.enrolment = pending_totp{.token_id = "set-up",
                                  .begun_by = "session",
                                  .device = world.make_device("pending"),
                                  .backup_code_hashes = {"one", "two"},
                                  .expires_at = world.now + seconds(900)};
    world.give_totp();
    full.totp.front().parameters = {
        .algorithm = hash_algorithm::sha512, .digits = 8, .period_s = 60};
    full.totp.front().last_accepted_step = {60'000'000};
    full.totp.push_back(world.make_device("tablet"));
    world.give_email_factor();
    const auto session = world.give_session(assurance_level::aal2);
    full.sessions.front().second_factor_at = world.now;
    world.give_session();
    world.give_challenge();
    full.challenges.front().client = world.client;
    full.challenges.front().begun_at = world.now;
    full.challenges.front().replaces = session;
    world.give_challenge(challenge_purpose::step_up, session);
    full.codes = {{code_purpose::second_factor, "a", world.now, full.email},
                  {code_purpose::verify_email, "b", world.now, full.pending_email},
                  {code_purpose::reset_password, "c", world.now, full.email}};
    full.mails = {{code_purpose::second_factor, world.now},
                  {code_purpose::reset_password, world.now + seconds(1)}};
    full.unanswered = {{world.now, 50}, {world.now + seconds(1), 1}};
    full.unfinished = unfinished_login{.at = world.now, .client = world.client};
    full.failure_told_at = full.reuse_told_at = world.now;
    full.factor_attempts = {.misses = 5, .blocked_until = world.now + seconds(30)};
    full.password_attempts = {.misses = 1, .blocked_until = {}};
    full.notification_addresses = {"security@example.org"};
    set_name(full, {.given = "Augusta Ada", .family = "King Noel"});
    full.subject = "ada-7";
    full.codes.back().misses = 4;
    world.give_api_token();
    world.give_api_token("another");
    full.dark_mode = false;
    return full;
}

std::string with(const account& value, const std::function<void(boost::json::object&)>& change) {
    auto document = boost::json::parse(to_document(value)).as_object();
    change(document);
    return boost::json::serialize(document);
}

TEST(AccountDocument, RoundTrip_LosesNothing) {
    const auto full = full_account();
    ASSERT_EQ(check_invariants(full), std::nullopt);
    EXPECT_EQ(account_from_document(to_document(full)).value(), full);

    const account bare{.id = account_id("user_1"), .email = "ada@example.org"};
    EXPECT_EQ(account_from_document(to_document(bare)).value(), bare);
}

TEST(AccountDocument, HoldsNoSecretInTheClear) {
    tests::account_builder world;
    world.give_totp();
    const auto text = to_document(world.user);
    for (const auto& code : world.backup_codes)
        EXPECT_EQ(text.find(code), std::string::npos);
}

TEST(AccountDocument, UnknownMembers_AreRefusedAtEveryLevel) {
    const auto full = full_account();
    const auto add = [](boost::json::value& inside) { inside.as_object()["of_the_future"] = 1; };
    EXPECT_EQ(account_from_document(with(full, [](auto& d) { d["of_the_future"] = 1; })).error(),
              document_error::unknown_format);
    for (const auto* list :
         {"totp", "codes", "mails", "challenges", "unanswered", "sessions", "api_tokens"})
        EXPECT_TRUE(
            account_from_document(with(full, [&](auto& d) { add(d[list].as_array().front()); }))
                .has_error())
            << list;
    for (const auto* object : {"enrolment", "factor_attempts", "password_attempts", "unfinished"})
        EXPECT_TRUE(account_from_document(with(full, [&](auto& d) { add(d[object]); })).has_error())
            << object;
}

TEST(AccountDocument, OfAnEarlierServer_IsStillRead) {
    auto full = full_account();
    const auto text = with(full, [](boost::json::object& document) {
        for (const auto* added : {"family_name", "subject", "api_tokens", "light_mode",
                                  "unanswered", "unfinished", "failure_told", "reuse_told"})
            EXPECT_EQ(document.erase(added), 1u) << added;
        for (const auto* added : {"ip", "browser", "os", "at"})
            EXPECT_EQ(document["challenges"].as_array().front().as_object().erase(added), 1u);
        EXPECT_EQ(document["codes"].as_array().back().as_object().erase("misses"), 1u);
        // Who began an enrolment was always a session, and called so.
        auto& enrolment = document["enrolment"].as_object();
        const auto begun_by = enrolment["by"];
        enrolment["session"] = begun_by;
        enrolment.erase("by");
    });
    full.family_name.clear();
    full.subject.clear();
    full.api_tokens.clear();
    full.dark_mode = true;
    full.codes.back().misses = 0;
    full.unanswered.clear();
    full.unfinished.reset();
    full.failure_told_at = full.reuse_told_at = {};
    full.challenges.front().client = {};
    full.challenges.front().begun_at = {};
    EXPECT_EQ(account_from_document(text).value(), full);
}

TEST(AccountDocument, NewerFormatOrUnknownMethod_IsRefusedAsSuch) {
    const auto full = full_account();
    EXPECT_EQ(account_from_document(with(full, [](auto& d) { d["format"] = 2; })).error(),
              document_error::unknown_format);
    EXPECT_EQ(
        account_from_document(with(full, [](auto& d) { d["preferred"] = "passkey"; })).error(),
        document_error::unknown_format);
}

TEST(AccountDocument, TextThatIsNoDocument_IsMalformed) {
    for (const auto* text :
         {"", "[]", "{}", "{", "null", R"({"format":0})", R"({"format":"1"})",
          R"({"format":1,"id":7})", R"({"format":1,"totp":{}})", R"({"format":1,"sessions":[7]})",
          R"({"format":1,"sessions":[{"id":"s"}]})",
          R"({"format":1,"sessions":[{"id":"s","aal":3}]})",
          R"({"format":1,"challenges":[{"id":"c","for":2}]})",
          R"({"format":1,"totp":[{"id":"t","digits":6}]})",
          R"({"format":1,"totp":[{"id":"t","digits":9,"period":30}]})",
          R"({"format":1,"totp":[{"id":"t","digits":6,"period":301}]})"})
        EXPECT_EQ(account_from_document(text).error(), document_error::malformed) << text;
}

TEST(Account, SecretContext_TellsAccountsAndDevicesApart) {
    EXPECT_NE(totp_secret_context(account_id("user_1"), factor_id("totp_1")),
              totp_secret_context(account_id("user_2"), factor_id("totp_1")));
    EXPECT_NE(totp_secret_context(account_id("user_1"), factor_id("totp_1")),
              totp_secret_context(account_id("user_1"), factor_id("totp_2")));
}

TEST(Account, Methods_ComeInTheOrderOfTheContract) {
    using enum factor_method;
    EXPECT_EQ(full_account().methods(), (std::vector{totp, email}));
    EXPECT_TRUE(account().methods().empty());
    for (const auto method : {totp, email})
        EXPECT_EQ(factor_method_from(to_string(method)), method);
    EXPECT_EQ(factor_method_from("sms"), std::nullopt);
}

TEST(Account, SessionThatHasRunOut_IsNotFound) {
    tests::account_builder world;
    const auto id = world.give_session();
    const auto end = world.user.sessions.front().expires_at;
    EXPECT_NE(world.user.find_session(id, end - milliseconds(1)), nullptr);
    EXPECT_EQ(world.user.find_session(id, end), nullptr);
    EXPECT_EQ(world.user.find_session(session_id(), world.now), nullptr);
}

TEST(Account, Invariants_EachBreachIsFound) {
    using change = std::function<void(account&)>;
    const std::vector<change> breaches{
        [](account& a) { a.id = account_id(); },
        [](account& a) { a.email.clear(); },
        [](account& a) { a.pending_email = a.email; },
        [](account& a) { a.email_factor_since.reset(), a.preferred = factor_method::email; },
        [](account& a) { a.preferred.reset(); },
        [](account& a) { a.totp.clear(), a.preferred = factor_method::email; },
        [](account& a) { a.totp.front().id = factor_id(); },
        [](account& a) { a.totp.front().sealed_secret.clear(); },
        [](account& a) { a.totp.back().id = a.totp.front().id; },
        [](account& a) { a.enrolment->device.id = a.totp.front().id; },
        [](account& a) { a.codes.back().purpose = a.codes.front().purpose; },
        [](account& a) { a.challenges.back().id = a.challenges.front().id; },
        [](account& a) { a.sessions.back().id = a.sessions.front().id; },
        [](account& a) { a.sessions.back().assurance = assurance_level::aal1; },
        [](account& a) { a.api_tokens.back().id = a.api_tokens.front().id; },
        [](account& a) { a.family_name = "Lovelace"; },
        [](account& a) { a.challenges.front().session = a.sessions.front().id; },
        [](account& a) { a.challenges.back().session = session_id(); },
        [](account& a) { std::swap(a.mails.front(), a.mails.back()); },
        [](account& a) { std::swap(a.unanswered.front(), a.unanswered.back()); },
        [](account& a) { a.unanswered.front().count = 0; },
        [](account& a) { a.factor_attempts.misses = -1; },
        [](account& a) { a.password_attempts.misses = -1; },
    };
    std::vector<std::string> found;
    for (std::size_t at = 0; at < breaches.size(); ++at) {
        auto broken = full_account();
        breaches[at](broken);
        const auto rule = check_invariants(broken);
        ASSERT_TRUE(rule) << at;
        found.push_back(*rule);
    }
    std::ranges::sort(found);
    const auto repeated = std::ranges::unique(found);
    EXPECT_EQ(found.size() - repeated.size(), 21u); // two rules are broken in two ways each
}

TEST(Account, NameInTwoParts_IsAsGivenOrSplitAtTheLastSpace) {
    struct row {
        std::string name, family_name, given, family;
    };
    for (const auto& r :
         {row{"", "", "", ""}, row{"Ada", "", "Ada", ""},
          row{"Ada Lovelace", "", "Ada", "Lovelace"}, row{"Ada King Noel", "", "Ada King", "Noel"},
          row{"Ada King Noel", "King Noel", "Ada", "King Noel"},
          row{"Lovelace", "Lovelace", "", "Lovelace"}}) {
        const auto name = name_of(account{.name = r.name, .family_name = r.family_name});
        EXPECT_EQ(name.given, r.given) << r.name;
        EXPECT_EQ(name.family, r.family) << r.name;
    }
}

TEST(Account, NameThatWasSetInTwoParts_ComesBackInThem) {
    for (const auto& [given, family, whole] :
         {std::tuple{"Augusta Ada", "King Noel", "Augusta Ada King Noel"},
          std::tuple{"Ada", "", "Ada"}, std::tuple{"", "Lovelace", "Lovelace"},
          std::tuple{"", "", ""}}) {
        account named{.id = account_id("user_1"), .email = "ada@example.org"};
        set_name(named, {.given = given, .family = family});
        EXPECT_EQ(named.name, whole);
        EXPECT_EQ(name_of(named).given, given);
        EXPECT_EQ(name_of(named).family, family);
        EXPECT_EQ(check_invariants(named), std::nullopt);
    }
}

} // namespace
} // namespace countersign::core
