#include "tests/support/scene.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace countersign::tests {

namespace {

constexpr std::string_view code_subject = "verification code";
constexpr std::chrono::seconds mail_patience{15};

server_settings with_defaults(server_settings settings, const smtp_sink& sink) {
    settings.try_emplace("mail.url", sink.url());
    settings.try_emplace("mail.workers", "1"); // mails arrive in the order in which they were made
    settings.try_emplace("policy.email_factor_by_default", "false");
    settings.try_emplace("policy.totp_window", "10");
    settings.try_emplace("policy.mail_cooldown", "0");
    settings.try_emplace("policy.mails_per_hour", "100000");
    settings.try_emplace("policy.mails_per_day", "100000");
    return settings;
}

void require_ok(const http_response& response, std::string_view what) {
    if (response.status != 200)
        throw std::runtime_error(std::string(what) + ": " + std::to_string(response.status) + " " +
                                 response.body);
}

std::string body_with(std::string_view name, std::string_view code) {
    return boost::json::serialize(boost::json::object{{name, code}});
}

} // namespace

scene::scene(const std::filesystem::path& program, server_settings settings)
    : server(program, with_defaults(std::move(settings), sink)) {}

native_client scene::person() const {
    native_client who{.port = server.port()};
    require_ok(who.register_account("?send-email=false"), "registering");
    require_ok(who.log_in(), "logging in");
    require_ok(who.begin_step_up(), "stepping up");
    return who;
}

native_client scene::person_with_totp() const {
    auto who = person();
    require_ok(who.enrol_totp(scene_totp_window), "enrolling");
    who.log_in_with_totp();
    who.step_up_with_totp();
    return who;
}

native_client scene::person_with_email() const {
    auto who = person();
    require_ok(who.call("POST", "/api/auth/2fa/email/enable", code_body(ask_for_code(who))),
               "enabling e-mail");
    require_ok(who.begin_step_up(), "stepping up");
    require_ok(who.complete_step_up(email_body(code_mail(who.email, 2))), "the step-up's factor");
    who.two_factor.clear();
    return who;
}

std::vector<native_client> scene::pending_logins(const native_client& who,
                                                 std::size_t count) const {
    std::vector<native_client> pending(count, who);
    for (auto& one : pending) {
        one.forget_tokens();
        require_ok(one.log_in(), "logging in");
    }
    return pending;
}

std::vector<native_client> scene::pending_step_ups(const native_client& who,
                                                   std::size_t count) const {
    std::vector<native_client> pending(count, who);
    for (auto& one : pending)
        require_ok(one.begin_step_up(), "stepping up");
    return pending;
}

std::string scene::ask_for_code(native_client& who) const {
    const auto before = code_mails(who.email);
    require_ok(who.call("POST", "/api/auth/2fa/email/send"), "asking for a code");
    return code_mail(who.email, before + 1);
}

std::string scene::code_mail(std::string_view address, std::size_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + mail_patience;
    for (;;) {
        const auto mails = mails_about(sink, address, code_subject);
        if (mails.size() >= count)
            return find_six_digits(text_part(mails[count - 1].data)).value_or("");
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("no mail with a code came to " + std::string(address));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

std::size_t scene::code_mails(std::string_view address) const {
    return mails_about(sink, address, code_subject).size();
}

std::string totp_body(std::string_view code) {
    return body_with("totp", code);
}

std::string email_body(std::string_view code) {
    return body_with("email", code);
}

std::string code_body(std::string_view code) {
    return body_with("code", code);
}

std::string error_code_of(const http_response& response) {
    boost::system::error_code error;
    const auto value = boost::json::parse(response.body, error);
    return !error && value.is_object() ? text_in(value.get_object(), "code") : "";
}

} // namespace countersign::tests
