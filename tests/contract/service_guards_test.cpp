// Service keys and their scopes on every route of the table, and what else is refused before a
// handler decides anything.
#include "net/families/service/routes.hpp"
#include "tests/contract/service.hpp"

#include <boost/beast/http/verb.hpp>

#include <csignal>

namespace countersign::tests {
namespace {

using net::service::route;
using store::service_scope;

constexpr std::string_view imports = "/api/service/v1/imports";

std::string method_of(const route& row) {
    return std::string(boost::beast::http::to_string(row.key.method));
}

// The row's path, about this subject.
std::string target_of(const route& row, std::string_view subject) {
    std::string target(row.key.pattern);
    const auto put_in = [&](std::string_view name, std::string_view value) {
        if (const auto at = target.find(name); at != std::string::npos)
            target.replace(at, name.size(), value);
    };
    put_in("{subject}", subject);
    put_in("{factor}", "email");
    return target;
}

// What is enough for the row to decide.
std::string body_of(const route& row) {
    if (row.streams_body) return {};
    if (row.key.method == boost::beast::http::verb::put) return R"({"name":"X"})";
    return row.proves_code ? R"({"code":"123456"})" : "";
}

std::string status_and_code(const http_response& response) {
    const auto body = response.header("Content-Type") == "application/problem+json"
                          ? text_in(json_of(response), "code")
                          : std::string();
    return std::to_string(response.status) + " " + body;
}

TEST(ServiceKey, Missing_IsAskedForOnEveryRoute) {
    const auto port = service_world().server.port();
    for (const auto& row : net::service::routes()) {
        SCOPED_TRACE(target_of(row, "acme"));
        for (const http_headers& headers :
             {http_headers{}, http_headers{{"Authorization", "Basic YTpi"}},
              http_headers{{"Authorization", "Bearer "}},
              http_headers{{"Cookie", "access_token=csk_0123456789"}}}) {
            const auto refused =
                http_request(port, method_of(row), target_of(row, "acme"), headers, body_of(row));
            expect_problem(refused, 401, "service_key_missing");
            EXPECT_EQ(refused.header("WWW-Authenticate"), R"(Bearer realm="countersign")");
        }
    }
}

TEST(ServiceKey, ThatIsNone_IsRefusedOnEveryRoute) {
    auto& home = service_world();
    auto native = with_email_only(home);
    auto backend = backend_of(home);
    auto other_world = backend_of(service_world({{"policy.require_second_factor", "true"}}));
    const auto truncated = backend.key.substr(0, backend.key.size() - 1);
    for (const auto& key :
         {std::string("x"), std::string("csk_") + std::string(43, 'A'), truncated,
          backend.key + "A", native.access, native.refresh, native.step_up, other_world.key}) {
        for (const auto& row : net::service::routes()) {
            SCOPED_TRACE(target_of(row, "acme") + " " + key);
            const auto refused = http_request(backend.port, method_of(row), target_of(row, "acme"),
                                              {{"Authorization", "Bearer " + key}}, body_of(row));
            expect_problem(refused, 401, "service_key_invalid");
            EXPECT_EQ(refused.header("WWW-Authenticate"),
                      R"(Bearer realm="countersign", error="invalid_token")");
        }
    }
}

TEST(ServiceKey, OfOneScope_OpensItsRoutesAndNoOthers_T32) {
    auto& home = service_world();
    const auto all = backend_of(home);
    for (const auto scope : {service_scope::verify, service_scope::manage, service_scope::sessions,
                             service_scope::import}) {
        const auto backend = backend_with(store::to_text({scope}), home);
        for (const auto& row : net::service::routes()) {
            const auto subject = all.subject_without_factors();
            SCOPED_TRACE(store::to_text({scope}) + " " + method_of(row) + target_of(row, subject));
            const auto reply = backend.call(method_of(row), target_of(row, subject), body_of(row));
            if (scope == row.needs || scope == row.or_else) {
                EXPECT_NE(reply.status, 401u) << reply.body;
                EXPECT_NE(reply.status, 403u) << reply.body;
                continue;
            }
            expect_problem(reply, 403, "insufficient_scope");
            EXPECT_EQ(reply.header("WWW-Authenticate"),
                      R"(Bearer realm="countersign", error="insufficient_scope", scope=")" +
                          store::to_text({row.needs}) + "\"");
            EXPECT_EQ(all.read(subject).status, 200u);
        }
    }
}

TEST(ServiceKey, SchemeInAnyCase_IsTaken) {
    const auto backend = backend_of();
    EXPECT_EQ(http_request(backend.port, "GET",
                           service_client::path_of(backend.subject_without_factors()),
                           {{"Authorization", "bEARER " + backend.key}})
                  .status,
              200u);
}

TEST(ServiceKey, Revoked_StopsWithinASecond) {
    auto& home = service_world();
    const auto made = make_service_key(COUNTERSIGN_PROGRAM, home.server);
    const service_client backend{.port = home.server.port(), .key = made.key};
    const auto subject = backend.subject_without_factors();
    // On every worker's cache.
    std::vector<http_connection> connections;
    for (int count = 0; count < 8; ++count) {
        connections.emplace_back(backend.port);
        ASSERT_EQ(connections.back()
                      .request("GET", service_client::path_of(subject), backend.credentials())
                      .status,
                  200u);
    }
    revoke_service_key(COUNTERSIGN_PROGRAM, home.server, made.id);
    wait_a_second();
    for (auto& connection : connections)
        expect_problem(
            connection.request("GET", service_client::path_of(subject), backend.credentials()), 401,
            "service_key_invalid");
}

TEST(ServiceStoreAway, EveryRouteSaysSo_AndNeverThatACodeIsWrong) {
    world home(with_service());
    const auto backend = backend_of(home);
    const auto subject = backend.subject_without_factors();
    auto enrolled = backend.enrol(subject, service_window);
    const auto code = enrolled.app.next();
    const auto redis = home.server.redis_process();
    ASSERT_EQ(::kill(redis, SIGSTOP), 0);
    for (const auto& row : net::service::routes()) {
        if (row.streams_body) continue; // an import waits, and has a report (below)
        SCOPED_TRACE(target_of(row, subject));
        const auto body = row.proves_code ? R"({"code":")" + code + "\"}" : body_of(row);
        const auto refused = backend.call(method_of(row), target_of(row, subject), body);
        expect_wait(refused, 500, "store_unavailable", 1);
        EXPECT_EQ(refused.body.find("edis"), std::string::npos);
    }
    wait_a_second();
    expect_wait(backend.call("POST", imports), 500, "store_unavailable", 1);
    ASSERT_EQ(::kill(redis, SIGCONT), 0);
    // The code was never looked at.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    auto again = backend.verify(subject, code);
    while (again.status == 500 && std::chrono::steady_clock::now() < deadline)
        again = backend.verify(subject, code);
    EXPECT_EQ(again.status, 200u) << again.body;
}

