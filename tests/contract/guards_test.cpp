// Every route of the native family against every wrong credential. The rows are made from the route
// table itself, so that a new route cannot forget a guard.
#include "tests/contract/route_rows.hpp"
#include "tests/contract/world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace countersign::tests {
namespace {

// A body that the route takes for well-formed, so that only the credential can be wrong.
std::string body_of(const route& row) {
    static const std::map<std::string, std::string> bodies{
        {"POST /api/auth/2fa/totp/setup", R"({"token":"x.y.z","code":"123456"})"},
        {"POST /api/auth/2fa/totp/recover", R"({"code":"AAAAAAAAAAA"})"},
        {"POST /api/auth/2fa/email/enable", R"({"code":"123456"})"},
        {"POST /api/auth/2fa/login", R"({"totp":"123456"})"},
        {"POST /api/auth/2fa/step-up", R"({"totp":"123456"})"},
        {"POST /api/auth/2fa/preferred-method", R"({"method":"email"})"},
        {"POST /api/auth/step-up", R"({"password":"Correct-Horse-7"})"},
        {"PUT /api/users/me", R"({"name":"Somebody Else"})"},
        {"PUT /api/users/me/email", R"({"newEmail":"somebody@example.org"})"},
        {"PUT /api/users/me/password",
         R"({"oldPassword":"Correct-Horse-7","newPassword":"Other-Horse-8"})"}};
    const auto found = bodies.find(name_of(row));
    return found == bodies.end() ? "" : found->second;
}

http_response send(const person& who, const route& row, const http_headers& headers) {
    return http_request(who.port, method_of(row), target_of(row), headers, body_of(row));
}

std::pair<std::string, std::string> bearer(const std::string& token) {
    return {"Authorization", "Bearer " + token};
}

std::pair<std::string, std::string> pending(const std::string& token) {
    return {"X-Two-Factor-Authentication-Token", token};
}

std::pair<std::string, std::string> step_up(const std::string& token) {
    return {"X-Step-Up-Token", token};
}

// Whom the route lets in at all.
enum class guard { open, session, half, session_or_half, refresh };

guard guard_of(const route& row) {
    switch (row.needs) {
    case credential::none:
    case credential::guest:
    case credential::access_optional:
    case credential::any_token:
        return guard::open;
    case credential::access:
    case credential::access_and_step_up:
    case credential::two_factor_and_access:
        return guard::session;
    case credential::two_factor:
    case credential::two_factor_guest:
        return guard::half;
    case credential::access_or_two_factor:
        return guard::session_or_half;
    case credential::refresh:
        return guard::refresh;
    }
    return guard::open;
}

std::string token_of(const route& row) {
    switch (guard_of(row)) {
    case guard::open:
        return "";
    case guard::session:
    case guard::session_or_half:
        return "ACCESS_TOKEN";
    case guard::half:
        return "TWO_FACTOR_AUTHENTICATION_TOKEN";
    case guard::refresh:
        return "REFRESH_TOKEN";
    }
    return "";
}

// A token in every place where the route may look for what it needs first.
http_headers in_place_of(const route& row, const std::string& token, const person& who) {
    if (guard_of(row) == guard::half) return {pending(token)};
    return {bearer(token), step_up(who.step_up)};
}

template <typename Do>
void for_each_guarded(Do act) {
    for (const auto& row : routes()) {
        if (guard_of(row) == guard::open) continue;
        SCOPED_TRACE(name_of(row));
        act(row);
    }
}

// Signed in twice, stepped up in both sessions, with a login pending; both methods on. In the end
// nothing may have changed.
class NativeGuards : public testing::Test {
protected:
    NativeGuards() : who(with_both()), second(who), half(who) {
        second.sign_in();
        second.step_up_now();
        half.forget_tokens();
        EXPECT_EQ(half.log_in().status, 200u);
        before = json_of(who.call("GET", "/api/users/me"));
    }
    void TearDown() override {
        if (HasFailure()) return;
        auto after = json_of(second.call("GET", "/api/users/me"));
        after["lastActive"] = before["lastActive"];
        EXPECT_EQ(after, before);
    }

