// What is no request of the contract is refused in the family's own words, says what was wrong, and
// changes nothing.
#include "tests/contract/world.hpp"

#include <gtest/gtest.h>

namespace countersign::tests {
namespace {

struct target {
    const char *method, *path;
};

// The routes with a body.
constexpr target with_body[] = {
    {"POST", "/api/auth/register"},
    {"POST", "/api/auth/login"},
    {"POST", "/api/auth/refresh"},
    {"POST", "/api/auth/step-up"},
    {"POST", "/api/auth/2fa/totp/setup"},
    {"POST", "/api/auth/2fa/totp/recover"},
    {"POST", "/api/auth/2fa/email/enable"},
    {"POST", "/api/auth/2fa/login"},
    {"POST", "/api/auth/2fa/step-up"},
    {"POST", "/api/auth/2fa/preferred-method"},
    {"POST", "/api/auth/password/reset-request"},
    {"POST", "/api/auth/password/reset"},
    {"PUT", "/api/users/me"},
    {"PUT", "/api/users/me/email"},
    {"PUT", "/api/users/me/password"},
};

// The credential that each route asks for, and nothing that makes it answer 304.
http_headers headers_for(const person& who, const std::string& path,
                         const std::string& pending_login) {
    if (path == "/api/auth/register" || path == "/api/auth/login" ||
        path.starts_with("/api/auth/password"))
        return {};
    if (path == "/api/auth/refresh") return {{"Authorization", "Bearer " + who.refresh}};
    if (path == "/api/auth/2fa/login" || path == "/api/auth/2fa/totp/recover")
        return {{"X-Two-Factor-Authentication-Token", pending_login}};
    return credentials_of(who);
}

TEST(NativeBadInput, ABodyThatIsNoJsonObject_IsRefusedEverywhere) {
    auto who = with_totp_only();
    auto half = who;
    half.forget_tokens();
    ASSERT_EQ(half.log_in().status, 200u);
    ASSERT_EQ(who.begin_step_up().status, 200u);
    ASSERT_EQ(http_request(who.port, "POST", "/api/auth/password/reset-request", {},
                           R"({"email":")" + who.email + "\"}")
                  .status,
              200u);
    const auto reset = mailed_token(who.home->sink, who.email);
    const struct {
        const char* what;
        std::string body, type, says;
    } rows[] = {
        {"cut off", R"({"a":)", "application/json", "not valid JSON"},
        {"two values", "{} {}", "application/json", "not valid JSON"},
        {"comment", "{/**/}", "application/json", "not valid JSON"},
        {"bare word", "nonsense", "application/json", "not valid JSON"},
        {"not UTF-8", "{\"a\":\"\xff\xfe\"}", "application/json", "not valid JSON"},
        {"lone surrogate", R"({"a":"\ud800"})", "application/json", "not valid JSON"},
        {"NUL", std::string("{\"a\":\"\0\"}", 9), "application/json", "not valid JSON"},
        {"deep", std::string(5'000, '['), "application/json", "not valid JSON"},
        {"array", "[]", "application/json", "must be a JSON object"},
        {"string", "\"text\"", "application/json", "must be a JSON object"},
        {"null", "null", "application/json", "must be a JSON object"},
        {"form", "a=b", "application/x-www-form-urlencoded", "application/json"},
        {"plain text", "{}", "text/plain", "application/json"},
    };
    for (const auto& [method, path] : with_body)
        for (const auto& row : rows) {
            SCOPED_TRACE(std::string(path) + ": " + row.what);
            auto headers = headers_for(who, path, half.two_factor);
            headers.emplace_back("Content-Type", row.type);
            const auto query =
                std::string_view(path) == "/api/auth/password/reset" ? "?token=" + reset : "";
            const auto response = http_request(who.port, method, path + query, headers, row.body);
            expect_error_at(response, 400, "INVALID_REQUEST", path);
            EXPECT_NE(response.body.find(row.says), std::string::npos) << response.body;
        }
    // Nothing was used up by it.
    EXPECT_EQ(half.complete_login(R"({"totp":")" + who.app.next() + "\"}").status, 200u);
    EXPECT_EQ(who.complete_step_up(R"({"totp":")" + half.app.next() + "\"}").status, 401u)
        << "that very code was used just now";
    expect_principal(who.call("GET", "/api/users/me"), who);
}

TEST(NativeBadInput, AMalformedLocale_IsRefusedWhereOneIsTaken) {
    auto who = with_totp_only();
    const struct {
        const char *method, *path, *body;
    } rows[] = {
        {"POST", "/api/auth/step-up", R"({"password":"Correct-Horse-7"})"},
        {"POST", "/api/auth/2fa/email/send", ""},
        {"POST", "/api/auth/2fa/email/enable", R"({"code":"123456"})"},
        {"DELETE", "/api/auth/2fa/totp", ""},
        {"DELETE", "/api/auth/2fa/email", ""},
        {"POST", "/api/auth/email/verification/send", ""},
        {"PUT", "/api/users/me/email", R"({"newEmail":"somebody@example.org"})"},
        {"PUT", "/api/users/me/password",
         R"({"oldPassword":"Correct-Horse-7","newPassword":"Other-Horse-8"})"},
        {"POST", "/api/auth/password/reset-request", R"({"email":"somebody@example.org"})"},
    };
    for (const auto& row : rows)
        for (const auto* locale : {"en_", "..%2F..", "%0d%0aBcc:x", "x", "en-"}) {
            SCOPED_TRACE(std::string(row.path) + " " + locale);
            const auto response =
                who.call(row.method, std::string(row.path) + "?locale=" + locale, row.body);
            expect_error_at(response, 400, "INVALID_REQUEST", row.path);
            EXPECT_NE(response.body.find("locale"), std::string::npos) << response.body;
        }
    auto guest = who;
    guest.forget_tokens();
    expect_error(
        guest.call("POST", "/api/auth/login?locale=!", R"({"email":"a@b.cd","password":"x"})"), 400,
        "INVALID_REQUEST");
    for (const auto* subject : {"verification code", "Confirm your", "Reset your", "Removed"})
        who.expect_mail(subject, 0);
    EXPECT_EQ(who.read_methods(), std::vector<std::string>{"totp"});
}

TEST(NativeBadInput, ABodyThatIsTooLarge_Is413) {
    auto& home = world::without_email_factor();
    const auto response = http_request(home.server.port(), "POST", "/api/auth/login", {},
                                       R"({"email":")" + std::string(17 * 1024, 'a') + "\"}");
    expect_error_at(response, 413, "PAYLOAD_TOO_LARGE", "/api/auth/login");
    EXPECT_EQ(response.header("Connection"), "close");
}

TEST(NativeBadInput, AHeaderThatIsTooLarge_Is431) {
    auto& home = world::without_email_factor();
    for (const auto& response : {http_request(home.server.port(), "GET", "/api/users/me",
                                              {{"X-Padding", std::string(9'000, 'a')}}),
                                 http_request(home.server.port(), "GET", "/api/users/me",
                                              http_headers(70, {"X-Padding", "a"}))})
        expect_error(response, 431, "REQUEST_HEADER_TOO_LARGE");
}

TEST(NativeBadInput, BytesThatAreNoHttp_Are400AndTheConnectionEnds) {
    auto& home = world::without_email_factor();
    for (const std::string bytes :
         {"GARBAGE\r\n\r\n", "GET /api/users/me HTTP/1.1\r\n\r\n",
          "GET /api/users/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
          "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"}) {
        SCOPED_TRACE(bytes);
        http_connection connection(home.server.port());
        connection.send(bytes);
        expect_error(connection.receive(), 400, "MALFORMED_REQUEST");
        EXPECT_TRUE(connection.is_closed_by_server());
    }
}

TEST(NativeBadInput, AnUnknownPath_Is404InTheFamilysWords) {
    auto who = with_no_factor();
    const target rows[] = {{"GET", "/api/auth/oauth2/anything"},
                           {"GET", "/api/auth/oauth2/authorization/github"},
                           {"POST", "/api/guests"},
                           {"POST", "/api/guests/convert-to-user"},
                           {"GET", "/api/users/me/providers"},
                           {"POST", "/api/users/me/sessions/token/x"},
                           {"GET", "/api/auth"},
                           {"GET", "/api/auth/"},
                           {"GET", "/api/authority"},
                           {"DELETE", "/api/auth/2fa/totp/"},
                           {"DELETE", "/API/AUTH/2FA/TOTP"},
                           {"DELETE", "/api/auth//2fa/totp"},
                           {"GET", "/nothing"},
                           {"GET", "/"}};
    for (const auto& [method, path] : rows) {
        SCOPED_TRACE(path);
        expect_error_at(who.call(method, path), 404, "NOT_FOUND", path);
    }
}

TEST(NativeBadInput, AWrongMethod_Is405WithWhatIsAllowed) {
    auto who = with_no_factor();
    const struct {
        const char *method, *path, *allow;
    } rows[] = {{"GET", "/api/auth/login", "POST"},
                {"POST", "/api/auth/2fa/totp", "DELETE"},
                {"DELETE", "/api/auth/2fa/totp/setup", "GET, POST"},
                {"POST", "/api/users/me", "DELETE, GET, PUT"},
                {"PATCH", "/api/users/me/email", "PUT"},
                {"GET", "/api/users/me/sessions/some", "DELETE"}};
    for (const auto& row : rows) {
        SCOPED_TRACE(row.path);
        const auto response = who.call(row.method, row.path);
        expect_error_at(response, 405, "METHOD_NOT_ALLOWED", row.path);
        EXPECT_EQ(response.header("Allow"), row.allow);
    }
}

TEST(NativeBadInput, ThePathOfAnError_CarriesNoQuery) {
    auto& home = world::without_email_factor();
    const auto response =
        http_request(home.server.port(), "POST", "/api/auth/password/reset?token=secret-token");
    expect_error_at(response, 401, "PASSWORD_RESET_TOKEN_INVALID", "/api/auth/password/reset");
    EXPECT_EQ(response.body.find("secret-token"), std::string::npos);
    EXPECT_EQ(home.server.log().find("secret-token"), std::string::npos);
}

} // namespace
} // namespace countersign::tests
