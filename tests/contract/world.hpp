// What the native family's tests share: a running server with a real Redis and a real mailbox, the
// people who use it, and the shapes of the contract's replies (contracts of sections 3.2 to 3.4).
#pragma once

#include "tests/support/native_client.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/smtp_sink.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::tests {

// A server that mails to a sink. Unless the settings say otherwise, there is no cooldown, mails are
// as good as unlimited, and the TOTP window is wide enough for eleven codes at a time.
class world {
public:
    explicit world(server_settings settings);

    // The world with these settings, started when it is first asked for, until the process ends.
    static world& with(const server_settings& settings = {});
    // A new account has no second factor there.
    static world& without_email_factor();

    smtp_sink sink;
    server_process server;
};

// Stops the server in order and starts it with these settings beside its own.
void restart_with(world& home, const server_settings& settings);

struct person : native_client {
    explicit person(world& home);

    world* home;
    std::string name = "Test Person";
    std::size_t codes_read = 0;

    // The steps; each throws if it is refused.
    void sign_up();     // without the verification mail
    void sign_in();     // with whatever second factor the account prefers
    void step_up_now(); // the same
    void set_up_totp(); // steps up, enrols, and signs in again
    void expect_mail(std::string_view subject, std::size_t count) const;
    // The body that completes what `reply` left pending, by its preferred method.
    [[nodiscard]] std::string next_code_for(const boost::json::object& reply);
    [[nodiscard]] std::string next_mailed_code(); // each mail once, in the order of arrival
    [[nodiscard]] std::string read_preferred();   // as GET /api/users/me says; "" if none
    [[nodiscard]] std::vector<std::string> read_methods();
};

// Signed up, signed in and stepped up, in a world of their own liking.
[[nodiscard]] person with_no_factor(); // in world::without_email_factor()
[[nodiscard]] person with_email_only(world& home = world::with());
[[nodiscard]] person with_totp_only(world& home = world::without_email_factor());
[[nodiscard]] person with_both(world& home = world::with());

// A setting's time to pass: token lives and the like are whole seconds.
void wait_a_second();

enum class kind { text, number, boolean, array, object, null, text_or_null, array_or_null };
using shape = std::vector<std::pair<std::string_view, kind>>;
// Exactly these members, of these kinds.
void expect_shape(const boost::json::object& object, const shape& expected);
[[nodiscard]] const shape& principal_shape();

// 200 with a JSON object of the shape.
boost::json::object expect_ok(const http_response& response, const shape& expected);
// A principal, of this person. Returns it.
boost::json::object expect_principal(const http_response& response, const person& whose);
// The error body of contract section 3.2, and that its message is a sentence.
void expect_error(const http_response& response, unsigned status, std::string_view code);
void expect_error_at(const http_response& response, unsigned status, std::string_view code,
                     std::string_view path);
[[nodiscard]] std::string code_of(const http_response& response);
[[nodiscard]] std::vector<std::string> texts_of(const boost::json::value& array);
// The whole Set-Cookie field for a cookie; "" if there is none.
[[nodiscard]] std::string cookie_field(const http_response& response, std::string_view name);
// A Set-Cookie field with all the attributes that the contract names (section 3.1).
void expect_cookie(const http_response& response, std::string_view name, std::string_view value,
                   int life_seconds);
// One request on a kept connection, which must still be in step afterwards: a 304 has no content.
void expect_not_modified(const person& who, std::string_view method, std::string_view target,
                         std::string_view body = {});
[[nodiscard]] http_headers credentials_of(const person& who);

} // namespace countersign::tests
