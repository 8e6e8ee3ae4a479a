// A person with a browser that keeps cookies, or with a program that has an API token, talking to
// the slugbase API.
#pragma once

#include "tests/support/http_client.hpp"
#include "tests/support/native_client.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

struct slugbase_client {
    std::uint16_t port = 0;
    std::string email, password = "Correct-Horse-7";
    std::map<std::string, std::string> cookies; // as a browser keeps them
    std::string csrf;                           // sent as X-CSRF-Token unless empty
    std::string bearer;                         // sent as Authorization unless empty
    authenticator app;
    std::vector<std::string> backup_codes;

    // Sends what it has, and keeps the cookies that the reply sets.
    http_response call(std::string_view method, std::string_view target, std::string_view body = {},
                       const http_headers& headers = {});
    // What call() sends beside `headers`.
    [[nodiscard]] http_headers credentials() const;

    http_response log_in();
    http_response verify(std::string_view code);
    http_response begin_enrolment();                        // takes the app's secret from the reply
    http_response confirm_enrolment(std::string_view code); // takes the backup codes
    // With the code and, unless `without_password`, the password.
    http_response disable(std::string_view code, bool without_password = false);
    http_response regenerate(std::string_view code, bool without_password = false);

    // Throw if a step is refused: for tests that are about what comes after.
    void take_csrf_token();
    void sign_in();             // with the app's next code where one is asked for
    void enrol(int window = 1); // begins and confirms
    [[nodiscard]] std::string make_api_token(std::string_view name = "a program");
    [[nodiscard]] bool mfa_is_on();

    // Somebody else's browser or program: the same person, no cookies, no credential.
    [[nodiscard]] slugbase_client elsewhere() const;

    int window = 1;      // of the app: steps either side that the server takes
    http_headers always; // sent with every request
};

// {"code": code} and, unless it is empty, the password.
[[nodiscard]] std::string proof_body(std::string_view code, std::string_view password = {});

} // namespace countersign::tests