TEST(ServiceAccountUnreadable, IsAnErrorOfTheServer) {
    EXPECT_EQ(net::service::from_store(store::store_error::corrupt).code,
              net::service::error_code::account_unreadable);
    EXPECT_EQ(net::service::from_store(store::store_error::overloaded).code,
              net::service::error_code::overloaded);
}

TEST(ServiceTransport, WhatIsNoRequest_IsAProblemDocument) {
    const auto backend = backend_of();
    const auto subject = service_client::path_of(backend.subject_without_factors());
    expect_problem(backend.call("GET", "/api/service/v1/nothing"), 404, "not_found");
    expect_problem(backend.call("GET", "/api/service/v2"), 404, "not_found");
    expect_problem(backend.call("GET", "/api/service/v1/subjects/"), 404, "not_found");

    const auto not_allowed = backend.call("POST", subject, "{}");
    expect_problem(not_allowed, 405, "method_not_allowed");
    EXPECT_EQ(not_allowed.header("Allow"), "DELETE, GET, PUT");

    expect_problem(backend.call("PUT", subject, std::string(17 * 1024, ' ')), 413,
                   "body_too_large");
    expect_problem(backend.call("GET", subject, {}, {{"Expect", "more"}}), 417,
                   "expectation_failed");
    http_connection connection(backend.port);
    connection.send("GET " + subject + " HTTP/1.1\r\n\r\n");
    expect_problem(connection.receive(), 400, "malformed_request");
}

// Where the path is not known, the first family answers; here there is no other.
TEST(ServiceTransport, WhatIsNoRequest_IsAProblemDocument_WithThisFamilyAlone) {
    const auto port = service_world({{"api.families", "service"}}).server.port();
    const auto answer = [&](const std::string& bytes) {
        http_connection connection(port);
        connection.send(bytes);
        return connection.receive();
    };
    expect_problem(answer("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(9 * 1024, 'x')), 431,
                   "header_too_large");
    expect_problem(answer("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505, "unsupported_http_version");
    expect_problem(answer("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 501, "not_implemented");
    expect_problem(answer("GET /api/auth/status HTTP/1.1\r\nHost: a\r\n\r\n"), 404, "not_found");
}

TEST(ServiceProblem, EveryOne_HasTextsAndAStatus) {
    for (std::size_t code = 0; code < net::service::error_code_count; ++code) {
        const net::service::error error(static_cast<net::service::error_code>(code));
        const auto reply = net::service::render(error);
        http_response shown{.status = reply.status,
                            .headers = {{"Content-Type", std::string(reply.content_type)}},
                            .body = reply.body};
        SCOPED_TRACE(status_and_code(shown));
        expect_problem(shown, reply.status, to_string(error.code));
        EXPECT_GE(reply.status, 400u);
    }
}

} // namespace
} // namespace countersign::tests
