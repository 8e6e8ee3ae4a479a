#include "core/account.hpp"
#include "tests/core/account_builder.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <functional>
#include <map>

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
    auto document = boost::json::parse(to_json(value)).as_object();
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

TEST(AccountDocument, InJson_ReadsBackTheSame) {
    const auto full = full_account();
    EXPECT_EQ(account_from_document(to_json(full)).value(), full);
    EXPECT_NE(to_json(full).find(R"("email":"ada@example.org")"), std::string::npos);
}

// It is in every request's way to Redis and back.
TEST(AccountDocument, IsMuchShorterThanInJson) {
    tests::account_builder world;
    world.give_totp();
    world.give_session();
    EXPECT_LT(to_document(world.user).size(), to_json(world.user).size() * 6 / 10);
}

// What looks like hexadecimal or base64url and is none stays as it is.
TEST(AccountDocument, TextsThatAreNotWhatTheyMostlyAre_ReadBackTheSame) {
    tests::account_builder world;
    world.give_totp();
    auto& device = world.user.totp.front();
    for (const auto* text : {"totp_", "totp_0", "totp_0A", "totp_0g", "passkey_00", "00", "t"}) {
        device.id = factor_id(text);
        EXPECT_EQ(account_from_document(to_document(world.user)).value(), world.user) << text;
    }
    for (const auto* text :
         {"A", "AA", "AB", "AA==", "k.", ".AA", "k.AA", "k.AB", "k.k.AA", "a b", "\xc3\xa4"}) {
        device.sealed_secret = text;
        EXPECT_EQ(account_from_document(to_document(world.user)).value(), world.user) << text;
    }
    device.sealed_secret = std::string(300, 'k') + ".AA";
    EXPECT_EQ(account_from_document(to_document(world.user)).value(), world.user);
}

TEST(AccountDocument, HoldsNoSecretInTheClear) {
    tests::account_builder world;
    world.give_totp();
    for (const auto& text : {to_document(world.user), to_json(world.user)})
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

// CBOR, with room for a few more pairs in the head of the map.
std::string with_pairs(const account& value, std::string_view pairs, int count) {
    auto document = to_document(value) + std::string(pairs);
    document[0] = static_cast<char>(document[0] + count);
    return document;
}

TEST(AccountDocument, UnknownFields_AreRefused) {
    using namespace std::literals;
    const account bare{.id = account_id("user_1"), .email = "ada@example.org"};
    ASSERT_EQ(account_from_document(with_pairs(bare, {}, 0)).value(), bare);
    EXPECT_EQ(account_from_document(with_pairs(bare, "\x18\xf0\x01"sv, 1)).error(),
              document_error::unknown_format);
    // Nor twice, nor behind the fields that follow them.
    EXPECT_TRUE(account_from_document(with_pairs(bare, "\x02\x61x"sv, 1)).has_error());
    EXPECT_TRUE(account_from_document(with_pairs(bare, "\x00\x02"sv, 1)).has_error());
    // In a device: the last thing of all is its map, of one pair more.
    auto one_device = bare;
    one_device.totp.push_back(tests::account_builder().make_device("phone"));
    auto document = with_pairs(one_device, "\x18\xf0\x01"sv, 0);
    const auto head = document.find("\x0b\x81") + 2;
    ASSERT_EQ(account_from_document(to_document(one_device)).value(), one_device);
    ++document[head];
    EXPECT_EQ(account_from_document(document).error(), document_error::unknown_format);
}

TEST(AccountDocument, ThatWasCut_IsMalformed) {
    const auto whole = to_document(full_account());
    for (std::size_t size = 0; size < whole.size(); ++size)
        ASSERT_TRUE(account_from_document(whole.substr(0, size)).has_error()) << size;
    EXPECT_EQ(account_from_document(whole + '\0').error(), document_error::malformed);
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

TEST(AccountDocument, CborThatIsNoDocument_IsMalformed) {
    using namespace std::literals;
    const std::map<std::string_view, std::string_view> documents{
        {"no map", "\x01"sv},
        {"no format", "\xa0"sv},
        {"a format of text", "\xa1\x00\x61\x32"sv},
        {"an address that is a number", "\xa2\x00\x02\x02\x07"sv},
        {"a list that is none", "\xa2\x00\x02\x0b\xa0"sv},
        {"a device without digits", "\xa2\x00\x02\x0b\x81\xa1\x01\x61t"sv},
        {"a session without a level", "\xa2\x00\x02\x18\x27\x81\xa1\x01\x61s"sv},
        {"a hash that is shorter than its name", "\xa2\x00\x02\x0c\x81\x42\x02k"sv},
        {"an address that is not UTF-8", "\xa2\x00\x02\x02\x61\xff"sv},
        {"a hash of nothing", "\xa2\x00\x02\x0c\x81\x40"sv},
        {"a hash that is a number", "\xa2\x00\x02\x0c\x81\x07"sv},
        {"a truth that is 2", "\xa2\x00\x02\x03\x02"sv},
        {"more items than bytes", "\xa2\x00\x02\x0c\x9a\xff\xff\xff\xff\x61t"sv}};
    for (const auto& [what, document] : documents)
        EXPECT_EQ(account_from_document(document).error(), document_error::malformed) << what;
    EXPECT_TRUE(account_from_document("\xa2\x00\x02\x03\x01"sv)); // so are the others' numbers
    EXPECT_EQ(account_from_document("\xa1\x00\x03"sv).error(), document_error::unknown_format);
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
