// One person at the doors of all four API families: one account, one authenticator app, one
// mailbox, and a client of each API.
#pragma once

#include "tests/support/clara_client.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/native_client.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/service_client.hpp"
#include "tests/support/slugbase_client.hpp"
#include "tests/support/smtp_sink.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// Steps either side of now whose codes holders use; their servers take more (policy.totp_window),
// so that no code is too old when it arrives.
inline constexpr int holder_totp_window = 8;

// What a server needs for holders: every family, no second factor but what a test turns on, a wide
// TOTP window, mails without a cooldown or a budget to speak of.
[[nodiscard]] server_settings with_all_families(server_settings more = {});

struct account_holder {
    // A new account, made at Clara: the address is proved, there is no second factor, no session
    // but Clara's. `service_key` has every scope.
    account_holder(const server_process& where, const smtp_sink& mails, std::string service_key);

    const server_process* server;
    const smtp_sink* mailbox;
    std::string id, email, password = "Correct-Horse-7"; // `id` names it as a subject, too
    authenticator app;
    std::vector<std::string> backup_codes; // none: there is no app

    native_client native;     // a browser or program of the native API
    slugbase_client slugbase; // the same of the slugbase API
    clara_client clara;       // the same of the Clara API, which is signed in first
    service_client backend;

    // Each throws if a step is refused, and answers with next_code() where one is asked for.
    void sign_in_natively();
    void step_up_natively();
    void sign_in_at_slugbase();
    void sign_in_at_clara();
    // A pending login, as the native client and the slugbase client hold one: no session, no other
    // token.
    [[nodiscard]] native_client pending_native_login() const;
    [[nodiscard]] slugbase_client pending_slugbase_login() const;
    // Native TOTP set-up with the step-up at hand; every session is over afterwards (native
    // contract section 3.3).
    void enrol_totp();
    // At Clara; every session but Clara's is over afterwards.
    void enable_email_factor();
    void enable_email_factor_at_service(); // ends every session

    // The app's next code where there is an app, or else a mailed one.
    [[nodiscard]] std::string next_code();
    // Asks for a second-factor code by mail, and returns it.
    [[nodiscard]] std::string mailed_code() const;
    // The code of the next mail whose subject has these words and that `act` causes.
    [[nodiscard]] std::string mailed_code_of(std::string_view words,
                                             const std::function<void()>& act) const;
    // How many mails with these words in their subject are there now.
    [[nodiscard]] std::size_t mails(std::string_view words) const;

    // The account as it is stored, its version too: equal texts mean that nothing was committed.
    [[nodiscard]] std::string stored() const;

private:
    // Two native steps: the password, and the code that it asks for.
    void answer(const std::function<http_response()>& begin,
                const std::function<http_response(const std::string&)>& complete);
    // Lets the mail that a login causes arrive.
    void begin_login(const std::function<http_response()>& log_in) const;
    // The newest code, once there are more mails than `before`.
    [[nodiscard]] std::string mailed_after(std::string_view words, std::size_t before) const;
};

} // namespace countersign::tests
