// One account, changed through any of the four families and seen the same through all: the factors,
// the alerts about them, the misses, the codes that are used, the sessions that end.
#include "tests/contract/service.hpp"
#include "tests/support/account_holder.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <thread>

namespace countersign::tests {
namespace {

using boost::json::object;
using boost::json::serialize;

constexpr std::string_view added = "New Two-Factor Authentication Method Added";
constexpr std::string_view removed = "Two-Factor Authentication Method Removed";
constexpr std::string_view deleted = "Your Account Was Deleted";
constexpr std::string_view was_reset = "Two-Factor Authentication of Your Account Was Reset";

world& home() {
    static world shared(with_all_families());
    return shared;
}

account_holder newcomer() {
    return {home().server, home().sink, backend_of(home()).key};
}

std::string code_body(std::string_view code) {
    return serialize(object{{"code", code}});
}

void require(const http_response& response, unsigned status) {
    if (response.status != status)
        throw std::runtime_error(std::to_string(response.status) + " " + response.body);
}

// What each family says of the second factors.
struct seen {
    bool slugbase_mfa = false, clara_two_factor = false, service_second_factor = false;
    std::vector<std::string> native_methods, service_methods;
    std::int64_t backup_codes = 0;

    friend bool operator==(const seen&, const seen&) = default;
};

std::ostream& operator<<(std::ostream& out, const seen& view) {
    out << "slugbase " << view.slugbase_mfa << ", clara " << view.clara_two_factor << ", service "
        << view.service_second_factor << " with " << view.backup_codes << " codes, native";
    for (const auto& method : view.native_methods)
        out << ' ' << method;
    for (const auto& method : view.service_methods)
        out << " service:" << method;
    return out;
}

// Signs in natively to look; slugbase takes the same token.
seen look(account_holder& who) {
    auto looking = who;
    looking.sign_in_natively();
    who.app = looking.app;
    const auto me = json_of(looking.native.call("GET", "/api/users/me"));
    const auto status = json_of(looking.native.call("GET", "/api/auth/mfa/status"));
    const auto subject = who.backend.view(who.id);
    seen view;
    view.slugbase_mfa = status.at("enabled").as_bool();
    view.clara_two_factor = looking.clara.read().at("is_2fa_enabled").as_bool();
    view.service_second_factor = subject.at("secondFactor").as_bool();
    view.native_methods = texts_of(me.at("twoFactorMethods"));
    for (const auto& factor : subject.at("factors").as_array())
        view.service_methods.push_back(text_in(factor.as_object(), "method"));
    std::ranges::sort(view.native_methods);
    std::ranges::sort(view.service_methods);
    view.backup_codes = subject.at("backupCodesRemaining").as_int64();
    EXPECT_EQ(me.at("twoFactorAuthEnabled").as_bool(), view.service_second_factor);
    return view;
}

seen with_methods(std::vector<std::string> methods, std::int64_t backup_codes) {
    const bool app = std::ranges::find(methods, "totp") != methods.end();
    return {.slugbase_mfa = app,
            .clara_two_factor = !methods.empty(),
            .service_second_factor = !methods.empty(),
            .native_methods = methods,
            .service_methods = methods,
            .backup_codes = backup_codes};
}

// Exactly so many mails about factors in all, and long enough for one too many to show.
void expect_alerts(const account_holder& who, std::size_t of_added, std::size_t of_removed,
                   std::size_t of_reset) {
    const std::map<std::string_view, std::size_t> expected{
        {added, of_added}, {removed, of_removed}, {was_reset, of_reset}};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    const auto missing = [&] {
        return std::ranges::any_of(
            expected, [&](const auto& one) { return who.mails(one.first) < one.second; });
    };
    while (missing() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    for (const auto& [subject, count] : expected)
        EXPECT_EQ(who.mails(subject), count) << subject;
}

struct door {
    const char* name;
    std::function<void(account_holder&)> act;
};

void enrol_natively(account_holder& who) {
    who.sign_in_natively();
    who.step_up_natively();
    who.enrol_totp();
}

void enrol_at_slugbase(account_holder& who) {
    who.sign_in_at_slugbase();
    who.slugbase.enrol(holder_totp_window);
    who.app = who.slugbase.app;
    who.backup_codes = who.slugbase.backup_codes;
}

void enrol_at_service(account_holder& who) {
    auto enrolled = who.backend.enrol(who.id, holder_totp_window);
    who.app = enrolled.app;
    who.backup_codes = enrolled.backup_codes;
}

void remove_natively(account_holder& who, std::string_view method) {
    who.sign_in_natively();
    who.step_up_natively();
    require(who.native.call("DELETE", "/api/auth/2fa/" + std::string(method)), 200);
}

void remove_at_clara(account_holder& who) {
    who.sign_in_at_clara();
    require(who.clara.as_user("DELETE", who.clara.by_id("/2fa"), code_body(who.mailed_code())),
            204);
}

std::string app_of(const account_holder& who) {
    const auto view = who.backend.view(who.id);
    for (const auto& factor : view.at("factors").as_array())
        if (text_in(factor.as_object(), "method") == "totp")
            return text_in(factor.as_object(), "id");
    throw std::runtime_error("there is no app");
}

TEST(Across, AnAppEnrolledAtAnyDoor_IsSeenAtEvery_AndToldOnce) {
    const std::tuple<const char*, void (*)(account_holder&), std::int64_t> doors[] = {
        {"native", enrol_natively, 6},
        {"slugbase", enrol_at_slugbase, 10},
        {"service", enrol_at_service, 10}};
    for (const auto& [name, enrol, backup_codes] : doors) {
        SCOPED_TRACE(name);
        auto who = newcomer();
        EXPECT_EQ(look(who), with_methods({}, 0));
        enrol(who);
        EXPECT_EQ(look(who), with_methods({"totp"}, backup_codes));
        expect_alerts(who, 1, 0, 0);
    }
}

TEST(Across, TheEmailFactorTurnedOnAtAnyDoor_IsSeenAtEvery_AndToldOnce) {
    const door doors[] = {{"native",
                           [](account_holder& who) {
                               who.sign_in_natively();
                               who.step_up_natively();
                               require(who.native.call("POST", "/api/auth/2fa/email/enable",
                                                       code_body(who.mailed_code())),
                                       200);
                           }},
                          {"clara", [](account_holder& who) { who.enable_email_factor(); }},
                          {"clara's administrator",
                           [](account_holder& who) {
                               require(who.clara.as_administrator("POST", who.clara.by_id("/2fa"),
                                                                  code_body(who.mailed_code())),
                                       200);
                           }},
                          {"service", [](account_holder& who) {
                               require(who.backend.put(who.id, {{"emailFactor", true}}), 200);
                           }}};
    for (const auto& [name, turn_on] : doors) {
        SCOPED_TRACE(name);
        auto who = newcomer();
        turn_on(who);
        EXPECT_EQ(look(who), with_methods({"email"}, 0));
        expect_alerts(who, 1, 0, 0);
    }
}

TEST(Across, AnAppRemovedAtAnyDoor_IsGoneAtEvery_AndToldOnce) {
    const std::tuple<const char*, std::function<void(account_holder&)>, bool> doors[] = {
        {"native", [](account_holder& who) { remove_natively(who, "totp"); }, false},
        {"slugbase",
         [](account_holder& who) {
             who.sign_in_at_slugbase();
             require(who.slugbase.disable(who.app.next()), 200);
         },
         false},
        {"service, the app",
         [](account_holder& who) {
             require(who.backend.about(who.id, "DELETE", "/factors/" + app_of(who)), 204);
         },
         true}};
    for (const auto& [name, remove, administrative] : doors) {
        SCOPED_TRACE(name);
        auto who = newcomer();
        enrol_at_slugbase(who);
        who.enable_email_factor_at_service();
        EXPECT_EQ(look(who), with_methods({"email", "totp"}, 10));
        expect_alerts(who, 2, 0, 0);
        remove(who);
        who.backup_codes.clear(); // from now on it is asked for mailed codes
        EXPECT_EQ(look(who), with_methods({"email"}, 0));
        expect_alerts(who, 2, administrative ? 0 : 1, administrative ? 1 : 0);
    }
}

TEST(Across, TheEmailFactorRemovedAtAnyDoor_IsGoneAtEvery_AndToldOnce) {
    const std::tuple<const char*, std::function<void(account_holder&)>, bool> doors[] = {
        {"native", [](account_holder& who) { remove_natively(who, "email"); }, false},
        {"clara", remove_at_clara, false},
        {"clara's administrator",
         [](account_holder& who) {
             require(who.clara.as_administrator("DELETE", who.clara.by_id("/2fa"),
                                                code_body(who.mailed_code())),
                     204);
         },
         false},
        {"service",
         [](account_holder& who) {
             require(who.backend.about(who.id, "DELETE", "/factors/email"), 204);
         },
         true}};
    for (const auto& [name, remove, administrative] : doors) {
        SCOPED_TRACE(name);
        auto who = newcomer();
        enrol_at_slugbase(who);
        who.enable_email_factor_at_service();
        remove(who);
        EXPECT_EQ(look(who), with_methods({"totp"}, 10));
        expect_alerts(who, 2, administrative ? 0 : 1, administrative ? 1 : 0);
    }
}

TEST(Across, EveryFactorTakenAwayByABackend_IsOneResetAndNothingElse) {
    auto who = newcomer();
    enrol_natively(who);
    who.enable_email_factor_at_service();
    require(who.backend.about(who.id, "DELETE", "/factors"), 204);
    EXPECT_EQ(look(who), with_methods({}, 0));
    expect_alerts(who, 2, 0, 1);
}

// The doors that take a code to sign in or to verify, each ready to be shown one.
struct code_door {
    const char* name;
    std::function<http_response(std::string_view code)> show;
    unsigned wrong_status;
};

// Whether the code was right: the service API says it in the body.
bool is_taken(const http_response& response) {
    return response.status == 200 && response.body.find(R"("verified":false)") == std::string::npos;
}

enum class code_of : std::uint8_t { app, mail, backup };

std::vector<code_door> doors_of(const account_holder& who, code_of what) {
    auto native = who.pending_native_login();
    auto slugbase = who.pending_slugbase_login();
    const auto clara = who.clara;
    const auto backend = who.backend;
    const auto id = who.id;
    return {
        {"native",
         [native, what](std::string_view code) mutable {
             if (what == code_of::backup)
                 return native.call("POST", "/api/auth/2fa/totp/recover", code_body(code));
             return native.complete_login(
                 serialize(object{{what == code_of::app ? "totp" : "email", code}}));
         },
         401},
        {"slugbase", [slugbase](std::string_view code) mutable { return slugbase.verify(code); },
         401},
        {"clara",
         [clara](std::string_view code) mutable { return clara_client(clara).log_in_with(code); },
         401},
        {"service", [backend, id](std::string_view code) { return backend.verify(id, code); },
         200}};
}

TEST(Across, MissesAtEveryDoor_AreCountedTogetherAndCloseAll_T14) {
    auto who = newcomer();
    enrol_natively(who);
    auto doors = doors_of(who, code_of::app);
    doors.push_back({"service session",
                     [&who](std::string_view code) {
                         return who.backend.open_session(who.id, code_body(code));
                     },
                     422});
    const auto wrong = who.app.wrong();
    ASSERT_EQ(doors.size(), 5u); // policy.attempts_pause_after
    for (const auto& at : doors) {
        const auto response = at.show(wrong);
        EXPECT_EQ(response.status, at.wrong_status) << at.name << response.body;
        EXPECT_FALSE(is_taken(response)) << at.name;
    }
    const auto before = who.stored();
    const auto right = who.app.next();
    for (const auto& at : doors) {
        const auto response = at.show(right);
        EXPECT_EQ(response.status, 429u) << at.name << response.body;
        EXPECT_GE(std::stoi(response.header("Retry-After").value_or("0")), 1) << at.name;
    }
    EXPECT_EQ(who.stored(), before);
    EXPECT_EQ(who.backend.view(who.id).at("blocked"), true);
}

// Each door in turn uses a code; the others refuse it, and the same door too.
void expect_used_everywhere(account_holder& who, code_of what,
                            const std::function<std::string()>& next) {
    constexpr std::size_t door_count = 4;
    for (std::size_t first = 0; first < door_count; ++first) {
        const auto doors = doors_of(who, what);
        const auto again = doors_of(who, what);
        SCOPED_TRACE(std::string("used at ") + doors[first].name);
        const auto code = next();
        const auto used = doors[first].show(code);
        EXPECT_TRUE(is_taken(used)) << used.status << used.body;
        for (const auto& at : again) {
            const auto response = at.show(code);
            EXPECT_EQ(response.status, at.wrong_status) << at.name << response.body;
            EXPECT_FALSE(is_taken(response)) << at.name << response.body;
        }
    }
}

TEST(Across, ACodeOfTheApp_UsedAtOneDoor_IsUsedAtAll_T01) {
    auto who = newcomer();
    enrol_natively(who);
    expect_used_everywhere(who, code_of::app, [&] { return who.app.next(); });
}

TEST(Across, AMailedCode_UsedAtOneDoor_IsUsedAtAll_T06) {
    auto who = newcomer();
    who.enable_email_factor();
    expect_used_everywhere(who, code_of::mail, [&] { return who.mailed_code(); });
}

TEST(Across, ABackupCode_UsedAtOneDoor_IsUsedAtAll_T05) {
    auto who = newcomer();
    enrol_natively(who);
    std::size_t taken = 0;
    expect_used_everywhere(who, code_of::backup, [&] { return who.backup_codes.at(taken++); });
    EXPECT_EQ(who.backend.view(who.id).at("backupCodesRemaining"), 2);
}

// A session at each door, of an account without a second factor.
struct sessions_everywhere {
    explicit sessions_everywhere(account_holder& who) : person(&who) {
        who.sign_in_natively();
        who.sign_in_at_slugbase();
        api_token.port = who.slugbase.port;
        api_token.bearer = who.slugbase.make_api_token();
        who.sign_in_at_clara();
        const auto opened = who.backend.open_session(who.id);
        require(opened, 201);
        vouched.port = who.native.port;
        vouched.access = text_in(json_of(opened), "accessToken");
        vouched_id = text_in(json_of(opened), "sessionId");
    }

    // Which stand, by their next request (T-34).
    std::map<std::string, bool> standing() {
        const auto stands = [](const http_response& response) {
            EXPECT_TRUE(response.status == 200 || response.status == 401) << response.body;
            return response.status == 200;
        };
        return {{"native", stands(person->native.call("GET", "/api/users/me"))},
                {"slugbase", stands(person->slugbase.call("GET", "/api/auth/me"))},
                {"API token", stands(api_token.call("GET", "/api/auth/me"))},
                {"clara", stands(person->clara.as_user("GET", person->clara.by_id()))},
                {"service", stands(vouched.call("GET", "/api/users/me"))}};
    }

    account_holder* person;
    slugbase_client api_token;
    native_client vouched; // the session that the backend opened
    std::string vouched_id;
};

const std::map<std::string, bool> all_standing{
    {"native", true}, {"slugbase", true}, {"API token", true}, {"clara", true}, {"service", true}};

std::map<std::string, bool> all_but(std::initializer_list<const char*> ended) {
    auto standing = all_standing;
    for (const auto* one : ended)
        standing.at(one) = false;
    return standing;
}

TEST(Across, ASessionOfOneDoor_IsEndedAtAnother_T34) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    ASSERT_EQ(sessions.standing(), all_standing);

    // The one that a backend opened, natively.
    require(who.native.call("DELETE", "/api/users/me/sessions/" + sessions.vouched_id), 200);
    EXPECT_EQ(sessions.standing(), all_but({"service"}));
    // Slugbase's cookie, by the logout that both share.
    require(slugbase_client(who.slugbase).call("POST", "/api/auth/logout"), 200);
    EXPECT_EQ(sessions.standing(), all_but({"service", "slugbase"}));
    // Everything, natively; programs have their own credential.
    require(native_client(who.native).call("DELETE", "/api/users/me/sessions"), 200);
    EXPECT_EQ(sessions.standing(), all_but({"service", "slugbase", "native", "clara"}));
}

TEST(Across, ABackendsReset_EndsTheSessionsAndProgramsOfEveryDoor) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    require(who.backend.about(who.id, "DELETE", "/factors"), 204);
    EXPECT_EQ(sessions.standing(),
              all_but({"native", "slugbase", "API token", "clara", "service"}));
}

TEST(Across, ABackendEndsTheSessionsOfEveryDoor_AndLeavesPrograms) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    require(who.backend.about(who.id, "DELETE", "/sessions"), 204);
    EXPECT_EQ(sessions.standing(), all_but({"native", "slugbase", "clara", "service"}));
    who.sign_in_natively();
    EXPECT_EQ(who.native.call("GET", "/api/users/me").status, 200u);
}

