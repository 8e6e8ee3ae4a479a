// A server with a mailbox, and people with accounts on it: where attack and chaos tests begin.
#pragma once

#include "tests/support/native_client.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/smtp_sink.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

// Unless the test says otherwise: no second factor at registration, a wide TOTP window, so that a
// test need not wait for codes, and mails without a cooldown or a budget to speak of.
class scene {
public:
    explicit scene(const std::filesystem::path& program, server_settings settings = {});

    // Logged in and stepped up, with the factors named.
    [[nodiscard]] native_client person() const;
    [[nodiscard]] native_client person_with_totp() const;
    [[nodiscard]] native_client person_with_email() const;

    // One person several times: each holds a pending login or step-up of its own.
    [[nodiscard]] std::vector<native_client> pending_logins(const native_client& who,
                                                            std::size_t count) const;
    [[nodiscard]] std::vector<native_client> pending_step_ups(const native_client& who,
                                                              std::size_t count) const;

    // Asks for a code by mail with the tokens that `who` has, and returns it.
    [[nodiscard]] std::string ask_for_code(native_client& who) const;
    // The code in the mail number `count` (from 1) with a code to this address, once it is there.
    [[nodiscard]] std::string code_mail(std::string_view address, std::size_t count) const;
    // How many such mails are there now.
    [[nodiscard]] std::size_t code_mails(std::string_view address) const;

    smtp_sink sink;
    server_process server;
};

// Steps either side of now whose codes a scene's people use; the server takes more, so that no code
// is too old when it arrives.
inline constexpr int scene_totp_window = 8;

[[nodiscard]] std::string totp_body(std::string_view code);
[[nodiscard]] std::string email_body(std::string_view code);
[[nodiscard]] std::string code_body(std::string_view code);
// The `code` of an error reply, or "".
[[nodiscard]] std::string error_code_of(const http_response& response);

} // namespace countersign::tests
