#include "tests/contract/matrix.hpp"

#include "net/families/clara/routes.hpp"
#include "net/families/singularity/routes.hpp"
#include "net/families/slugbase/routes.hpp"
#include "tests/contract/service.hpp"
#include "tests/contract/slugbase_world.hpp"

#include <boost/beast/http/verb.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

namespace countersign::tests {

namespace {

using boost::json::object;
using boost::json::serialize;
using enum admission;

admission admission_of(net::singularity::credential needs) {
    using enum net::singularity::credential;
    switch (needs) {
    case none:
    case guest:
    case access_optional:
    case any_token:
        return open;
    case access:
        return native_access;
    case access_and_step_up:
        return native_access_and_step_up;
    case two_factor:
    case two_factor_guest:
        return native_two_factor;
    case two_factor_and_access:
        return native_access_and_two_factor;
    case access_or_two_factor:
        return native_access_or_two_factor;
    case refresh:
        return native_refresh;
    }
    return open;
}

admission admission_of(net::slugbase::credential needs) {
    switch (needs) {
    case net::slugbase::credential::none:
        return open;
    case net::slugbase::credential::account:
        return slugbase_account;
    case net::slugbase::credential::pending_login:
        return slugbase_pending;
    }
    return open;
}

admission admission_of(net::clara::credential needs) {
    using enum net::clara::credential;
    switch (needs) {
    case none:
        return open;
    case password:
        return clara_password;
    case key:
        return clara_key;
    case private_key:
        return clara_administrator_key;
    case user:
        return clara_user;
    case user_or_key:
        return clara_user_or_key;
    case user_or_private_key:
    case active_user_or_private_key:
        return clara_user_or_private_key;
    }
    return open;
}

std::string text_of(boost::beast::http::verb method) {
    return std::string(boost::beast::http::to_string(method));
}

std::vector<matrix_row> make_rows() {
    std::vector<matrix_row> rows;
    for (const auto& one : net::singularity::routes())
        rows.push_back({"singularity", text_of(one.key.method), one.key.pattern,
                        admission_of(one.needs), one.proves_code, false, nullptr,
                        one.before_enrolment});
    for (const auto& one : net::slugbase::routes())
        rows.push_back({"slugbase", text_of(one.key.method), one.key.pattern,
                        admission_of(one.needs), one.proves_code, one.csrf, nullptr,
                        one.before_enrolment});
    for (const auto& one : net::clara::routes())
        rows.push_back({"clara", text_of(one.key.method), one.key.pattern, admission_of(one.needs),
                        one.proves_code, false, nullptr, one.before_enrolment});
    for (const auto& one : net::service::routes())
        rows.push_back({"service", text_of(one.key.method), one.key.pattern, admission::service_key,
                        one.proves_code, false, &one});
    return rows;
}

// A CSRF token is the sender's to choose: what counts is that both halves are the same.
const std::string csrf_token(64, 'c');

using body_maker = std::string (*)(const credentials_of_all_kinds&);

std::string no_body(const credentials_of_all_kinds&) {
    return "";
}
std::string with_code(const credentials_of_all_kinds& of) {
    return serialize(object{{"code", of.code}});
}
std::string with_mailed_code(const credentials_of_all_kinds& of) {
    return serialize(object{{"code", of.mailed_code}});
}
std::string with_totp(const credentials_of_all_kinds& of) {
    return serialize(object{{"totp", of.code}});
}
std::string with_address(const credentials_of_all_kinds& of) {
    return serialize(object{{"email", of.ada.email}});
}
std::string with_address_and_password(const credentials_of_all_kinds& of) {
    return serialize(object{{"email", of.ada.email}, {"password", of.ada.password}});
}
std::string with_code_and_password(const credentials_of_all_kinds& of) {
    return serialize(object{{"code", of.code}, {"password", of.ada.password}});
}

// By name, what each route would act on.
const std::map<std::string, body_maker, std::less<>>& bodies() {
    static const std::map<std::string, body_maker, std::less<>> made{
        {"singularity POST /api/auth/register",
         [](const auto&) -> std::string {
             return R"({"email":"a@example.org","password":"Correct-Horse-7","name":"A"})";
         }},
        {"singularity POST /api/auth/login", with_address_and_password},
        {"singularity POST /api/auth/logout", no_body},
        {"singularity POST /api/auth/refresh", no_body},
        {"singularity GET /api/auth/status", no_body},
        {"singularity POST /api/auth/step-up",
         [](const auto& of) { return serialize(object{{"password", of.ada.password}}); }},
        {"singularity GET /api/auth/2fa/totp/setup", no_body},
        {"singularity POST /api/auth/2fa/totp/setup",
         [](const auto& of) {
             return serialize(
                 object{{"token", of.live(credential_kind::totp_setup)}, {"code", of.code}});
         }},
        {"singularity DELETE /api/auth/2fa/totp", no_body},
        {"singularity POST /api/auth/2fa/totp/recover",
         [](const auto& of) { return serialize(object{{"code", of.spare_backup_code}}); }},
        {"singularity POST /api/auth/2fa/email/send", no_body},
        {"singularity POST /api/auth/2fa/email/enable", with_mailed_code},
        {"singularity DELETE /api/auth/2fa/email", no_body},
        {"singularity GET /api/auth/2fa/email/cooldown", no_body},
        {"singularity POST /api/auth/2fa/login", with_totp},
        {"singularity POST /api/auth/2fa/step-up", with_totp},
        {"singularity POST /api/auth/2fa/preferred-method",
         [](const auto&) -> std::string { return R"({"method":"email"})"; }},
        {"singularity POST /api/auth/email/verification", no_body},
        {"singularity POST /api/auth/email/verification/send", no_body},
        {"singularity GET /api/auth/email/verification/cooldown", no_body},
        {"singularity POST /api/auth/password/reset-request", with_address},
        {"singularity POST /api/auth/password/reset",
         [](const auto&) -> std::string { return R"({"newPassword":"Other-Horse-8"})"; }},
        {"singularity GET /api/auth/password/reset/cooldown", no_body},
        {"singularity GET /api/users/me", no_body},
        {"singularity PUT /api/users/me",
         [](const auto&) -> std::string { return R"({"name":"Somebody Else"})"; }},
        {"singularity DELETE /api/users/me", no_body},
        {"singularity PUT /api/users/me/email",
         [](const auto&) -> std::string { return R"({"newEmail":"somebody@example.org"})"; }},
        {"singularity PUT /api/users/me/password",
         [](const auto& of) {
             return serialize(
                 object{{"oldPassword", of.ada.password}, {"newPassword", "Other-Horse-8"}});
         }},
        {"singularity GET /api/users/me/sessions", no_body},
        {"singularity DELETE /api/users/me/sessions", no_body},
        {"singularity DELETE /api/users/me/sessions/{id}", no_body},

        {"slugbase POST /api/auth/login", with_address_and_password},
        {"slugbase POST /api/auth/logout", no_body},
        {"slugbase GET /api/auth/me", no_body},
        {"slugbase GET /api/csrf-token", no_body},
        {"slugbase GET /api/auth/mfa/status", no_body},
        {"slugbase POST /api/auth/mfa/enroll/begin", no_body},
        {"slugbase POST /api/auth/mfa/enroll/confirm", with_code},
        {"slugbase POST /api/auth/mfa/enroll/cancel", no_body},
        {"slugbase POST /api/auth/mfa/disable", with_code_and_password},
        {"slugbase POST /api/auth/mfa/backup/regenerate", with_code_and_password},
        {"slugbase POST /api/auth/mfa/verify", with_code},
        {"slugbase GET /api/tokens", no_body},
        {"slugbase POST /api/tokens",
         [](const auto&) -> std::string { return R"({"name":"a thief"})"; }},
        {"slugbase DELETE /api/tokens/{id}", no_body},

        {"clara POST /api/v1/auth/register",
         [](const auto&) -> std::string {
             return R"({"first_name":"A","last_name":"B","email":"a@example.org",)"
                    R"("password":"12345678"})";
         }},
        {"clara POST /api/v1/auth/session", with_code},
        {"clara DELETE /api/v1/auth/session", no_body},
        {"clara PATCH /api/v1/users/{user_email}/password",
         [](const auto& of) {
             return serialize(object{{"password", "Other-Horse-8"}, {"code", of.reset_code}});
         }},
        {"clara POST /api/v1/users/{user_email}/otp/{otp_type}", no_body},
        {"clara POST /api/v1/users/{user_email}/activate", with_mailed_code},
        {"clara POST /api/v1/users/{user_id}/2fa", with_mailed_code},
        {"clara DELETE /api/v1/users/{user_id}/2fa", with_mailed_code},
        {"clara GET /api/v1/users", no_body},
        {"clara GET /api/v1/users/{user_id}", no_body},
        {"clara PATCH /api/v1/users/{user_id}",
         [](const auto&) -> std::string { return R"({"first_name":"Eve"})"; }},
        {"clara DELETE /api/v1/users/{user_id}", no_body},
        {"clara GET /api/v1/health", no_body},
        {"clara GET /api/v1/version", no_body},

        {"service PUT /api/service/v1/subjects/{subject}",
         [](const auto&) -> std::string { return R"({"name":"Eve"})"; }},
        {"service GET /api/service/v1/subjects/{subject}", no_body},
        {"service DELETE /api/service/v1/subjects/{subject}", no_body},
        {"service POST /api/service/v1/subjects/{subject}/totp", no_body},
        {"service POST /api/service/v1/subjects/{subject}/totp/{factor}/confirm", with_code},
        {"service POST /api/service/v1/subjects/{subject}/passkeys", no_body},
        {"service POST /api/service/v1/subjects/{subject}/passkeys/{factor}/confirm",
         [](const auto&) -> std::string { return R"({"passkey":{}})"; }},
        {"service POST /api/service/v1/subjects/{subject}/passkey-challenges", no_body},
        {"service POST /api/service/v1/subjects/{subject}/email-codes", no_body},
        {"service POST /api/service/v1/subjects/{subject}/verifications", with_code},
        {"service DELETE /api/service/v1/subjects/{subject}/factors", no_body},
        {"service DELETE /api/service/v1/subjects/{subject}/factors/{factor}", no_body},
        {"service POST /api/service/v1/subjects/{subject}/sessions", with_code},
        {"service DELETE /api/service/v1/subjects/{subject}/sessions", no_body},
        {"service GET /api/service/v1/subjects/{subject}/activity", no_body},
        {"service PUT /api/service/v1/subjects/{subject}/notification-addresses",
         [](const auto&) -> std::string { return R"({"addresses":["eve@example.org"]})"; }},
        {"service POST /api/service/v1/subjects/{subject}/backup-codes", no_body},
        {"service POST /api/service/v1/introspect", no_body},
        {"service POST /api/service/v1/imports", no_body}};
    return made;
}

bool is_two_factor(credential_kind kind) {
    return kind == credential_kind::pending_login || kind == credential_kind::pending_step_up;
}

// A native token where `wanted` is asked for.
verdict native_token(std::string_view token, bool of_the_kind, const issued_credential& what,
                     std::string_view when_revoked) {
    const std::string name(token);
    if (!of_the_kind) return {.says = name + "_INVALID"};
    switch (what.stands) {
    case standing::live:
        return {.passes = true};
    case standing::expired:
        return {.says = name + "_EXPIRED"};
    case standing::revoked:
        return {.says = std::string(when_revoked)};
    }
    return {};
}

constexpr std::string_view two_factor_token = "TWO_FACTOR_AUTHENTICATION_TOKEN";

verdict on_two_factor(const matrix_row& row, const issued_credential& what) {
    bool fits = is_two_factor(what.kind);
    // A challenge is of its purpose; any stands for its holder's mails, and for a backup code.
    if (row.pattern == "/api/auth/2fa/login" && what.kind == credential_kind::pending_step_up &&
        what.stands == standing::live)
        fits = false;
    return native_token(two_factor_token, fits, what, "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
}

verdict on_native(const matrix_row& row, place where, const issued_credential& what) {
    const bool as_access = where == place::bearer || where == place::access_cookie;
    const bool as_refresh = where == place::bearer || where == place::refresh_cookie;
    const bool as_second = where == place::two_factor_header || where == place::two_factor_cookie;
    const auto access = [&] {
        return native_token("ACCESS_TOKEN", what.kind == credential_kind::access, what,
                            row.pattern == "/api/auth/step-up" ? "SESSION_EXPIRED"
                                                               : "ACCESS_TOKEN_EXPIRED");
    };
    if (row.needs == native_refresh)
        return as_refresh ? native_token("REFRESH_TOKEN", what.kind == credential_kind::refresh,
                                         what, "REFRESH_TOKEN_INVALID")
                          : verdict{.says = "REFRESH_TOKEN_MISSING"};
    if (row.needs == native_two_factor)
        return as_second ? on_two_factor(row, what)
                         : verdict{.says = "TWO_FACTOR_AUTHENTICATION_TOKEN_MISSING"};
    if (as_access) return access();
    if (row.needs == native_access_or_two_factor && as_second) return on_two_factor(row, what);
    return {.says = "AUTHENTICATION_REQUIRED"};
}

verdict on_slugbase(const matrix_row& row, place where, const issued_credential& what) {
    const bool live = what.stands == standing::live;
    if (row.needs == slugbase_pending)
        return {.passes = live && where == place::pending_cookie &&
                          what.kind == credential_kind::pending_login,
                .says = R"({"error":"MFA session expired. Please sign in again.",)"
                        R"("code":"MFA_PENDING_INVALID"})"};
    const bool by_bearer = where == place::bearer && (what.kind == credential_kind::access ||
                                                      what.kind == credential_kind::api_token);
    const bool by_cookie =
        where == place::slugbase_cookie && what.kind == credential_kind::session_cookie;
    return {.passes = live && (by_bearer || by_cookie), .says = std::string(unauthorized_body)};
}

verdict on_clara(const matrix_row& row, place where, const issued_credential& what) {
    verdict answer{.says = "Authorization header or OTP is either missing, invalid or expired."};
    if (what.stands != standing::live) return answer;
    const bool by_key = where == place::authorization;
    const bool administers = by_key && what.kind == credential_kind::private_key;
    const bool asks = by_key && what.kind == credential_kind::public_key;
    const bool user = where == place::bearer && what.kind == credential_kind::user_token;
    if (row.needs == clara_user && administers)
        return {.status = 403, .says = "You do not have access to the requested resource."};
    if (row.needs == clara_password)
        answer.passes = where == place::basic && what.kind == credential_kind::password;
    else if (row.needs == clara_key)
        answer.passes = administers || asks;
    else if (row.needs == clara_administrator_key)
        answer.passes = administers;
    else if (row.needs == clara_user)
        answer.passes = user;
    else if (row.needs == clara_user_or_key)
        answer.passes = user || administers || asks;
    else
        answer.passes = user || administers;
    return answer;
}

verdict on_service(const matrix_row& row, place where, const issued_credential& what) {
    if (where != place::bearer) return {.says = "service_key_missing"};
    if (what.kind != credential_kind::service_key || what.stands != standing::live)
        return {.says = "service_key_invalid"};
    if (!what.only_scope || what.only_scope == row.scopes->needs ||
        what.only_scope == row.scopes->or_else)
        return {.passes = true};
    return {.status = 403, .says = "insufficient_scope"};
}

// Long enough for a login and a step-up on a busy machine.
constexpr std::chrono::seconds short_life{4};

constexpr std::array lives{"tokens.access", "tokens.refresh", "tokens.step_up", "tokens.two_factor",
                           "tokens.user_session"};

std::string with_one_changed(std::string text, std::size_t at) {
    text[at] = text[at] == 'A' ? 'B' : 'A';
    return text;
}

} // namespace

std::string matrix_row::name() const {
    return std::string(family) + " " + method + " " + std::string(pattern);
}

const std::vector<matrix_row>& matrix_rows() {
    static const auto rows = make_rows();
    return rows;
}

std::vector<std::string> rows_with_a_body() {
    std::vector<std::string> names;
    for (const auto& [name, make] : bodies())
        names.push_back(name);
    return names;
}

std::string_view to_string(place where) {
    static constexpr std::array<std::string_view, place_count> names{
        "Authorization: Bearer",
        "Authorization",
        "Authorization: Basic",
        "X-Step-Up-Token",
        "X-Two-Factor-Authentication-Token",
        "the cookie access_token",
        "the cookie refresh_token",
        "the cookie step_up_token",
        "the cookie two_factor_authentication_token",
        "the cookie slugbase.sid",
        "the cookie slugbase.mfa_pending",
        "cookies of other names"};
    return names[static_cast<std::size_t>(where)];
}

http_headers put(place where, const std::string& text) {
    switch (where) {
    case place::bearer:
        return {{"Authorization", "Bearer " + text}};
    case place::authorization:
        return {{"Authorization", text}};
    case place::basic:
        return {{"Authorization", "Basic " + text}};
    case place::step_up_header:
        return {{"X-Step-Up-Token", text}};
    case place::two_factor_header:
        return {{"X-Two-Factor-Authentication-Token", text}};
    case place::access_cookie:
        return {{"Cookie", "access_token=" + text}};
    case place::refresh_cookie:
        return {{"Cookie", "refresh_token=" + text}};
    case place::step_up_cookie:
        return {{"Cookie", "step_up_token=" + text}};
    case place::two_factor_cookie:
        return {{"Cookie", "two_factor_authentication_token=" + text}};
    case place::slugbase_cookie:
        return {{"Cookie", "slugbase.sid=" + text + "; _csrf=" + csrf_token},
                {"X-CSRF-Token", csrf_token}};
    case place::pending_cookie:
        return {{"Cookie", "slugbase.mfa_pending=" + text}};
    case place::other_cookies:
        return {{"Cookie", "token=" + text + "; session_token=" + text + "; connect.sid=" + text}};
    }
    return {};
}

verdict verdict_on(const matrix_row& row, place where, const issued_credential& what) {
    if (row.needs == open) return {.passes = true};
    if (row.family == "singularity") return on_native(row, where, what);
    if (row.family == "slugbase") return on_slugbase(row, where, what);
    if (row.family == "clara") return on_clara(row, where, what);
    return on_service(row, where, what);
}

verdict verdict_on_second(const matrix_row& row, const issued_credential& what) {
    if (row.needs == native_access_and_step_up)
        return native_token("STEP_UP_TOKEN", what.kind == credential_kind::step_up, what,
                            "STEP_UP_TOKEN_INVALID");
    const bool fits = is_two_factor(what.kind) && (what.kind == credential_kind::pending_step_up ||
                                                   what.stands == standing::expired);
    return native_token(two_factor_token, fits, what, "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID");
}

void expect_refused(const http_response& response, const matrix_row& row, const verdict& expected,
                    std::string_view target) {
    if (row.family == "singularity")
        expect_error_at(response, expected.status, expected.says, target);
    else if (row.family == "slugbase")
        expect_reply(response, expected.status, expected.says);
    else if (row.family == "clara")
        expect_reply(
            response, expected.status,
            serialize(object{{"data", nullptr}, {"message", expected.says}, {"status", "error"}}));
    else
        expect_problem(response, expected.status, expected.says);
    EXPECT_TRUE(response.set_cookies().empty());
}

credentials_of_all_kinds::credentials_of_all_kinds(world& home, history wanted)
    : ada(home.server, home.sink, backend_of(home).key) {
    turn_both_methods_on();
    if (wanted == history::with) {
        let_some_expire(home);
        have_some_revoked(home);
    }
    issue_live(home);
    if (wanted == history::with) forge();
}

void credentials_of_all_kinds::issue(std::string name, credential_kind kind, std::string text,
                                     standing stands) {
    if (text.empty()) throw std::runtime_error("there is no " + name);
    all.push_back(
        {.name = std::move(name), .kind = kind, .stands = stands, .text = std::move(text)});
}

void credentials_of_all_kinds::turn_both_methods_on() {
    ada.sign_in_natively();
    ada.step_up_natively();
    // An enrolment that another one replaces: its token is of its kind all the same.
    issue("TOTP set-up token", credential_kind::totp_setup,
          text_in(json_of(ada.native.call("GET", "/api/auth/2fa/totp/setup")), "token"));
    ada.enrol_totp();
    ada.sign_in_natively();
    ada.step_up_natively();
    const auto enabled = ada.native.call("POST", "/api/auth/2fa/email/enable",
                                         serialize(object{{"code", ada.mailed_code()}}));
    if (enabled.status != 200) throw std::runtime_error("the e-mail factor: " + enabled.body);
}

void credentials_of_all_kinds::let_some_expire(world& home) {
    const auto kept = ada.native;
    std::map<std::string, std::string> brief, usual;
    for (const auto* name : lives) {
        brief[name] = std::to_string(short_life.count());
        usual[name] = "900";
    }
    restart_with(home, brief);
    ada.sign_in_natively();
    ada.step_up_natively();
    ada.sign_in_at_slugbase();
    ada.sign_in_at_clara();
    using enum credential_kind;
    issue("expired access token", access, ada.native.access, standing::expired);
    issue("expired refresh token", refresh, ada.native.refresh, standing::expired);
    issue("expired step-up token", step_up, ada.native.step_up, standing::expired);
    issue("expired pending login", pending_login, ada.pending_native_login().two_factor,
          standing::expired);
    issue("expired session cookie", session_cookie, ada.slugbase.cookies.at("slugbase.sid"),
          standing::expired);
    issue("expired user token", user_token, ada.clara.token, standing::expired);
    std::this_thread::sleep_for(short_life + std::chrono::milliseconds(50));
    restart_with(home, usual);
    ada.native = kept;
}

void credentials_of_all_kinds::have_some_revoked(const world& home) {
    const auto kept = ada.native;
    ada.sign_in_natively();
    ada.step_up_natively();
    ada.sign_in_at_slugbase();
    ada.sign_in_at_clara();
    auto half = ada.pending_native_login();
    const auto spent = half.two_factor;
    using enum credential_kind;
    issue("access token of an ended session", access, ada.native.access, standing::revoked);
    issue("refresh token of an ended session", refresh, ada.native.refresh, standing::revoked);
    issue("step-up token of an ended session", step_up, ada.native.step_up, standing::revoked);
    issue("session cookie of an ended session", session_cookie,
          ada.slugbase.cookies.at("slugbase.sid"), standing::revoked);
    issue("user token of an ended session", user_token, ada.clara.token, standing::revoked);
    issue("spent pending login", pending_login, spent, standing::revoked);
    const auto listed = json_of(ada.slugbase.call("POST", "/api/tokens", R"({"name":"old"})"));
    issue("revoked API token", api_token, text_in(listed, "token"), standing::revoked);
    const auto key = make_service_key(COUNTERSIGN_PROGRAM, home.server);
    issue("revoked service key", credential_kind::service_key, key.key, standing::revoked);

    const std::pair<const char*, http_response> steps[] = {
        {"using a pending login", half.complete_login(serialize(object{{"totp", ada.app.next()}}))},
        {"revoking an API token",
         ada.slugbase.call("DELETE", "/api/tokens/" + text_in(listed, "id"))},
        {"logging out natively", http_request(ada.native.port, "POST", "/api/auth/logout",
                                              put(place::bearer, ada.native.access))},
        {"logging out at slugbase",
         http_request(ada.native.port, "POST", "/api/auth/logout",
                      put(place::slugbase_cookie, ada.slugbase.cookies.at("slugbase.sid")))}};
    for (const auto& [what, response] : steps)
        if (response.status != 200)
            throw std::runtime_error(std::string(what) + ": " + response.body);
    if (ada.clara.as_user("DELETE", "/auth/session").status != 204)
        throw std::runtime_error("logging out at Clara");
    revoke_service_key(COUNTERSIGN_PROGRAM, home.server, key.id);
    ada.native = kept;
}

void credentials_of_all_kinds::issue_live(const world& home) {
    using enum credential_kind;
    const auto first = ada.native;
    ada.sign_in_natively();
    ada.step_up_natively();
    other_step_up = ada.native.step_up;
    ada.native = first;
    issue("access token", access, ada.native.access);
    issue("refresh token", refresh, ada.native.refresh);
    issue("step-up token", step_up, ada.native.step_up);
    auto stepping = ada.native;
    if (stepping.begin_step_up().status != 200) throw std::runtime_error("no step-up is pending");
    issue("pending step-up", pending_step_up, stepping.two_factor);
    issue("pending login", pending_login, ada.pending_native_login().two_factor);

    ada.sign_in_at_slugbase();
    issue("session cookie", session_cookie, ada.slugbase.cookies.at("slugbase.sid"));
    const auto made = json_of(ada.slugbase.call("POST", "/api/tokens", R"({"name":"a program"})"));
    issue("API token", api_token, text_in(made, "token"));
    token_id = text_in(made, "id");
    ada.sign_in_at_clara();
    issue("user token", user_token, ada.clara.token);
    issue("Clara's public key", public_key, std::string(clara_public_key));
    issue("Clara's private key", private_key, std::string(clara_private_key));
    issue("address and password", password,
          basic_credentials(ada.email, ada.password).substr(std::string_view("Basic ").size()));
    issue("service key of every scope", credential_kind::service_key, ada.backend.key);
    for (const auto scope : {store::service_scope::verify, store::service_scope::manage,
                             store::service_scope::sessions, store::service_scope::import}) {
        const auto name = store::to_text({scope});
        all.push_back({.name = "service key with the scope " + name,
                       .kind = credential_kind::service_key,
                       .text = make_service_key(COUNTERSIGN_PROGRAM, home.server, name).key,
                       .only_scope = scope});
    }

    const auto change = ada.native.call("PUT", "/api/users/me/email",
                                        serialize(object{{"newEmail", "new-" + ada.email}}));
    if (change.status != 200) throw std::runtime_error("changing the address: " + change.body);
    issue("e-mail link", email_link, mailed_token(home.sink, "new-" + ada.email));
    const auto resets = ada.mails("Reset your");
    (void)ada.native.call("POST", "/api/auth/password/reset-request",
                          serialize(object{{"email", ada.email}}));
    for (int tries = 0; tries < 2'000 && ada.mails("Reset your") == resets; ++tries)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    issue(
        "reset link", reset_link,
        find_token(text_part(mails_about(home.sink, ada.email, "Reset your").back().data)).value());
    issue("something else", none, "garbage");
    issue("an unsigned token", none, "eyJhbGciOiJub25lIn0.e30.");
    issue("a CSRF token", none, csrf_token);

    const auto sessions = boost::json::parse(ada.native.call("GET", "/api/users/me/sessions").body);
    session_id = text_in(sessions.as_array().front().as_object(), "id");
    const auto view = ada.backend.view(ada.id); // named: it outlives the loop over a part of it
    for (const auto& factor : view.at("factors").as_array())
        if (text_in(factor.as_object(), "method") == "totp")
            factor_id = text_in(factor.as_object(), "id");
    reset_code = ada.mailed_code_of("Reset your",
                                    [this] { (void)ada.clara.ask_for_code("CHANGE_PASSWORD"); });
    mailed_code = ada.mailed_code();
    code = ada.app.next();
    spare_backup_code = ada.backup_codes.at(0);
}

// In the middle, where a signed token has its claims, and near the end, in the signature.
void credentials_of_all_kinds::forge() {
    std::vector<issued_credential> forged;
    for (const auto& one : all) {
        const bool guessed = one.kind == credential_kind::password; // that would be an attempt
        if (one.stands != standing::live || one.kind == credential_kind::none || guessed) continue;
        for (const auto at : {one.text.size() / 2, one.text.size() - 5})
            forged.push_back({.name = "changed " + one.name,
                              .kind = credential_kind::none,
                              .text = with_one_changed(one.text, at)});
    }
    all.insert(all.end(), forged.begin(), forged.end());
}

const std::string& credentials_of_all_kinds::live(credential_kind kind) const {
    const auto found = std::ranges::find_if(all, [kind](const issued_credential& one) {
        return one.kind == kind && one.stands == standing::live && !one.only_scope;
    });
    if (found == all.end()) throw std::runtime_error("no live credential of that kind");
    return found->text;
}

std::string credentials_of_all_kinds::target_of(const matrix_row& row) const {
    const std::pair<std::string_view, std::string> parameters[] = {
        {"{id}", row.family == "slugbase" ? token_id : session_id},
        {"{user_id}", ada.id},
        {"{user_email}", ada.email},
        {"{otp_type}", "TWO_FACTOR_AUTH"},
        {"{subject}", ada.id},
        {"{factor}", factor_id}};
    std::string target(row.pattern);
    for (const auto& [name, value] : parameters)
        if (const auto at = target.find(name); at != std::string::npos)
            target.replace(at, name.size(), value);
    return target;
}

std::string credentials_of_all_kinds::body_of(const matrix_row& row) const {
    const auto found = bodies().find(row.name());
    if (found == bodies().end()) throw std::runtime_error(row.name() + " has no body");
    return found->second(*this);
}

http_headers credentials_of_all_kinds::beside(const matrix_row& row, place where) const {
    if (row.needs == native_access_and_step_up && where != place::step_up_header &&
        where != place::step_up_cookie)
        return put(place::step_up_header, live(credential_kind::step_up));
    if (row.needs == native_access_and_two_factor && where != place::two_factor_header &&
        where != place::two_factor_cookie)
        return put(place::two_factor_header, live(credential_kind::pending_step_up));
    return {};
}

} // namespace countersign::tests