TEST(Across, AnErasedAccount_IsGoneAtEveryDoor) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    require(who.clara.as_administrator("DELETE", who.clara.by_id()), 204);
    EXPECT_EQ(who.stored(), "");
    EXPECT_EQ(who.slugbase.call("GET", "/api/auth/me").status, 401u);
    EXPECT_EQ(sessions.api_token.call("GET", "/api/auth/me").status, 401u);
    EXPECT_EQ(who.clara.as_user("GET", who.clara.by_id()).status, 401u);
    EXPECT_EQ(who.native.call("GET", "/api/users/me").status, 404u);
    EXPECT_EQ(who.backend.read(who.id).status, 404u);
    EXPECT_EQ(native_client(who.native).log_in().status, 401u);
    EXPECT_EQ(mails_to(home(), who.email, deleted, 1).size(), 1u);
}

TEST(Across, AnErasureAtAnyDoor_IsToldToEveryAddress) {
    const std::vector<std::function<void(account_holder&)>> doors{
        [](account_holder& who) {
            require(who.clara.as_administrator("DELETE", who.clara.by_id()), 204);
        },
        [](account_holder& who) {
            who.sign_in_natively();
            who.step_up_natively();
            require(who.native.call("DELETE", "/api/users/me"), 200);
        },
        [](account_holder& who) { require(who.backend.about(who.id, "DELETE"), 204); }};
    for (const auto& erase : doors) {
        auto who = newcomer();
        const auto further = "further-" + who.email;
        require(who.backend.about(who.id, "PUT", "/notification-addresses",
                                  serialize(object{{"addresses", boost::json::array{further}}})),
                200);
        erase(who);
        EXPECT_EQ(mails_to(home(), who.email, deleted, 1).size(), 1u);
        EXPECT_EQ(mails_to(home(), further, deleted, 1).size(), 1u);
    }
}

