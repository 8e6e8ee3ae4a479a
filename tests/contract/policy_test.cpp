// What an operator may ask for beyond the contracts, seen from outside: the settings of policy that
// are off by default, at every door that they are about.
#include "tests/contract/clara.hpp"
#include "tests/contract/service.hpp"
#include "tests/contract/slugbase_world.hpp"
#include "tests/support/account_holder.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

namespace countersign::tests {
namespace {

using boost::json::object;
using boost::json::serialize;

account_holder holder(world& home) {
    return {home.server, home.sink, backend_of(home).key};
}

object introspect(const account_holder& who, const std::string& token) {
    return json_of(who.backend.call("POST", "/api/service/v1/introspect", "token=" + token,
                                    {{"Content-Type", "application/x-www-form-urlencoded"}}));
}
std::string level_of(const account_holder& who) {
    return text_in(introspect(who, who.native.access), "acr");
}

http_response refresh(const account_holder& who) {
    return http_request(who.native.port, "POST", "/api/auth/refresh",
                        {{"Authorization", "Bearer " + who.native.refresh}});
}

void expect_refusal_at_clara(const http_response& response, unsigned status,
                             std::string_view message) {
    expect_envelope(response, status, "error", message, nullptr);
}

std::string code_body(std::string_view code) {
    return serialize(object{{"code", code}});
}

// policy.email_factor

TEST(EmailAsNoFactor, IsTurnedOnAtNoDoor) {
    world home(with_all_families(
        {{"policy.email_factor", "false"}, {"policy.email_factor_by_default", "true"}}));
    auto ada = holder(home);
    ada.sign_in_natively();
    ada.step_up_natively();
    const auto code = ada.mailed_code();
    expect_error(ada.native.call("POST", "/api/auth/2fa/email/enable", code_body(code)), 400,
                 "TWO_FACTOR_METHOD_DISABLED");
    expect_error(ada.native.call("POST", "/api/auth/2fa/email/send"), 400,
                 "TWO_FACTOR_METHOD_DISABLED");
    expect_refusal_at_clara(ada.clara.as_user("POST", ada.clara.by_id("/2fa"), clara_code(code)),
                            403, says_forbidden);
    expect_problem(ada.backend.put(ada.id, {{"emailFactor", true}}), 409, "email_factor_forbidden");
    EXPECT_EQ(ada.backend.view(ada.id).at("secondFactor"), false);

    const auto subject = service_client::fresh_subject();
    const object words{{"email", address_of(subject)}, {"emailFactor", true}};
    expect_problem(ada.backend.put(subject, words), 409, "email_factor_forbidden");
    EXPECT_EQ(ada.backend.read(subject).status, 404u);
    EXPECT_EQ(ada.backend.put(subject, {{"email", address_of(subject)}}).status, 201u);
    EXPECT_EQ(ada.backend.view(subject).at("secondFactor"), false);

    person newcomer(home);
    newcomer.sign_up();
    newcomer.sign_in();
    EXPECT_TRUE(newcomer.read_methods().empty());
}

TEST(EmailAsNoFactor, WhereItIsOn_IsAskedFor_ReachesLevelOne_AndEnrolsTheApp) {
    world home(with_all_families());
    auto ada = holder(home);
    ada.enable_email_factor();
    ada.sign_in_natively();
    EXPECT_EQ(level_of(ada), "aal2");
    restart_with(home, {{"policy.email_factor", "false"}});
    EXPECT_EQ(level_of(ada), "aal1"); // also what was proved before

    EXPECT_FALSE(ada.pending_native_login().two_factor.empty());
    ada.sign_in_natively();
    EXPECT_EQ(level_of(ada), "aal1");
    expect_code_refused(ada.clara.log_in());
    ada.sign_in_at_clara();

    ada.step_up_natively(); // by password and mailed code
    ada.enrol_totp();
    ada.sign_in_natively();
    EXPECT_EQ(level_of(ada), "aal2");
    expect_code_refused(ada.clara.log_in_with(ada.mailed_code()));
    EXPECT_EQ(ada.clara.log_in_with(ada.app.next()).status, 200u);
}

// policy.require_second_factor; every row of the tables is in matrix_unenrolled_test.cpp.

TEST(RequiredFactor, IsEnrolledAtEachDoor_AndOpensTheRest) {
    auto& home = world::with(with_all_families({{"policy.require_second_factor", "true"}}));
    auto native = holder(home);
    native.sign_in_natively();
    EXPECT_EQ(introspect(native, native.native.access), (object{{"active", false}}));
    EXPECT_EQ(introspect(native, native.native.refresh), (object{{"active", false}}));
    const auto status = json_of(native.native.call("GET", "/api/auth/status"));
    EXPECT_EQ(status.at("authenticated"), true);
    expect_error(native.native.call("GET", "/api/users/me/sessions"), 400, "2FA_DISABLED");
    native.step_up_natively();
    native.enrol_totp();
    native.sign_in_natively();
    EXPECT_EQ(native.native.call("GET", "/api/users/me/sessions").status, 200u);
    EXPECT_EQ(introspect(native, native.native.access).at("active"), true);

    auto cookie = holder(home);
    cookie.sign_in_at_slugbase();
    expect_refusal(cookie.slugbase.call("GET", "/api/tokens"), 403,
                   "Two-factor authentication is required", "MFA_REQUIRED");
    cookie.slugbase.enrol(holder_totp_window);
    EXPECT_EQ(cookie.slugbase.call("GET", "/api/tokens").status, 200u);

    auto clara = holder(home);
    constexpr std::string_view rename = R"({"first_name":"Augusta"})";
    expect_refusal_at_clara(clara.clara.as_user("PATCH", clara.clara.by_id(), rename), 403,
                            says_forbidden);
    clara.enable_email_factor();
    EXPECT_EQ(clara.clara.as_user("PATCH", clara.clara.by_id(), rename).status, 200u);
}

TEST(RequiredFactor, LoggingOut_IsOpen) {
    auto& home = world::with(with_all_families({{"policy.require_second_factor", "true"}}));
    auto ada = holder(home);
    ada.sign_in_natively();
    ada.sign_in_at_slugbase();
    EXPECT_EQ(ada.native.call("POST", "/api/auth/logout").status, 200u);
    EXPECT_EQ(ada.slugbase.call("POST", "/api/auth/logout").status, 200u);
    expect_no_content(ada.clara.as_user("DELETE", "/auth/session"));
}

// tokens.session

TEST(OverallLife, EndsASessionAtEveryDoor_HoweverOftenItIsRefreshed) {
    constexpr std::chrono::seconds life{4};
    auto& home = world::with(with_all_families({{"tokens.session", "4"}}));
    auto ada = holder(home);
    ada.sign_in_natively();
    const auto refreshed = refresh(ada);
    ASSERT_EQ(refreshed.status, 200u);
    ada.native.access = text_in(json_of(refreshed), "accessToken");
    ada.native.refresh = text_in(json_of(refreshed), "refreshToken");
    ada.sign_in_at_slugbase();
    ada.sign_in_at_clara();
    std::this_thread::sleep_for(life + std::chrono::milliseconds(50));

    expect_error(ada.native.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
    expect_error(refresh(ada), 401, "REFRESH_TOKEN_INVALID");
    EXPECT_EQ(introspect(ada, ada.native.access), (object{{"active", false}}));
    expect_unauthorized(ada.slugbase.call("GET", "/api/auth/me"));
    expect_refusal_at_clara(ada.clara.as_user("GET", ada.clara.by_id()), 401, says_unauthenticated);
}

// policy.mailed_code_per_challenge

TEST(CodeOfOneChallenge, OpensNoOtherLogin) {
    auto& home = world::with(
        {{"policy.mailed_code_per_challenge", "true"}, {"api.families", "singularity,slugbase"}});
    auto who = with_email_only(home);
    auto thief = who;
    thief.forget_tokens();
    ASSERT_EQ(thief.log_in().status, 200u);
    (void)who.next_mailed_code(); // the thief's
    who.forget_tokens();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto own = serialize(object{{"email", who.next_mailed_code()}});
    expect_error(thief.complete_login(own), 401, "WRONG_TWO_FACTOR_CODE");
    EXPECT_EQ(who.complete_login(own).status, 200u);
}

TEST(CodeOfOneChallenge, StepUp_TakesTheCodeThatItWasResent) {
    auto& home = world::with(
        {{"policy.mailed_code_per_challenge", "true"}, {"api.families", "singularity,slugbase"}});
    auto who = with_email_only(home);
    who.step_up.clear();
    ASSERT_EQ(who.begin_step_up().status, 200u);
    (void)who.next_mailed_code();
    // With both tokens, as browsers send both cookies.
    ASSERT_EQ(who.call("POST", "/api/auth/2fa/email/send").status, 200u);
    EXPECT_EQ(who.complete_step_up(serialize(object{{"email", who.next_mailed_code()}})).status,
              200u);
}

TEST(CodeOfOneChallenge, SlugbaseLogin_TakesItsOwn) {
    auto& home = world::with(
        {{"policy.mailed_code_per_challenge", "true"}, {"api.families", "singularity,slugbase"}});
    auto native = with_email_only(home);
    slugbase_client who{.port = native.port, .email = native.email};
    auto other = who.elsewhere();
    ASSERT_EQ(other.log_in().status, 200u);
    (void)native.next_mailed_code();
    ASSERT_EQ(who.log_in().status, 200u);
    const auto code = native.next_mailed_code();
    expect_refusal(other.verify(code), 401, "Invalid code", "INVALID_CODE");
    expect_user(who.verify(code), who);
}

// policy.sessions_end_with_step_up

TEST(EndingSessions, WhereItIsWanted_AsksForAStepUp) {
    auto& home = world::with({{"policy.sessions_end_with_step_up", "true"},
                              {"policy.email_factor_by_default", "false"}});
    person who(home);
    who.sign_up();
    who.sign_in();
    auto other = who;
    other.sign_in();
    const auto listed = boost::json::parse(who.call("GET", "/api/users/me/sessions").body);
    const auto id = text_in(json_of(other.call("GET", "/api/auth/status")), "sessionId");
    ASSERT_EQ(listed.as_array().size(), 2u);
    for (const auto& target :
         {std::string("/api/users/me/sessions"), "/api/users/me/sessions/" + id})
        expect_error(who.call("DELETE", target), 401, "STEP_UP_TOKEN_MISSING");
    EXPECT_EQ(other.call("GET", "/api/users/me").status, 200u);
    who.step_up_now();
    EXPECT_EQ(who.call("DELETE", "/api/users/me/sessions/" + id).status, 200u);
    expect_error(other.call("GET", "/api/users/me"), 401, "ACCESS_TOKEN_EXPIRED");
    EXPECT_EQ(who.call("DELETE", "/api/users/me/sessions").status, 200u);
}

// policy.enrolment_ends_api_tokens

TEST(FirstFactor, WhereItIsWanted_EndsTheApiTokensFromBeforeIt) {
    auto& home = slugbase_world({{"policy.enrolment_ends_api_tokens", "true"}});
    auto who = slugbase_person(home);
    auto program = who.elsewhere();
    program.bearer = who.make_api_token();
    ASSERT_EQ(program.call("GET", "/api/auth/me").status, 200u);
    who.enrol(slugbase_window);
    expect_unauthorized(program.call("GET", "/api/auth/me"));
    program.bearer = who.make_api_token("after it");
    EXPECT_EQ(program.call("GET", "/api/auth/me").status, 200u);
}

// A login over a live session, OWASP ASVS 5.0 7.2.4.

// With both APIs, once the native access token that came with the cookie has run out: a live one is
// answered 304.
http_response log_in_again(slugbase_client& who) {
    who.cookies.erase("access_token");
    who.cookies.erase("refresh_token");
    return who.log_in();
}
std::string sid_of(const slugbase_client& who) {
    return who.cookies.at("slugbase.sid");
}
http_response me_with(const slugbase_client& who, const std::string& sid) {
    return http_request(who.port, "GET", "/api/auth/me", {{"Cookie", "slugbase.sid=" + sid}});
}

TEST(SlugbaseRelogin, EndsTheSessionOfTheCookieThatItReplaces) {
    auto who = slugbase_person();
    auto elsewhere = who.elsewhere();
    elsewhere.sign_in();
    const auto old = sid_of(who);
    auto wrong = who;
    wrong.password = "Wrong-Horse-7";
    EXPECT_EQ(log_in_again(wrong).status, 401u);
    EXPECT_EQ(me_with(who, old).status, 200u);
    ASSERT_EQ(log_in_again(who).status, 200u);
    EXPECT_NE(sid_of(who), old);
    expect_unauthorized(me_with(who, old));
    EXPECT_EQ(me_with(who, sid_of(who)).status, 200u);
    EXPECT_EQ(me_with(who, sid_of(elsewhere)).status, 200u);
}

TEST(SlugbaseRelogin, WithAFactor_EndsItWithTheNewSession) {
    auto who = slugbase_person_with_mfa();
    const auto old = sid_of(who);
    ASSERT_EQ(log_in_again(who).status, 200u);
    ASSERT_FALSE(who.cookies.contains("slugbase.sid"));
    EXPECT_EQ(me_with(who, old).status, 200u); // nothing has taken its place yet
    expect_user(who.verify(who.app.next()), who);
    expect_unauthorized(me_with(who, old));
    EXPECT_EQ(me_with(who, sid_of(who)).status, 200u);
}

TEST(SlugbaseRelogin, AsSomebodyElse_LeavesTheirSession) {
    auto who = slugbase_person();
    const auto old = sid_of(who);
    auto guest = slugbase_stranger();
    guest.cookies = who.cookies;
    ASSERT_EQ(log_in_again(guest).status, 200u);
    EXPECT_EQ(me_with(who, old).status, 200u);
}

} // namespace
} // namespace countersign::tests
