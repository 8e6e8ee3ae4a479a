// Every route of every family against every credential that there is, in every place of a request:
// only the right one passes, the others get exactly the family's answer, and nothing of the account
// changes. The rows are made from the route tables, so that a new route cannot forget a guard.
#include "tests/contract/matrix.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

namespace countersign::tests {
namespace {

using history = credentials_of_all_kinds::history;

http_headers joined(http_headers left, const http_headers& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

std::vector<place> all_places() {
    std::vector<place> places;
    for (std::size_t index = 0; index < place_count; ++index)
        places.push_back(static_cast<place>(index));
    return places;
}

// One kept connection, replaced when the server closes it.
class sender {
public:
    explicit sender(std::uint16_t port) : port_(port) {}

    http_response send(const matrix_row& row, const std::string& target,
                       const http_headers& headers, const std::string& body) {
        if (!connection_) connection_ = std::make_unique<http_connection>(port_);
        auto response = connection_->request(row.method, target, headers, body);
        if (response.header("Connection") == "close") connection_.reset();
        return response;
    }

private:
    std::uint16_t port_;
    std::unique_ptr<http_connection> connection_;
};

class CredentialsMatrix : public testing::TestWithParam<const char*> {
protected:
    // Guarded routes of the family that the test is about.
    static std::vector<matrix_row> guarded() {
        std::vector<matrix_row> rows;
        for (const auto& row : matrix_rows())
            if (row.family == GetParam() && row.needs != admission::open) rows.push_back(row);
        return rows;
    }
};

TEST_P(CredentialsMatrix, OnlyTheRightCredentialInItsPlace_Passes_T24_T31_T34) {
    world home(with_all_families());
    const credentials_of_all_kinds of(home, history::with);
    sender connection(home.server.port());
    const auto before = of.ada.stored();
    ASSERT_NE(before, "");
    std::size_t refused = 0;
    for (const auto& row : guarded()) {
        const auto target = of.target_of(row);
        const auto body = of.body_of(row);
        std::size_t right = 0;
        for (const auto where : all_places())
            for (const auto& one : of.all) {
                const auto expected = verdict_on(row, where, one);
                if (expected.passes) {
                    ++right;
                    continue;
                }
                SCOPED_TRACE(row.name() + " with " + one.name + " as " +
                             std::string(to_string(where)));
                expect_refused(connection.send(row, target,
                                               joined(put(where, one.text), of.beside(row, where)),
                                               body),
                               row, expected, target);
                if (HasFailure()) return;
                ++refused;
            }
        EXPECT_GE(right, 1u) << row.name();
        EXPECT_LE(right, 8u) << row.name();
    }
    EXPECT_EQ(of.ada.stored(), before);
    RecordProperty("refused", static_cast<int>(refused));
    std::cout << refused << " requests were refused\n";
}

TEST_P(CredentialsMatrix, WithoutACredential_NobodyIsLetIn) {
    world home(with_all_families());
    const credentials_of_all_kinds of(home, history::without);
    sender connection(home.server.port());
    const auto before = of.ada.stored();
    for (const auto& row : guarded()) {
        SCOPED_TRACE(row.name());
        const auto target = of.target_of(row);
        // As if it came where nobody looks.
        const auto expected = verdict_on(row, place::other_cookies, {});
        expect_refused(connection.send(row, target, {}, of.body_of(row)), row, expected, target);
        expect_refused(connection.send(row, target, put(place::bearer, ""), of.body_of(row)), row,
                       expected, target);
    }
    EXPECT_EQ(of.ada.stored(), before);
}

// A body that no route takes: who gets so far was let in.
TEST_P(CredentialsMatrix, TheRightCredential_IsLetInWhereverItMayStand) {
    world home(with_all_families());
    auto of = std::make_unique<credentials_of_all_kinds>(home, history::without);
    sender connection(home.server.port());
    for (const auto& row : guarded())
        for (const auto where : all_places())
            for (std::size_t index = 0; index < of->all.size(); ++index) {
                const auto one = of->all[index];
                if (!verdict_on(row, where, one).passes) continue;
                SCOPED_TRACE(row.name() + " with " + one.name + " as " +
                             std::string(to_string(where)));
                const bool reads =
                    row.method == "GET" || (row.method == "DELETE" && of->body_of(row).empty());
                const auto response = connection.send(
                    row, of->target_of(row), joined(put(where, one.text), of->beside(row, where)),
                    reads ? "" : R"({"code":[]})");
                EXPECT_NE(response.status, 401u) << response.body;
                EXPECT_NE(response.status, 403u) << response.body;
                EXPECT_LT(response.status, 429u) << response.body;
                // What it took away, or used up, the next one needs.
                const bool spent = row.method == "DELETE" || row.needs == admission::native_refresh;
                if (spent && response.status < 300)
                    of = std::make_unique<credentials_of_all_kinds>(home, history::without);
            }
}

INSTANTIATE_TEST_SUITE_P(OfEveryRoute, CredentialsMatrix,
                         testing::Values("singularity", "slugbase", "clara", "service"),
                         [](const auto& family) { return std::string(family.param); });

TEST(CredentialsMatrixOfTwo, OnlyTheRightSecondCredential_Passes_T30) {
    world home(with_all_families());
    const credentials_of_all_kinds of(home, history::with);
    const credentials_of_all_kinds somebody_else(home, history::without);
    const std::vector<std::pair<std::string, std::string>> foreign_step_ups{
        {"another session's step-up token", of.other_step_up},
        {"another user's step-up token", somebody_else.live(credential_kind::step_up)}};
    const std::vector<std::pair<std::string, std::string>> foreign_challenges{
        {"another user's pending step-up", somebody_else.live(credential_kind::pending_step_up)},
        {"another user's pending login", somebody_else.live(credential_kind::pending_login)}};
    sender connection(home.server.port());
    const auto before = of.ada.stored();
    const auto before_elsewhere = somebody_else.ada.stored();
    const auto first = put(place::bearer, of.live(credential_kind::access));
    std::set<std::string> of_two;
    for (const auto& row : matrix_rows()) {
        const bool steps_up = row.needs == admission::native_access_and_step_up;
        if (!steps_up && row.needs != admission::native_access_and_two_factor) continue;
        of_two.insert(row.name());
        const auto target = of.target_of(row);
        const auto refuse = [&](place where, const std::string& text, const verdict& expected) {
            expect_refused(
                connection.send(row, target, joined(first, put(where, text)), of.body_of(row)), row,
                expected, target);
        };
        const auto name =
            std::string(steps_up ? "STEP_UP_TOKEN" : "TWO_FACTOR_AUTHENTICATION_TOKEN");
        for (const auto where :
             steps_up ? std::vector{place::step_up_header, place::step_up_cookie}
                      : std::vector{place::two_factor_header, place::two_factor_cookie}) {
            for (const auto& one : of.all) {
                const auto expected = verdict_on_second(row, one);
                if (expected.passes) continue;
                SCOPED_TRACE(row.name() + " with " + one.name + " as " +
                             std::string(to_string(where)));
                refuse(where, one.text, expected);
            }
            for (const auto& [whose, token] : steps_up ? foreign_step_ups : foreign_challenges) {
                SCOPED_TRACE(row.name() + " with " + whose);
                refuse(where, token, {.says = name + "_INVALID"});
            }
        }
        SCOPED_TRACE(row.name() + " without");
        refuse(place::other_cookies, "x", {.says = name + "_MISSING"});
    }
    EXPECT_EQ(of_two.size(), 10u);
    EXPECT_EQ(of.ada.stored(), before);
    EXPECT_EQ(somebody_else.ada.stored(), before_elsewhere);
}

// Where a path names a user, a session or a token, another user's credential is good for itself
// only.
TEST(CredentialsMatrixOfTwo, AnotherUsersCredential_ReachesNothingOfThisUser) {
    world home(with_all_families());
    const credentials_of_all_kinds of(home, history::without);
    const credentials_of_all_kinds thief(home, history::without);
    sender connection(home.server.port());
    const auto before = of.ada.stored();
    std::set<std::string> tried;
    for (const auto& row : matrix_rows()) {
        if (row.pattern.find('{') == std::string_view::npos || row.family == "service") continue;
        const auto target = of.target_of(row);
        const auto body = of.body_of(row);
        SCOPED_TRACE(row.name());
        for (const auto where : all_places())
            for (const auto& one : thief.all) {
                const bool of_a_person = one.kind != credential_kind::public_key &&
                                         one.kind != credential_kind::private_key;
                if (!of_a_person || !verdict_on(row, where, one).passes) continue;
                SCOPED_TRACE(one.name);
                tried.insert(row.name());
                const auto response = connection.send(row, target, put(where, one.text), body);
                if (row.family == "clara")
                    expect_refused(response, row,
                                   {.status = 403,
                                    .says = "You do not have access to the requested resource."},
                                   target);
                else
                    EXPECT_EQ(response.status, 404u) << response.body;
            }
    }
    EXPECT_EQ(tried, (std::set<std::string>{"singularity DELETE /api/users/me/sessions/{id}",
                                            "slugbase DELETE /api/tokens/{id}",
                                            "clara PATCH /api/v1/users/{user_email}/password",
                                            "clara POST /api/v1/users/{user_id}/2fa",
                                            "clara DELETE /api/v1/users/{user_id}/2fa",
                                            "clara GET /api/v1/users/{user_id}",
                                            "clara PATCH /api/v1/users/{user_id}"}));
    EXPECT_EQ(of.ada.stored(), before);
}

// Contract section 2.2. What each request asks for is right but for the token, so that it would do
// something.
TEST(CsrfMatrix, ASessionCookieWithoutItsToken_ChangesNothing_AndABearerNeedsNone) {
    world home(with_all_families());
    const credentials_of_all_kinds of(home, history::without);
    sender connection(home.server.port());
    const auto before = of.ada.stored();
    const auto sid = "slugbase.sid=" + of.live(credential_kind::session_cookie);
    const std::string own(64, 'a'), foreign(64, 'b');
    const struct {
        const char* what;
        http_headers headers;
    } rows[] = {{"no token", {{"Cookie", sid}}},
                {"the cookie alone", {{"Cookie", sid + "; _csrf=" + own}}},
                {"the token without its cookie", {{"Cookie", sid}, {"X-CSRF-Token", own}}},
                {"another one", {{"Cookie", sid + "; _csrf=" + own}, {"X-CSRF-Token", foreign}}},
                {"one of no form", {{"Cookie", sid + "; _csrf=x"}, {"X-CSRF-Token", "x"}}}};
    std::size_t guarded = 0;
    for (const auto& row : matrix_rows()) {
        if (!row.csrf) continue;
        ++guarded;
        for (const auto& wrong : rows) {
            SCOPED_TRACE(row.name() + " with " + wrong.what);
            const auto response =
                connection.send(row, of.target_of(row), wrong.headers, of.body_of(row));
            EXPECT_EQ(response.status, 403u);
            EXPECT_EQ(response.body, R"({"error":"Invalid CSRF token"})");
        }
        // The cookie beside a bearer is not looked at.
        for (const auto kind : {credential_kind::api_token, credential_kind::access}) {
            const auto response = connection.send(
                row, of.target_of(row),
                joined(put(place::bearer, of.live(kind)), {{"Cookie", sid}}), R"({"code":[]})");
            // Of those that take no body one is granted: the token is gone then.
            EXPECT_TRUE(response.status == 400 || response.status == 409 ||
                        row.pattern == "/api/tokens/{id}")
                << row.name() << response.status << response.body;
            EXPECT_NE(response.status, 403u);
        }
        if (row.pattern != "/api/tokens/{id}") EXPECT_EQ(of.ada.stored(), before) << row.name();
    }
    EXPECT_EQ(guarded, 7u);
}

TEST(CredentialsMatrixRows, EveryRouteOfATable_HasABodyAndNoOther) {
    std::set<std::string> routes;
    for (const auto& row : matrix_rows())
        routes.insert(row.name());
    EXPECT_EQ(routes.size(), matrix_rows().size());
    const auto listed = rows_with_a_body();
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), routes);
}

TEST(CredentialsMatrixRows, OpenRoutes_AreTheOnesThatMustBe) {
    std::set<std::string> open;
    for (const auto& row : matrix_rows())
        if (row.needs == admission::open) open.insert(row.name());
    EXPECT_EQ(open, (std::set<std::string>{
                        "singularity POST /api/auth/register", "singularity POST /api/auth/login",
                        "singularity POST /api/auth/logout", "singularity GET /api/auth/status",
                        "singularity POST /api/auth/email/verification",
                        "singularity POST /api/auth/password/reset-request",
                        "singularity POST /api/auth/password/reset",
                        "singularity GET /api/auth/password/reset/cooldown",
                        "slugbase POST /api/auth/login", "slugbase POST /api/auth/logout",
                        "slugbase GET /api/csrf-token", "clara GET /api/v1/health",
                        "clara GET /api/v1/version"}));
}

} // namespace
} // namespace countersign::tests
