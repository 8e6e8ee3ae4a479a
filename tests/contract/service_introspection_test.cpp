// POST /api/service/v1/introspect (RFC 7662).
#include "tests/contract/service.hpp"

#include <string>

namespace countersign::tests {
namespace {

constexpr std::string_view inactive = R"({"active":false})";
const http_headers as_form{{"Content-Type", "application/x-www-form-urlencoded"}};

http_response introspect(const service_client& backend, const std::string& token,
                         const std::string& more = {}) {
    return backend.call("POST", "/api/service/v1/introspect", "token=" + token + more, as_form);
}

struct opened_session {
    std::string access, refresh, id;
};
opened_session open(const service_client& backend, const std::string& subject) {
    const auto body = json_of(backend.open_session(subject));
    return {text_in(body, "accessToken"), text_in(body, "refreshToken"),
            text_in(body, "sessionId")};
}

void expect_inactive(const http_response& response) {
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.body, inactive);
}

TEST(ServiceIntrospection, T34_ActiveUntilTheSessionEnds) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto session = open(backend, subject);
    const shape members{
        {"active", kind::boolean}, {"sub", kind::text},        {"subject", kind::text},
        {"sid", kind::text},       {"jti", kind::text},        {"iat", kind::number},
        {"exp", kind::number},     {"token_type", kind::text}, {"acr", kind::text}};

    const auto told = expect_json(introspect(backend, session.access), 200, members);

    EXPECT_EQ(told.at("active"), true);
    EXPECT_EQ(text_in(told, "sub"), text_in(backend.view(subject), "account"));
    EXPECT_EQ(text_in(told, "subject"), subject);
    EXPECT_EQ(text_in(told, "sid"), session.id);
    EXPECT_EQ(text_in(told, "token_type"), "Bearer");
    EXPECT_EQ(text_in(told, "acr"), "aal1");
    EXPECT_EQ(told.at("exp").to_number<int>() - told.at("iat").to_number<int>(), 900);

    const auto ended = http_request(backend.port, "POST", "/api/auth/logout",
                                    {{"Authorization", "Bearer " + session.access}});
    EXPECT_LT(ended.status, 300u) << ended.body;
    expect_inactive(introspect(backend, session.access));
    expect_inactive(introspect(backend, session.refresh));
}

TEST(ServiceIntrospection, RefreshToken_IsActiveOnce) {
    const auto backend = backend_of();
    const auto session = open(backend, backend.subject_without_factors());
    const auto told =
        json_of(introspect(backend, session.refresh, "&token_type_hint=access_token"));
    EXPECT_EQ(told.at("active"), true);
    EXPECT_FALSE(told.contains("token_type"));

    const auto refreshed = json_of(http_request(backend.port, "POST", "/api/auth/refresh",
                                                {{"Authorization", "Bearer " + session.refresh}}));

    expect_inactive(introspect(backend, session.refresh));
    EXPECT_EQ(json_of(introspect(backend, text_in(refreshed, "refreshToken"))).at("active"), true);
}

TEST(ServiceIntrospection, AnythingElse_IsInactiveWithoutAReason) {
    const auto backend = backend_of();
    const auto subject = backend.subject_without_factors();
    const auto session = open(backend, subject);
    auto changed = session.access;
    changed.back() = changed.back() == 'A' ? 'Q' : 'A';
    const auto pending_of = backend.subject_without_factors();
    (void)backend.enrol(pending_of, service_window);
    const auto pending =
        text_in(json_of(backend.open_session(pending_of)), "twoFactorAuthenticationToken");
    ASSERT_FALSE(pending.empty());
    for (const auto& token : {changed, pending, backend.key, std::string("x"),
                              session.access.substr(0, session.access.rfind('.') + 1)})
        expect_inactive(introspect(backend, token));

    ASSERT_EQ(backend.about(subject, "DELETE").status, 204u);
    expect_inactive(introspect(backend, session.access));
}

TEST(ServiceIntrospection, WhatIsNoForm_OrHasNoToken_IsInvalid) {
    const auto backend = backend_of();
    const auto send = [&](std::string_view body, const http_headers& headers) {
        return backend.call("POST", "/api/service/v1/introspect", body, headers);
    };
    expect_problem(send(R"({"token":"x"})", {{"Content-Type", "application/json"}}), 400,
                   "invalid_request");
    for (const std::string_view body : {"", "token=", "tokens=x", "token=x&token=y", "token=%zz"})
        expect_problem(send(body, as_form), 400, "invalid_request", "token");
    expect_inactive(send("x=1&t%6Fken=a%2Eb",
                         {{"Content-Type", "Application/X-WWW-Form-Urlencoded ; charset=utf-8"}}));
}

TEST(ServiceIntrospection, T32_AsksForAKeyThatMayAskAboutSessionsOrCodes) {
    const auto session = open(backend_of(), backend_of().subject_without_factors());
    for (const std::string_view scope : {"sessions", "verify"})
        EXPECT_EQ(json_of(introspect(backend_with(scope), session.access)).at("active"), true);
    for (const std::string_view scope : {"manage", "import"})
        expect_problem(introspect(backend_with(scope), session.access), 403, "insufficient_scope");
}

} // namespace
} // namespace countersign::tests
