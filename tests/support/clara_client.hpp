// A person with a mailbox who uses the Clara API, and the two API keys of its clients.
#pragma once

#include "tests/support/http_client.hpp"
#include "tests/support/native_client.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/smtp_sink.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace countersign::tests {

inline constexpr std::string_view clara_public_key =
    "5b0d2f8c61a94e7fb3c80d1e92a7465f5b0d2f8c61a94e7fb3c80d1e92a7465f";
inline constexpr std::string_view clara_private_key =
    "e91c47d03b8a4f62917cd5a0f38b264ee91c47d03b8a4f62917cd5a0f38b264e";
inline constexpr std::string_view clara_token_prefix = "crazi_couser_";

// What a server needs to serve Clara beside the other families.
[[nodiscard]] server_settings with_clara(server_settings more = {});

// `Basic` credentials (RFC 7617).
[[nodiscard]] std::string basic_credentials(std::string_view address, std::string_view password);

struct clara_client {
    std::uint16_t port = 0;
    const smtp_sink* mailbox = nullptr;
    std::string email, password = "correct horse battery"; // no rule about kinds of characters
    std::string first_name = "Ada", last_name = "Lovelace";
    std::string id, token; // of the last reply that had them
    http_headers always;   // sent with every request

    clara_client() = default;
    clara_client(std::uint16_t server, const smtp_sink& mails);

    // `target` is below /api/v1. An empty `authorization` sends none.
    http_response call(std::string_view method, std::string_view target,
                       std::string_view authorization, std::string_view body = {});
    http_response as_user(std::string_view method, std::string_view target,
                          std::string_view body = {});
    http_response as_client(std::string_view method, std::string_view target,
                            std::string_view body = {}); // with the public key
    http_response as_administrator(std::string_view method, std::string_view target,
                                   std::string_view body = {}); // with the private key

    [[nodiscard]] std::string by_id(std::string_view rest = {}) const;    // "/users/<id><rest>"
    [[nodiscard]] std::string by_email(std::string_view rest = {}) const; // "/users/<email><rest>"
    [[nodiscard]] std::string bearer() const { return "Bearer " + token; }
    [[nodiscard]] std::string basic() const { return basic_credentials(email, password); }

    http_response register_account();
    http_response log_in(std::string_view body = {});
    http_response log_in_with(std::string_view code);
    http_response ask_for_code(std::string_view type); // the contract's otp_type
    // The code of the next mail whose subject contains `subject`, each once.
    [[nodiscard]] std::string next_code(std::string_view subject);
    [[nodiscard]] std::string two_factor_code(); // asks for it, and waits for it

    // Throw if a step is refused: for tests that are about what comes after.
    void sign_up();
    void activate_now();
    void enable_two_factor();
    [[nodiscard]] boost::json::object read(); // the user object
    [[nodiscard]] native_client as_native() const;

private:
    std::map<std::string, std::size_t, std::less<>> codes_read_; // by subject
};

// Registered, active, signed in.
[[nodiscard]] clara_client active_clara_client(std::uint16_t server, const smtp_sink& mails);

[[nodiscard]] std::string clara_code(std::string_view code); // {"code":"…"}

} // namespace countersign::tests
