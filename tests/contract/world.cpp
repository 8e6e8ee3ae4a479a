#include "tests/contract/world.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <regex>
#include <stdexcept>
#include <thread>

namespace countersign::tests {

namespace {

constexpr int totp_window = 5;
constexpr std::chrono::seconds mail_patience{10};

server_settings with_defaults(server_settings settings, const smtp_sink& sink) {
    settings.try_emplace("mail.url", sink.url());
    // A busy disk must not fail tests that are about something else; chaos/ is about durability.
    settings.try_emplace("redis.durability", "everysec");
    settings.try_emplace("policy.mail_cooldown", "0");
    settings.try_emplace("policy.mails_per_hour", "1000");
    settings.try_emplace("policy.mails_per_day", "1000");
    settings.try_emplace("policy.totp_window", std::to_string(totp_window));
    return settings;
}

void require(const http_response& response, std::string_view what) {
    if (response.status == 200) return;
    throw std::runtime_error(std::string(what) + " was answered with " +
                             std::to_string(response.status) + " " + response.body);
}

bool is(const boost::json::value& value, kind expected) {
    switch (expected) {
    case kind::text:
        return value.is_string();
    case kind::number:
        return value.is_int64();
    case kind::boolean:
        return value.is_bool();
    case kind::array:
        return value.is_array();
    case kind::object:
        return value.is_object();
    case kind::null:
        return value.is_null();
    case kind::text_or_null:
        return value.is_string() || value.is_null();
    case kind::array_or_null:
        return value.is_array() || value.is_null();
    }
    return false;
}

} // namespace

world::world(server_settings settings)
    : server(COUNTERSIGN_PROGRAM, with_defaults(std::move(settings), sink)) {}

world& world::with(const server_settings& settings) {
    static std::map<server_settings, std::unique_ptr<world>> worlds;
    auto& found = worlds[settings];
    if (!found) found = std::make_unique<world>(settings);
    return *found;
}

world& world::without_email_factor() {
    return with({{"policy.email_factor_by_default", "false"}});
}

void restart_with(world& home, const server_settings& settings) {
    if (home.server.stop() != 0) throw std::runtime_error("the server did not stop in order");
    for (const auto& [name, value] : settings)
        home.server.set(name, value);
    home.server.start();
}

person::person(world& where) : home(&where) {
    port = where.server.port();
    email = fresh_email();
}

void person::sign_up() {
    require(register_account("?send-email=false"), "registering");
}

std::string person::next_code_for(const boost::json::object& reply) {
    const bool by_mail = text_in(reply, "preferredTwoFactorMethod") == "email";
    return boost::json::serialize(by_mail ? boost::json::object{{"email", next_mailed_code()}}
                                          : boost::json::object{{"totp", app.next()}});
}

void person::sign_in() {
    forget_tokens();
    const auto begun = log_in();
    require(begun, "logging in");
    const auto reply = json_of(begun);
    if (!reply.at("twoFactorRequired").as_bool()) return;
    require(complete_login(next_code_for(reply)), "the second factor");
    two_factor.clear();
}

void person::step_up_now() {
    const auto begun = begin_step_up();
    require(begun, "stepping up");
    const auto reply = json_of(begun);
    if (!reply.at("twoFactorRequired").as_bool()) return;
    require(complete_step_up(next_code_for(reply)), "the step-up's second factor");
    two_factor.clear();
}

void person::set_up_totp() {
    step_up_now();
    require(enrol_totp(totp_window), "enrolling");
    sign_in();
    step_up_now();
}

void person::expect_mail(std::string_view subject, std::size_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + mail_patience;
    while (mails_about(home->sink, email, subject).size() < count &&
           std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // Long enough for one mail too many to show.
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    EXPECT_EQ(mails_about(home->sink, email, subject).size(), count) << subject;
}

std::string person::next_mailed_code() {
    ++codes_read;
    const auto deadline = std::chrono::steady_clock::now() + mail_patience;
    for (;;) {
        const auto mails = mails_about(home->sink, email, "verification code");
        if (mails.size() >= codes_read)
            return find_six_digits(text_part(mails[codes_read - 1].data)).value();
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("no code came to " + email);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

std::string person::read_preferred() {
    return text_in(json_of(call("GET", "/api/users/me")), "preferredTwoFactorMethod");
}

std::vector<std::string> person::read_methods() {
    return texts_of(json_of(call("GET", "/api/users/me")).at("twoFactorMethods"));
}

person with_no_factor() {
    return with_email_only(world::without_email_factor());
}

person with_email_only(world& home) {
    person who(home);
    who.sign_up();
    who.sign_in();
    who.step_up_now();
    return who;
}

person with_totp_only(world& home) {
    person who(home);
    who.sign_up();
    who.sign_in();
    who.set_up_totp();
    return who;
}

person with_both(world& home) {
    return with_totp_only(home);
}

void wait_a_second() {
    std::this_thread::sleep_for(std::chrono::milliseconds(1'050));
}

void expect_shape(const boost::json::object& object, const shape& expected) {
    for (const auto& [name, type] : expected) {
        const auto* value = object.if_contains(name);
        if (value == nullptr)
            ADD_FAILURE() << name << " is missing in " << object;
        else
            EXPECT_TRUE(is(*value, type)) << name << " is of the wrong kind in " << object;
    }
    EXPECT_EQ(object.size(), expected.size()) << object;
}

const shape& principal_shape() {
    static const shape members{{"id", kind::text},
                               {"name", kind::text},
                               {"email", kind::text},
                               {"identityProviders", kind::array},
                               {"roles", kind::array},
                               {"emailVerified", kind::boolean},
                               {"lastActive", kind::text},
                               {"twoFactorAuthEnabled", kind::boolean},
                               {"preferredTwoFactorMethod", kind::text_or_null},
                               {"twoFactorMethods", kind::array},
                               {"avatar", kind::null},
                               {"createdAt", kind::text},
                               {"groups", kind::array}};
    return members;
}

boost::json::object expect_ok(const http_response& response, const shape& expected) {
    EXPECT_EQ(response.status, 200u) << response.body;
    if (response.status != 200) throw std::runtime_error("refused: " + response.body);
    EXPECT_EQ(response.header("Content-Type"), "application/json");
    auto body = json_of(response);
    expect_shape(body, expected);
    return body;
}

boost::json::object expect_principal(const http_response& response, const person& whose) {
    auto body = expect_ok(response, principal_shape());
    EXPECT_TRUE(std::regex_match(text_in(body, "id"), std::regex("user_[0-9a-f]{32}")));
    EXPECT_EQ(text_in(body, "email"), whose.email);
    EXPECT_EQ(text_in(body, "name"), whose.name);
    EXPECT_EQ(texts_of(body.at("identityProviders")), std::vector<std::string>{"password"});
    EXPECT_EQ(body.at("twoFactorAuthEnabled").as_bool(),
              !body.at("twoFactorMethods").as_array().empty());
    EXPECT_EQ(body.at("preferredTwoFactorMethod").is_null(),
              body.at("twoFactorMethods").as_array().empty());
    return body;
}

void expect_error(const http_response& response, unsigned status, std::string_view code) {
    EXPECT_EQ(response.status, status) << response.body;
    if (response.body.empty()) {
        ADD_FAILURE() << "no body with " << response.status << " where " << code << " is due";
        return;
    }
    EXPECT_EQ(response.header("Content-Type"), "application/json");
    const auto body = json_of(response);
    expect_shape(body, {{"timestamp", kind::text},
                        {"status", kind::number},
                        {"code", kind::text},
                        {"error", kind::text},
                        {"message", kind::text},
                        {"path", kind::text}});
    EXPECT_EQ(text_in(body, "code"), code) << response.body;
    EXPECT_EQ(body.at("status"), status);
    // Made once: this is asked of many thousand replies.
    static const std::regex timestamp(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)");
    static const std::regex word("[A-Z][A-Za-z]+");
    EXPECT_TRUE(std::regex_match(text_in(body, "timestamp"), timestamp)) << response.body;
    EXPECT_TRUE(std::regex_match(text_in(body, "error"), word)) << response.body;
    EXPECT_TRUE(text_in(body, "message").ends_with('.')) << response.body;
}

void expect_error_at(const http_response& response, unsigned status, std::string_view code,
                     std::string_view path) {
    expect_error(response, status, code);
    EXPECT_EQ(text_in(json_of(response), "path"), path);
}

std::string code_of(const http_response& response) {
    if (response.body.empty()) return "";
    const auto value = boost::json::parse(response.body);
    return value.is_object() ? text_in(value.get_object(), "code") : "";
}

std::vector<std::string> texts_of(const boost::json::value& array) {
    std::vector<std::string> texts;
    for (const auto& one : array.as_array())
        texts.emplace_back(one.as_string());
    return texts;
}

std::string cookie_field(const http_response& response, std::string_view name) {
    for (const auto& [field, value] : response.headers)
        if (field == "Set-Cookie" && value.starts_with(std::string(name) + "=")) return value;
    return "";
}

void expect_cookie(const http_response& response, std::string_view name, std::string_view value,
                   int life_seconds) {
    EXPECT_EQ(cookie_field(response, name),
              std::string(name) + "=" + std::string(value) + "; Path=/; Max-Age=" +
                  std::to_string(life_seconds) + "; HttpOnly; SameSite=Strict");
}

http_headers credentials_of(const person& who) {
    http_headers headers;
    if (!who.access.empty()) headers.emplace_back("Authorization", "Bearer " + who.access);
    if (!who.step_up.empty()) headers.emplace_back("X-Step-Up-Token", who.step_up);
    if (!who.two_factor.empty())
        headers.emplace_back("X-Two-Factor-Authentication-Token", who.two_factor);
    return headers;
}

void expect_not_modified(const person& who, std::string_view method, std::string_view target,
                         std::string_view body) {
    http_connection connection(who.port);
    const auto response = connection.request(method, target, credentials_of(who), body);
    EXPECT_EQ(response.status, 304u) << response.body;
    EXPECT_EQ(response.header("Content-Type"), std::nullopt);
    EXPECT_EQ(response.header("Transfer-Encoding"), std::nullopt);
    EXPECT_EQ(response.header("Content-Length").value_or("0"), "0");
    // Were there content, it would be taken for the beginning of the next reply.
    EXPECT_EQ(connection.request("GET", "/health/ready").status, 200u);
}

} // namespace countersign::tests
