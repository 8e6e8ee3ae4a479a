// T-12: on every route of every family that takes a code or a password, a right one is refused
// while misses block the account, is not looked at, and is good afterwards. The rows are those of
// the route tables; a row without a case here fails.
#include "tests/contract/matrix.hpp"
#include "tests/contract/service.hpp"
#include "tests/contract/slugbase_world.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <set>
#include <thread>

namespace countersign::tests {
namespace {

using boost::json::object;
using boost::json::serialize;

constexpr int misses_allowed = 5; // policy.attempts_pause_after
constexpr std::chrono::seconds pause{6};

enum class counter : std::uint8_t { codes, passwords };

// A request that the server would grant.
struct right_request {
    std::string target;
    http_headers headers;
    std::string body;
};

struct proving_case {
    std::string row; // its name
    counter blocked_by;
    std::function<right_request(account_holder&)> make;
};

http_headers tokens_of(const native_client& who) {
    http_headers headers;
    if (!who.access.empty()) headers.emplace_back("Authorization", "Bearer " + who.access);
    if (!who.step_up.empty()) headers.emplace_back("X-Step-Up-Token", who.step_up);
    if (!who.two_factor.empty())
        headers.emplace_back("X-Two-Factor-Authentication-Token", who.two_factor);
    return headers;
}

std::string code_body(std::string_view code) {
    return serialize(object{{"code", code}});
}

void sign_in_and_step_up(account_holder& who) {
    who.sign_in_natively();
    who.step_up_natively();
}

void turn_app_on(account_holder& who) {
    sign_in_and_step_up(who);
    who.enrol_totp();
}

// Where the native family is not served.
void turn_app_on_at_slugbase(account_holder& who) {
    who.sign_in_at_slugbase();
    who.slugbase.enrol(holder_totp_window);
    who.app = who.slugbase.app;
    who.backup_codes = who.slugbase.backup_codes;
}

right_request native_login(account_holder& who) {
    return {
        "/api/auth/login", {}, serialize(object{{"email", who.email}, {"password", who.password}})};
}

right_request native_step_up(account_holder& who) {
    who.sign_in_natively();
    return {"/api/auth/step-up", tokens_of(who.native),
            serialize(object{{"password", who.password}})};
}

right_request native_totp_confirmation(account_holder& who) {
    sign_in_and_step_up(who);
    const auto material = json_of(who.native.call("GET", "/api/auth/2fa/totp/setup"));
    authenticator app(text_in(material, "secret"), holder_totp_window);
    return {"/api/auth/2fa/totp/setup", tokens_of(who.native),
            serialize(object{{"token", text_in(material, "token")}, {"code", app.next()}})};
}

right_request native_recovery(account_holder& who) {
    turn_app_on(who);
    return {"/api/auth/2fa/totp/recover", tokens_of(who.pending_native_login()),
            code_body(who.backup_codes.front())};
}

right_request native_email_factor(account_holder& who) {
    turn_app_on(who);
    sign_in_and_step_up(who);
    return {"/api/auth/2fa/email/enable", tokens_of(who.native), code_body(who.mailed_code())};
}

right_request native_second_factor(account_holder& who) {
    turn_app_on(who);
    return {"/api/auth/2fa/login", tokens_of(who.pending_native_login()),
            serialize(object{{"totp", who.app.next()}})};
}

right_request native_second_factor_of_step_up(account_holder& who) {
    turn_app_on(who);
    who.sign_in_natively();
    if (who.native.begin_step_up().status != 200) throw std::runtime_error("no step-up");
    return {"/api/auth/2fa/step-up", tokens_of(who.native),
            serialize(object{{"totp", who.app.next()}})};
}

right_request native_password(account_holder& who) {
    sign_in_and_step_up(who);
    return {"/api/users/me/password", tokens_of(who.native),
            serialize(object{{"oldPassword", who.password}, {"newPassword", "Other-Horse-8"}})};
}

right_request slugbase_confirmation(account_holder& who) {
    who.sign_in_at_slugbase();
    if (who.slugbase.begin_enrolment().status != 200) throw std::runtime_error("no enrolment");
    return {"/api/auth/mfa/enroll/confirm", who.slugbase.credentials(),
            code_body(who.slugbase.app.next())};
}

right_request slugbase_change(account_holder& who, std::string_view route) {
    turn_app_on_at_slugbase(who);
    return {"/api/auth/mfa/" + std::string(route), who.slugbase.credentials(),
            proof_body(who.app.next(), who.password)};
}

right_request slugbase_disabling(account_holder& who) {
    return slugbase_change(who, "disable");
}

right_request slugbase_renewal(account_holder& who) {
    return slugbase_change(who, "backup/regenerate");
}

right_request slugbase_second_factor(account_holder& who) {
    turn_app_on_at_slugbase(who);
    return {"/api/auth/mfa/verify", who.pending_slugbase_login().credentials(),
            code_body(who.app.next())};
}

right_request clara_login(account_holder& who) {
    return {"/api/v1/auth/session",
            {{"Authorization", basic_credentials(who.email, who.password)}},
            ""};
}

right_request clara_login_with_code(account_holder& who) {
    turn_app_on(who);
    auto request = clara_login(who);
    request.body = code_body(who.app.next());
    return request;
}

right_request clara_password(account_holder& who) {
    const auto code =
        who.mailed_code_of("Reset your", [&] { (void)who.clara.ask_for_code("CHANGE_PASSWORD"); });
    return {"/api/v1" + who.clara.by_email("/password"),
            {{"Authorization", std::string(clara_public_key)}},
            serialize(object{{"password", "Other-Horse-8"}, {"code", code}})};
}

right_request clara_activation(account_holder& who) {
    const auto code =
        who.mailed_code_of("Confirm your", [&] { (void)who.clara.ask_for_code("ACTIVATION"); });
    return {"/api/v1" + who.clara.by_email("/activate"),
            {{"Authorization", std::string(clara_public_key)}},
            code_body(code)};
}

right_request clara_two_factor(account_holder& who) {
    return {"/api/v1" + who.clara.by_id("/2fa"),
            {{"Authorization", who.clara.bearer()}},
            code_body(who.mailed_code())};
}

right_request clara_two_factor_off(account_holder& who) {
    who.enable_email_factor();
    return clara_two_factor(who);
}

right_request service_confirmation(account_holder& who) {
    const auto material = json_of(who.backend.about(who.id, "POST", "/totp"));
    authenticator app(text_in(material, "secret"), holder_totp_window);
    return {service_client::path_of(who.id) + "/totp/" + text_in(material, "factorId") + "/confirm",
            who.backend.credentials(), code_body(app.next())};
}

right_request service_request(account_holder& who, std::string_view route) {
    auto enrolled = who.backend.enrol(who.id, holder_totp_window);
    return {service_client::path_of(who.id) + std::string(route), who.backend.credentials(),
            code_body(enrolled.app.next())};
}

right_request service_verification(account_holder& who) {
    return service_request(who, "/verifications");
}

right_request service_session(account_holder& who) {
    return service_request(who, "/sessions");
}

const std::vector<proving_case>& cases() {
    using enum counter;
    static const std::vector<proving_case> all{
        {"singularity POST /api/auth/login", passwords, native_login},
        {"singularity POST /api/auth/step-up", passwords, native_step_up},
        {"singularity POST /api/auth/2fa/totp/setup", codes, native_totp_confirmation},
        {"singularity POST /api/auth/2fa/totp/recover", codes, native_recovery},
        {"singularity POST /api/auth/2fa/email/enable", codes, native_email_factor},
        {"singularity POST /api/auth/2fa/login", codes, native_second_factor},
        {"singularity POST /api/auth/2fa/step-up", codes, native_second_factor_of_step_up},
        {"singularity PUT /api/users/me/password", passwords, native_password},
        {"slugbase POST /api/auth/login", passwords, native_login},
        {"slugbase POST /api/auth/mfa/enroll/confirm", codes, slugbase_confirmation},
        {"slugbase POST /api/auth/mfa/disable", codes, slugbase_disabling},
        {"slugbase POST /api/auth/mfa/disable", passwords, slugbase_disabling},
        {"slugbase POST /api/auth/mfa/backup/regenerate", codes, slugbase_renewal},
        {"slugbase POST /api/auth/mfa/backup/regenerate", passwords, slugbase_renewal},
        {"slugbase POST /api/auth/mfa/verify", codes, slugbase_second_factor},
        {"clara POST /api/v1/auth/session", passwords, clara_login},
        {"clara POST /api/v1/auth/session", codes, clara_login_with_code},
        {"clara PATCH /api/v1/users/{user_email}/password", codes, clara_password},
        {"clara POST /api/v1/users/{user_email}/activate", codes, clara_activation},
        {"clara POST /api/v1/users/{user_id}/2fa", codes, clara_two_factor},
        {"clara DELETE /api/v1/users/{user_id}/2fa", codes, clara_two_factor_off},
        {"service POST /api/service/v1/subjects/{subject}/totp/{factor}/confirm", codes,
         service_confirmation},
        {"service POST /api/service/v1/subjects/{subject}/verifications", codes,
         service_verification},
        {"service POST /api/service/v1/subjects/{subject}/sessions", codes, service_session}};
    return all;
}

// Misses of the one kind, made where every kind of account takes them: at Clara.
void block(account_holder& who, counter which, std::string_view right_body) {
    const auto* wrong = right_body.find("000000") == std::string_view::npos ? "000000" : "111111";
    auto guesser = who.clara;
    guesser.password = "Wrong-Horse-7";
    for (int miss = 0; miss < misses_allowed; ++miss) {
        const auto response =
            which == counter::passwords
                ? guesser.log_in()
                : guesser.as_administrator("POST", who.clara.by_id("/2fa"), code_body(wrong));
        ASSERT_EQ(response.status, 401u) << response.body;
    }
}

// 429, the family's whole answer, and a time to wait that is no longer than the pause.
void expect_blocked(const http_response& response, const matrix_row& row,
                    const std::string& target) {
    if (row.family == "slugbase") {
        expect_too_many(response,
                        row.pattern == "/api/auth/login"
                            ? "Too many authentication attempts, please try again later."
                            : mfa_attempts_text,
                        pause.count());
        return;
    }
    if (row.family == "service") {
        expect_wait(response, 429, "blocked", pause.count());
        return;
    }
    expect_refused(response, row,
                   {.status = 429,
                    .says = row.family == "clara" ? "You have exceeded the rate limit."
                                                  : "USER_RATE_LIMIT_EXCEEDED"},
                   target);
    const auto wait = std::stoi(response.header("Retry-After").value_or("0"));
    EXPECT_GE(wait, 1);
    EXPECT_LE(wait, pause.count());
}

const matrix_row& row_named(const std::string& name) {
    return *std::ranges::find(matrix_rows(), name, &matrix_row::name);
}

class BlockedMatrix : public testing::TestWithParam<const char*> {};

TEST_P(BlockedMatrix, TheRightAnswer_IsRefusedUnseenAndGoodAfterwards_T12) {
    const std::string family = GetParam();
    // With the native family its login answers for slugbase, too.
    world home(with_all_families(
        {{"api.families",
          family == "slugbase" ? "slugbase,clara,service" : "singularity,slugbase,clara,service"},
         {"policy.attempts_first_pause", std::to_string(pause.count())}}));
    struct refused_request {
        const proving_case* of;
        right_request request;
        std::string name;
    };
    std::vector<refused_request> refused;
    const auto send = [&](const refused_request& one) {
        return http_request(home.server.port(), row_named(one.of->row).method, one.request.target,
                            one.request.headers, one.request.body);
    };
    for (const auto& one : cases()) {
        if (!one.row.starts_with(family + " ")) continue;
        const auto name = one.row + (one.blocked_by == counter::codes ? " after wrong codes"
                                                                      : " after wrong passwords");
        SCOPED_TRACE(name);
        account_holder who(home.server, home.sink, backend_of(home).key);
        refused.push_back({&one, one.make(who), name});
        block(who, one.blocked_by, refused.back().request.body);
        const auto before = who.stored();

        const auto response = send(refused.back());

        expect_blocked(response, row_named(one.row), refused.back().request.target);
        EXPECT_EQ(who.stored(), before);
    }
    std::this_thread::sleep_for(pause);
    for (const auto& one : refused) {
        SCOPED_TRACE(one.name);
        const auto response = send(one);
        EXPECT_LT(response.status, 300u) << response.body;
        EXPECT_EQ(response.body.find(R"("verified":false)"), std::string::npos) << response.body;
    }
}

INSTANTIATE_TEST_SUITE_P(OfEveryRoute, BlockedMatrix,
                         testing::Values("singularity", "slugbase", "clara", "service"),
                         [](const auto& family) { return std::string(family.param); });

TEST(BlockedMatrixRows, EveryRouteThatProvesACode_HasItsCases_T12) {
    std::set<std::string> proving, tried;
    for (const auto& row : matrix_rows())
        if (row.proves_code) proving.insert(row.name());
    for (const auto& one : cases())
        tried.insert(one.row);
    EXPECT_EQ(tried, proving);
    EXPECT_EQ(proving.size(), 21u);
}

} // namespace
} // namespace countersign::tests