    person who, second, half;
    boost::json::object before;
};

TEST_F(NativeGuards, OpenRoutes_AreTheOnesThatMustBe) {
    std::set<std::string> open;
    for (const auto& row : routes())
        if (guard_of(row) == guard::open) open.insert(name_of(row));
    EXPECT_EQ(open, (std::set<std::string>{
                        "POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/logout",
                        "GET /api/auth/status", "POST /api/auth/email/verification",
                        "POST /api/auth/password/reset-request", "POST /api/auth/password/reset",
                        "GET /api/auth/password/reset/cooldown"}));
}

TEST_F(NativeGuards, NoCredential_IsRefused) {
    for_each_guarded([&](const route& row) {
        const auto code = token_of(row) == "ACCESS_TOKEN" ? "AUTHENTICATION_REQUIRED"
                                                          : token_of(row) + "_MISSING";
        expect_error_at(send(who, row, {}), 401, code, target_of(row));
        expect_error(send(who, row, {step_up(who.step_up)}), 401, code);
        expect_error(send(who, row, {bearer(""), pending("")}), 401, code);
    });
}

TEST_F(NativeGuards, Garbage_IsRefused) {
    const auto half_of = [](const std::string& token) { return token.substr(0, token.size() / 2); };
    auto forged = who.access;
    forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
    for (const auto& token :
         {std::string("garbage"), std::string("a.b.c"), std::string("eyJhbGciOiJub25lIn0.e30."),
          half_of(who.access), forged, std::string(1000, 'A')})
        for_each_guarded([&](const route& row) {
            expect_error(send(who, row, in_place_of(row, token, who)), 401,
                         token_of(row) + "_INVALID");
        });
}

TEST_F(NativeGuards, ATokenOfAnotherKind_IsRefused) {
    const std::map<std::string, std::string> kinds{
        {"ACCESS_TOKEN", who.access},
        {"REFRESH_TOKEN", who.refresh},
        {"STEP_UP_TOKEN", who.step_up},
        {"TWO_FACTOR_AUTHENTICATION_TOKEN", half.two_factor}};
    for (const auto& [kind, token] : kinds)
        for_each_guarded([&](const route& row) {
            SCOPED_TRACE(kind);
            if (kind == token_of(row)) return;
            expect_error(send(who, row, in_place_of(row, token, who)), 401,
                         token_of(row) + "_INVALID");
        });
}

TEST_F(NativeGuards, ExpiredTokens_AreRefused) {
    auto& home = world::with({{"tokens.access", "1"},
                              {"tokens.refresh", "1"},
                              {"policy.email_factor_by_default", "false"}});
    person late(home);
    late.sign_up();
    late.sign_in();
    person late_half(world::with({{"tokens.two_factor", "1"}}));
    late_half.sign_up();
    ASSERT_EQ(late_half.log_in().status, 200u);
    wait_a_second();
    for_each_guarded([&](const route& row) {
        const bool by_half = guard_of(row) == guard::half;
        const auto& one = by_half ? late_half : late;
        const auto& token = by_half                           ? one.two_factor
                            : guard_of(row) == guard::refresh ? one.refresh
                                                              : one.access;
        expect_error(send(one, row, in_place_of(row, token, one)), 401, token_of(row) + "_EXPIRED");
    });
}

TEST_F(NativeGuards, ARevokedSession_IsRefused_T34) {
    ASSERT_EQ(http_request(who.port, "POST", "/api/auth/logout", {bearer(who.access)}).status,
              200u);
    for_each_guarded([&](const route& row) {
        if (guard_of(row) == guard::half) return;
        if (guard_of(row) == guard::refresh)
            return expect_error(send(who, row, {bearer(who.refresh)}), 401,
                                "REFRESH_TOKEN_INVALID");
        const bool step_up_route = row.key.pattern == "/api/auth/step-up";
        const http_headers headers{bearer(who.access), step_up(who.step_up),
                                   pending(half.two_factor)};
        expect_error(send(who, row, headers), 401,
                     step_up_route ? "SESSION_EXPIRED" : "ACCESS_TOKEN_EXPIRED");
    });
}

TEST_F(NativeGuards, AHalfLoggedInSession_ReachesVerifyResendAndCancelOnly_T31) {
    std::set<std::string> reached;
    for_each_guarded([&](const route& row) {
        // As its own kind, and passed off as an access token.
        const auto response = send(half, row, {pending(half.two_factor)});
        const bool refused =
            response.status == 401 && (code_of(response) == "AUTHENTICATION_REQUIRED" ||
                                       code_of(response) == "REFRESH_TOKEN_MISSING");
        if (!refused) reached.insert(name_of(row));
        if (guard_of(row) == guard::session)
            expect_error(send(half, row, {bearer(half.two_factor), pending(half.two_factor)}), 401,
                         "ACCESS_TOKEN_INVALID");
    });
    EXPECT_EQ(reached, (std::set<std::string>{
                           "POST /api/auth/2fa/login", "POST /api/auth/2fa/totp/recover",
                           "POST /api/auth/2fa/email/send", "GET /api/auth/2fa/email/cooldown"}));
}

TEST_F(NativeGuards, AWrongStepUp_IsRefused) {
    auto other = with_email_only();
    const struct {
        const char* what;
        std::string token, code;
    } rows[] = {{"missing", "", "STEP_UP_TOKEN_MISSING"},
                {"garbage", "garbage", "STEP_UP_TOKEN_INVALID"},
                {"access", who.access, "STEP_UP_TOKEN_INVALID"},
                {"two-factor", half.two_factor, "STEP_UP_TOKEN_INVALID"},
                {"refresh", who.refresh, "STEP_UP_TOKEN_INVALID"},
                {"another user's", other.step_up, "STEP_UP_TOKEN_INVALID"},
                {"another session's", second.step_up, "STEP_UP_TOKEN_INVALID"}};
    std::size_t tried = 0;
    for_each_guarded([&](const route& row) {
        if (row.needs != credential::access_and_step_up) return;
        ++tried;
        for (const auto& wrong : rows) {
            SCOPED_TRACE(wrong.what);
            expect_error(send(who, row, {bearer(who.access), step_up(wrong.token)}), 401,
                         wrong.code);
        }
    });
    EXPECT_EQ(tried, 9u);
}

TEST(NativeGuard, TheRightCredential_PassesIt) {
    for_each_guarded([](const route& row) {
        auto who = with_email_only();
        if (guard_of(row) == guard::half) {
            who.forget_tokens();
            ASSERT_EQ(who.log_in().status, 200u);
        } else if (row.needs == credential::two_factor_and_access) {
            ASSERT_EQ(who.begin_step_up().status, 200u);
        } else if (guard_of(row) == guard::refresh) {
            who.access = who.refresh;
        }

        const auto response = send(who, row, credentials_of(who));

        EXPECT_FALSE(code_of(response).find("_TOKEN_") != std::string::npos &&
                     code_of(response) != "TOTP_SETUP_TOKEN_INVALID")
            << response.body;
        EXPECT_NE(code_of(response), "AUTHENTICATION_REQUIRED");
        EXPECT_NE(code_of(response), "SESSION_EXPIRED");
        EXPECT_LT(response.status, 500u) << response.body;
    });
}

} // namespace
} // namespace countersign::tests
