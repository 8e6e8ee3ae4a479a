#include "tests/support/account_holder.hpp"

#include "store/managed_redis.hpp"
#include "tests/support/stored_accounts.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::string_view code_subject = "verification code";
constexpr std::chrono::seconds mail_patience{15};

void require(const http_response& response, unsigned status, std::string_view what) {
    if (response.status != status)
        throw std::runtime_error(std::string(what) + " was answered with " +
                                 std::to_string(response.status) + " " + response.body);
}

std::string member(std::string_view name, std::string_view value) {
    return "{\"" + std::string(name) + "\":\"" + std::string(value) + "\"}";
}

} // namespace

server_settings with_all_families(server_settings more) {
    more.try_emplace("policy.email_factor_by_default", "false");
    more.try_emplace("policy.totp_window", std::to_string(holder_totp_window + 2));
    more.try_emplace("mail.workers", "1"); // mails arrive in the order in which they were made
    more.try_emplace("policy.mail_cooldown", "0");
    more.try_emplace("policy.mails_per_hour", "100000");
    more.try_emplace("policy.mails_per_day", "100000");
    return with_clara(std::move(more));
}

account_holder::account_holder(const server_process& where, const smtp_sink& mails,
                               std::string service_key)
    : server(&where), mailbox(&mails), clara(where.port(), mails),
      backend{.port = where.port(), .key = std::move(service_key)} {
    clara.password = password;
    clara.sign_up();
    clara.activate_now();
    id = clara.id;
    email = clara.email;
    native = clara.as_native();
    slugbase.port = where.port();
    slugbase.email = email;
    slugbase.password = password;
    slugbase.window = holder_totp_window;
}

// The native API mails the code itself where mail is preferred.
void account_holder::sign_in_natively() {
    native.forget_tokens();
    native.password = password;
    answer([this] { return native.log_in(); },
           [this](const std::string& body) { return native.complete_login(body); });
}

void account_holder::step_up_natively() {
    answer([this] { return native.begin_step_up(); },
           [this](const std::string& body) { return native.complete_step_up(body); });
}

void account_holder::answer(const std::function<http_response()>& begin,
                            const std::function<http_response(const std::string&)>& complete) {
    const auto mails_before = mails(code_subject);
    const auto begun = begin();
    require(begun, 200, "the password");
    const auto reply = json_of(begun);
    if (!reply.at("twoFactorRequired").as_bool()) return;
    const bool by_mail = text_in(reply, "preferredTwoFactorMethod") == "email";
    require(complete(by_mail ? member("email", mailed_after(code_subject, mails_before))
                             : member("totp", app.next())),
            200, "the second factor");
    native.two_factor.clear();
}

void account_holder::sign_in_at_slugbase() {
    slugbase = slugbase.elsewhere();
    slugbase.password = password;
    require(slugbase.log_in(), 200, "logging in");
    if (slugbase.cookies.contains("slugbase.mfa_pending"))
        require(slugbase.verify(next_code()), 200, "the code");
    slugbase.take_csrf_token();
}

void account_holder::sign_in_at_clara() {
    clara.password = password;
    auto entered = clara.log_in();
    if (entered.status == 401) entered = clara.log_in_with(next_code());
    require(entered, 200, "logging in at Clara");
}

native_client account_holder::pending_native_login() const {
    auto half = native;
    half.forget_tokens();
    half.password = password;
    begin_login([&half] { return half.log_in(); });
    if (half.two_factor.empty()) throw std::runtime_error("no login is pending");
    return half;
}

slugbase_client account_holder::pending_slugbase_login() const {
    auto half = slugbase.elsewhere();
    half.password = password;
    begin_login([&half] { return half.log_in(); });
    if (!half.cookies.contains("slugbase.mfa_pending"))
        throw std::runtime_error("no login is pending");
    return half;
}

void account_holder::begin_login(const std::function<http_response()>& log_in) const {
    const auto before = mails(code_subject);
    const auto begun = log_in();
    require(begun, 200, "logging in");
    // A code that comes later would be taken for the next one.
    if (text_in(json_of(begun), "preferredTwoFactorMethod") == "email")
        (void)mailed_after(code_subject, before);
}

void account_holder::enrol_totp() {
    require(native.enrol_totp(holder_totp_window), 200, "enrolling");
    app = native.app;
    backup_codes = native.recovery_codes;
}

void account_holder::enable_email_factor() {
    require(clara.as_user("POST", clara.by_id("/2fa"), clara_code(mailed_code())), 200,
            "enabling the e-mail factor");
}

void account_holder::enable_email_factor_at_service() {
    require(backend.put(id, {{"emailFactor", true}}), 200, "enabling the e-mail factor");
}

std::string account_holder::next_code() {
    return backup_codes.empty() ? mailed_code() : app.next();
}

std::string account_holder::mailed_code() const {
    return mailed_code_of(code_subject, [this] {
        require(clara_client(clara).ask_for_code("TWO_FACTOR_AUTH"), 201, "asking for a code");
    });
}

std::string account_holder::mailed_code_of(std::string_view words,
                                           const std::function<void()>& act) const {
    const auto before = mails(words);
    act();
    return mailed_after(words, before);
}

std::string account_holder::mailed_after(std::string_view words, std::size_t before) const {
    const auto deadline = std::chrono::steady_clock::now() + mail_patience;
    for (;;) {
        const auto now = mails_about(*mailbox, email, words);
        if (now.size() > before) return find_six_digits(text_part(now.back().data)).value();
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("no code came to " + email);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

std::size_t account_holder::mails(std::string_view words) const {
    return mails_about(*mailbox, email, words).size();
}

std::string account_holder::stored() const {
    const auto all =
        stored_accounts(store::managed_redis_address(server->data_dir() / "data" / "redis"));
    for (const auto& [key, fields] : all)
        if (key.ends_with(":account:" + id)) return fields;
    return "";
}

} // namespace countersign::tests
