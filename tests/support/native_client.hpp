// A person with a browser, a mailbox and an authenticator app, talking to the native API.
#pragma once

#include "core/totp.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/smtp_sink.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// The JSON object of a reply's body; throws if it is none.
[[nodiscard]] boost::json::object json_of(const http_response& response);
// A member's text, "" if it is absent or null.
[[nodiscard]] std::string text_in(const boost::json::object& object, std::string_view name);

// The codes that an authenticator app shows for a base32 secret. Each call to next() gives the code
// of the next step that the server still takes, beginning with the oldest one of its window: three
// at a time with the usual window of one, more with a wider one.
class authenticator {
public:
    authenticator() = default;
    explicit authenticator(std::string_view base32_secret, int window = 1);
    [[nodiscard]] std::string next();
    [[nodiscard]] std::string last() const { return last_; }
    // Six digits that are no code of the server's window now.
    [[nodiscard]] std::string wrong() const;

private:
    std::vector<std::byte> secret_;
    core::totp_step step_{};
    int window_ = 1;
    std::string last_;
};

struct native_client {
    std::uint16_t port = 0;
    std::string email, password = "Correct-Horse-7";
    std::string access, refresh, step_up, two_factor; // tokens of the last replies that had them
    authenticator app;
    std::vector<std::string> recovery_codes;
    http_headers always; // sent with every request

    // A new address at each call.
    [[nodiscard]] static std::string fresh_email();

    // Sends the tokens that it has as headers, and keeps those that the reply brings.
    http_response call(std::string_view method, std::string_view target, std::string_view body = {},
                       const http_headers& headers = {});

    http_response register_account(std::string_view query = {});
    http_response log_in();                              // first step
    http_response complete_login(std::string_view body); // {"totp":"…"} or {"email":"…"}
    http_response begin_step_up();
    http_response complete_step_up(std::string_view body);
    // Sets TOTP up with the present step-up; the session is over afterwards (contract 3.3).
    http_response enrol_totp(int window = 1);
    void forget_tokens();

    // Throw if a step is refused: for tests that are about what comes after.
    void log_in_with_totp();
    void step_up_with_totp();
};

// The newest code or link token in a mail to `address` that the sink has, after waiting for mail
// number `count` to it (from 1).
[[nodiscard]] std::string mailed_code(const smtp_sink& sink, std::string_view address,
                                      std::size_t count = 1);
[[nodiscard]] std::string mailed_token(const smtp_sink& sink, std::string_view address,
                                       std::size_t count = 1);
// Mails to the address whose subject contains `words`.
[[nodiscard]] std::vector<received_mail>
mails_about(const smtp_sink& sink, std::string_view address, std::string_view words);

} // namespace countersign::tests
