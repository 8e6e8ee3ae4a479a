#include "tests/support/slugbase_client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <stdexcept>

namespace countersign::tests {

namespace {

const std::string mfa = "/api/auth/mfa";

void require(const http_response& response, unsigned status, std::string_view what) {
    if (response.status != status)
        throw std::runtime_error(std::string(what) + " was answered with " +
                                 std::to_string(response.status) + " " + response.body);
}

void keep_backup_codes(const http_response& response, std::vector<std::string>& codes) {
    if (response.status != 200) return;
    codes.clear();
    const auto body = json_of(response);
    for (const auto& code : body.at("backup_codes").as_array())
        codes.emplace_back(code.as_string());
}

} // namespace

std::string proof_body(std::string_view code, std::string_view password) {
    boost::json::object body{{"code", code}};
    if (!password.empty()) body["password"] = password;
    return boost::json::serialize(body);
}

http_headers slugbase_client::credentials() const {
    http_headers headers;
    if (!bearer.empty()) headers.emplace_back("Authorization", "Bearer " + bearer);
    if (!csrf.empty()) headers.emplace_back("X-CSRF-Token", csrf);
    std::string jar;
    for (const auto& [name, value] : cookies)
        jar.append(jar.empty() ? "" : "; ").append(name).append("=").append(value);
    if (!jar.empty()) headers.emplace_back("Cookie", jar);
    return headers;
}

http_response slugbase_client::call(std::string_view method, std::string_view target,
                                    std::string_view body, const http_headers& headers) {
    auto all = credentials();
    all.insert(all.end(), always.begin(), always.end());
    all.insert(all.end(), headers.begin(), headers.end());
    auto response = http_request(port, method, target, all, body);
    for (const auto& [name, value] : response.set_cookies()) {
        if (value.empty())
            cookies.erase(name);
        else
            cookies[name] = value;
    }
    return response;
}

http_response slugbase_client::log_in() {
    return call(
        "POST", "/api/auth/login",
        boost::json::serialize(boost::json::object{{"email", email}, {"password", password}}));
}

http_response slugbase_client::verify(std::string_view code) {
    return call("POST", mfa + "/verify", proof_body(code));
}

http_response slugbase_client::begin_enrolment() {
    auto response = call("POST", mfa + "/enroll/begin", "{}");
    if (response.status == 200) app = authenticator(text_in(json_of(response), "secret"), window);
    return response;
}

http_response slugbase_client::confirm_enrolment(std::string_view code) {
    auto response = call("POST", mfa + "/enroll/confirm", proof_body(code));
    keep_backup_codes(response, backup_codes);
    return response;
}

http_response slugbase_client::disable(std::string_view code, bool without_password) {
    return call("POST", mfa + "/disable",
                proof_body(code, without_password ? std::string() : password));
}

http_response slugbase_client::regenerate(std::string_view code, bool without_password) {
    auto response = call("POST", mfa + "/backup/regenerate",
                         proof_body(code, without_password ? std::string() : password));
    keep_backup_codes(response, backup_codes);
    return response;
}

void slugbase_client::take_csrf_token() {
    const auto response = call("GET", "/api/csrf-token");
    require(response, 200, "asking for a CSRF token");
    csrf = text_in(json_of(response), "csrfToken");
}

void slugbase_client::sign_in() {
    const auto begun = log_in();
    require(begun, 200, "logging in");
    if (cookies.contains("slugbase.mfa_pending")) require(verify(app.next()), 200, "the code");
    if (!cookies.contains("slugbase.sid")) throw std::runtime_error("no session cookie came");
    take_csrf_token();
}

void slugbase_client::enrol(int steps) {
    window = steps;
    require(begin_enrolment(), 200, "beginning the enrolment");
    require(confirm_enrolment(app.next()), 200, "confirming the enrolment");
}

std::string slugbase_client::make_api_token(std::string_view name) {
    const auto response =
        call("POST", "/api/tokens", boost::json::serialize(boost::json::object{{"name", name}}));
    require(response, 201, "making an API token");
    return text_in(json_of(response), "token");
}

bool slugbase_client::mfa_is_on() {
    const auto response = call("GET", mfa + "/status");
    require(response, 200, "asking for the status");
    return json_of(response).at("enabled").as_bool();
}

slugbase_client slugbase_client::elsewhere() const {
    auto other = *this;
    other.cookies.clear();
    other.csrf.clear();
    other.bearer.clear();
    return other;
}

} // namespace countersign::tests
