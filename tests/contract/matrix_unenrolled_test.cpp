// Every route that a person's credential opens, where policy requires a second factor and the
// account has none: only what enrols one, shows whose session it is or ends it, is answered. The
// rows are made from the route tables, so that a new route is shut until it is opened there.
#include "tests/contract/matrix.hpp"
#include "tests/contract/service.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace countersign::tests {
namespace {

struct presented {
    std::string_view name;
    http_headers headers;
};

// The credentials of a person who signed in at every door before a factor was required.
class without_a_factor {
public:
    explicit without_a_factor(world& home) : ada(home.server, home.sink, backend_of(home).key) {
        ada.sign_in_natively();
        ada.step_up_natively();
        ada.sign_in_at_slugbase();
        api_token = ada.slugbase.make_api_token();
    }

    // What opens the row; empty: no session of hers does.
    [[nodiscard]] std::vector<presented> opening(const matrix_row& row) const {
        using enum admission;
        switch (row.needs) {
        case native_access:
        case native_access_and_step_up:
        case native_access_and_two_factor:
        case native_access_or_two_factor:
            return {{"access token", native(place::bearer, ada.native.access)},
                    {"access cookie", native(place::access_cookie, ada.native.access)}};
        case native_refresh:
            return {{"refresh token", put(place::bearer, ada.native.refresh)},
                    {"refresh cookie", put(place::refresh_cookie, ada.native.refresh)}};
        case slugbase_account:
            return {{"session cookie",
                     put(place::slugbase_cookie, ada.slugbase.cookies.at("slugbase.sid"))},
                    {"access token", put(place::bearer, ada.native.access)},
                    {"API token", put(place::bearer, api_token)}};
        case clara_user:
        case clara_user_or_key:
        case clara_user_or_private_key:
            return {{"user token", put(place::bearer, ada.clara.token)}};
        case open:
        case native_two_factor:
        case slugbase_pending:
        case clara_password:
        case clara_key:
        case clara_administrator_key:
        case service_key:
            return {};
        }
        return {};
    }

    [[nodiscard]] std::string target_of(const matrix_row& row) const {
        const std::pair<std::string_view, std::string> parameters[] = {
            {"{id}", "some"}, {"{user_id}", ada.id}, {"{user_email}", ada.email}};
        std::string target(row.pattern);
        for (const auto& [name, value] : parameters)
            if (const auto at = target.find(name); at != std::string::npos)
                target.replace(at, name.size(), value);
        return target;
    }

    account_holder ada;
    std::string api_token;

private:
    [[nodiscard]] http_headers native(place where, const std::string& token) const {
        auto headers = put(where, token);
        for (const auto& each : put(place::step_up_header, ada.native.step_up))
            headers.push_back(each);
        return headers;
    }
};

verdict refusal_of(const matrix_row& row) {
    if (row.family == "singularity") return {.status = 400, .says = "2FA_DISABLED"};
    if (row.family == "slugbase")
        return {.status = 403,
                .says = R"({"error":"Two-factor authentication is required",)"
                        R"("code":"MFA_REQUIRED"})"};
    return {.status = 403, .says = "You do not have access to the requested resource."};
}

// A challenge that there cannot be without a factor is beside the point.
bool needs_a_challenge(const matrix_row& row) {
    return row.needs == admission::native_access_and_two_factor;
}

TEST(UnenrolledMatrix, WhereAFactorIsRequired_TheRestOfEveryTableIsShut) {
    world home(with_all_families());
    const without_a_factor of(home);
    restart_with(home, {{"policy.require_second_factor", "true"}});
    const auto before = of.ada.stored();
    std::size_t refused = 0;
    for (const auto& row : matrix_rows()) {
        if (row.before_enrolment) continue;
        const auto target = of.target_of(row);
        for (const auto& [name, headers] : of.opening(row)) {
            SCOPED_TRACE(row.name() + " with the " + std::string(name));
            expect_refused(http_request(home.server.port(), row.method, target, headers,
                                        row.method == "GET" ? "" : "{}"),
                           row, refusal_of(row), target);
            ++refused;
        }
    }
    EXPECT_GE(refused, 30u);
    EXPECT_EQ(of.ada.stored(), before);
}

TEST(UnenrolledMatrix, WhatTheTablesOpen_IsAnswered) {
    world home(with_all_families());
    const without_a_factor of(home);
    restart_with(home, {{"policy.require_second_factor", "true"}});
    auto rows = matrix_rows();
    // What ends a session comes last.
    std::ranges::sort(rows, {}, [](const auto& row) { return row.method == "DELETE"; });
    for (const auto& row : rows) {
        if (!row.before_enrolment || needs_a_challenge(row)) continue;
        for (const auto& [name, headers] : of.opening(row)) {
            SCOPED_TRACE(row.name() + " with the " + std::string(name));
            const auto response =
                http_request(home.server.port(), row.method, of.target_of(row), headers,
                             row.method == "POST" ? R"({"code":[]})" : "");
            EXPECT_NE(response.status, 401u) << response.body;
            EXPECT_NE(response.status, 403u) << response.body;
            EXPECT_EQ(response.body.find("2FA_DISABLED"), std::string::npos) << response.body;
        }
    }
}

TEST(UnenrolledMatrix, TheOpenRows_AreWhatEnrollingTakes_WhoOneIsAndLoggingOut) {
    std::set<std::string> open;
    for (const auto& row : matrix_rows())
        if (row.before_enrolment) open.insert(row.name());
    EXPECT_EQ(
        open,
        (std::set<std::string>{
            "singularity POST /api/auth/step-up", "singularity POST /api/auth/2fa/step-up",
            "singularity GET /api/auth/2fa/totp/setup", "singularity POST /api/auth/2fa/totp/setup",
            "singularity POST /api/auth/2fa/email/send",
            "singularity POST /api/auth/2fa/email/enable",
            "singularity GET /api/auth/2fa/email/cooldown", "singularity GET /api/users/me",
            "slugbase GET /api/auth/me", "slugbase GET /api/auth/mfa/status",
            "slugbase POST /api/auth/mfa/enroll/begin",
            "slugbase POST /api/auth/mfa/enroll/confirm",
            "slugbase POST /api/auth/mfa/enroll/cancel", "clara DELETE /api/v1/auth/session",
            "clara POST /api/v1/users/{user_id}/2fa", "clara GET /api/v1/users/{user_id}"}));
}

} // namespace
} // namespace countersign::tests