std::string change_password_at_clara(account_holder& who, bool as_user) {
    const std::string fresh = "Other-Horse-8";
    const auto code = who.mailed_code_of(
        "Reset your", [&] { require(who.clara.ask_for_code("CHANGE_PASSWORD"), 201); });
    const auto body = serialize(object{{"password", fresh}, {"code", code}});
    require(as_user ? who.clara.as_user("PATCH", who.clara.by_email("/password"), body)
                    : who.clara.as_client("PATCH", who.clara.by_email("/password"), body),
            200);
    return fresh;
}

void expect_password(account_holder& who, const std::string& password, bool right) {
    auto native = who.native;
    auto clara = who.clara;
    native.forget_tokens();
    native.password = clara.password = password;
    EXPECT_EQ(native.log_in().status, right ? 200u : 401u);
    EXPECT_EQ(clara.log_in().status, right ? 200u : 401u);
}

TEST(Across, APasswordSetAnewAtClara_EndsEverySessionAndEveryProgram) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    const auto fresh = change_password_at_clara(who, false);
    EXPECT_EQ(sessions.standing(),
              all_but({"native", "slugbase", "API token", "clara", "service"}));
    expect_password(who, who.password, false);
    expect_password(who, fresh, true);
    EXPECT_EQ(who.mails("Your Password Was Changed"), 1u);
}

// Who is signed in changes it, and keeps that session and the programs.
TEST(Across, APasswordChangedByAClaraUser_EndsEveryOtherSession) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    const auto fresh = change_password_at_clara(who, true);
    EXPECT_EQ(sessions.standing(), all_but({"native", "slugbase", "service"}));
    expect_password(who, fresh, true);
}

// T-33 over families: what stands beside a new factor has proved it.
TEST(Across, AFactorAddedAtAnyDoor_EndsTheSessionsOfTheOthers_T33) {
    auto who = newcomer();
    sessions_everywhere sessions(who);
    enrol_at_slugbase(who); // signs in there anew
    EXPECT_EQ(sessions.standing(), all_but({"native", "clara", "service"}));

    auto other = newcomer();
    sessions_everywhere others(other);
    enrol_at_service(other);
    EXPECT_EQ(others.standing(), all_but({"native", "slugbase", "clara", "service"}));

    auto third = newcomer();
    sessions_everywhere thirds(third);
    third.enable_email_factor();
    EXPECT_EQ(thirds.standing(), all_but({"native", "slugbase", "service"}));
}

} // namespace
} // namespace countersign::tests
