#include "tests/support/native_client.hpp"

#include "core/crypto/encoding.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace countersign::tests {

namespace {

core::unix_time now() {
    return std::chrono::time_point_cast<core::milliseconds>(std::chrono::system_clock::now());
}

std::string json_text(const boost::json::object& object) {
    return boost::json::serialize(object);
}

void require(const http_response& response, unsigned status, std::string_view what) {
    if (response.status != status)
        throw std::runtime_error(std::string(what) + " was answered with " +
                                 std::to_string(response.status) + " " + response.body);
}

constexpr std::chrono::seconds mail_patience{10};

// The codes and links among the mails to an address, in the order of arrival.
template <typename Find>
std::string nth_find(const smtp_sink& sink, std::string_view address, std::size_t count,
                     Find find) {
    const auto deadline = std::chrono::steady_clock::now() + mail_patience;
    for (;;) {
        std::vector<std::string> found;
        for (const auto& mail : sink.mails())
            if (mail.to == address)
                if (auto piece = find(text_part(mail.data))) found.push_back(*piece);
        if (found.size() >= count) return found.back();
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("only " + std::to_string(found.size()) + " mails of " +
                                     std::to_string(count) + " came to " + std::string(address));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

} // namespace

boost::json::object json_of(const http_response& response) {
    boost::system::error_code error;
    auto value = boost::json::parse(response.body, error);
    if (error || !value.is_object())
        throw std::runtime_error("not a JSON object: " + response.body);
    return value.as_object();
}

std::string text_in(const boost::json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

authenticator::authenticator(std::string_view base32_secret, int window) : window_(window) {
    auto decoded = core::from_base32(base32_secret);
    if (!decoded) throw std::runtime_error("not base32: " + std::string(base32_secret));
    secret_ = *std::move(decoded);
}

std::string authenticator::next() {
    const core::totp_parameters parameters;
    const auto oldest = core::step_at(now(), parameters).value - window_;
    step_.value = std::max(step_.value + 1, oldest);
    while (step_.value > core::step_at(now(), parameters).value + window_)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    last_ = core::totp_code(secret_, parameters, step_);
    return last_;
}

std::string authenticator::wrong() const {
    for (int candidate = 0;; ++candidate) {
        auto digits = std::to_string(candidate);
        digits.insert(0, 6 - digits.size(), '0');
        // The window may move while the code is on its way.
        if (!core::matching_step(secret_, {}, digits, now(), window_ + 2)) return digits;
    }
}

std::string native_client::fresh_email() {
    static std::atomic<int> number{0};
    return "user" + std::to_string(::getpid()) + "-" + std::to_string(++number) + "@example.org";
}

http_response native_client::call(std::string_view method, std::string_view target,
                                  std::string_view body, const http_headers& headers) {
    auto all = headers;
    all.insert(all.end(), always.begin(), always.end());
    if (!access.empty()) all.emplace_back("Authorization", "Bearer " + access);
    if (!step_up.empty()) all.emplace_back("X-Step-Up-Token", step_up);
    if (!two_factor.empty()) all.emplace_back("X-Two-Factor-Authentication-Token", two_factor);
    auto response = http_request(port, method, target, all, body);
    boost::system::error_code error;
    const auto value = boost::json::parse(response.body, error);
    if (!error && value.is_object()) {
        const auto& object = value.get_object();
        const auto keep = [&](std::string& token, std::string_view name) {
            if (auto text = text_in(object, name); !text.empty()) token = std::move(text);
        };
        keep(access, "accessToken");
        keep(refresh, "refreshToken");
        keep(step_up, "stepUpToken");
        keep(two_factor, "twoFactorAuthenticationToken");
    }
    return response;
}

http_response native_client::register_account(std::string_view query) {
    if (email.empty()) email = fresh_email();
    return call("POST", "/api/auth/register" + std::string(query),
                json_text({{"email", email}, {"password", password}, {"name", "Test Person"}}));
}

http_response native_client::log_in() {
    return call("POST", "/api/auth/login", json_text({{"email", email}, {"password", password}}));
}

http_response native_client::complete_login(std::string_view body) {
    return call("POST", "/api/auth/2fa/login", body);
}

http_response native_client::begin_step_up() {
    return call("POST", "/api/auth/step-up", json_text({{"password", password}}));
}

http_response native_client::complete_step_up(std::string_view body) {
    return call("POST", "/api/auth/2fa/step-up", body);
}

http_response native_client::enrol_totp(int window) {
    const auto begun = call("GET", "/api/auth/2fa/totp/setup");
    require(begun, 200, "beginning TOTP");
    const auto material = json_of(begun);
    app = authenticator(text_in(material, "secret"), window);
    recovery_codes.clear();
    for (const auto& code : material.at("recoveryCodes").as_array())
        recovery_codes.emplace_back(code.as_string());
    return call("POST", "/api/auth/2fa/totp/setup",
                json_text({{"token", text_in(material, "token")}, {"code", app.next()}}));
}

void native_client::forget_tokens() {
    access.clear();
    refresh.clear();
    step_up.clear();
    two_factor.clear();
}

void native_client::log_in_with_totp() {
    forget_tokens();
    require(log_in(), 200, "logging in");
    require(complete_login(json_text({{"totp", app.next()}})), 200, "the second factor");
    two_factor.clear();
}

void native_client::step_up_with_totp() {
    require(begin_step_up(), 200, "stepping up");
    require(complete_step_up(json_text({{"totp", app.next()}})), 200, "the step-up's factor");
    two_factor.clear();
}

std::string mailed_code(const smtp_sink& sink, std::string_view address, std::size_t count) {
    return nth_find(sink, address, count, find_six_digits);
}

std::string mailed_token(const smtp_sink& sink, std::string_view address, std::size_t count) {
    return nth_find(sink, address, count, find_token);
}

std::vector<received_mail> mails_about(const smtp_sink& sink, std::string_view address,
                                       std::string_view words) {
    std::vector<received_mail> found;
    for (auto& mail : sink.mails())
        if (mail.to == address && header(mail.data, "Subject").find(words) != std::string::npos)
            found.push_back(std::move(mail));
    return found;
}

} // namespace countersign::tests
