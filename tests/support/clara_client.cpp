#include "tests/support/clara_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <utility>

namespace countersign::tests {

namespace {

constexpr std::chrono::seconds mail_patience{10};

void require(const http_response& response, unsigned status, std::string_view what) {
    if (response.status != status)
        throw std::runtime_error(std::string(what) + " was answered with " +
                                 std::to_string(response.status) + " " + response.body);
}

std::string to_base64(std::string_view bytes) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t begin = 0; begin < bytes.size(); begin += 3) {
        const auto group = bytes.substr(begin, 3);
        unsigned bits = 0;
        for (std::size_t index = 0; index < 3; ++index)
            bits =
                bits << 8 | (index < group.size() ? static_cast<unsigned char>(group[index]) : 0u);
        for (std::size_t index = 0; index < 4; ++index)
            text += index <= group.size() ? alphabet[bits >> (18 - 6 * index) & 63] : '=';
    }
    return text;
}

} // namespace

server_settings with_clara(server_settings more) {
    more.try_emplace("api.families", "singularity,slugbase,clara,service");
    more.try_emplace("clara.public_key", clara_public_key);
    more.try_emplace("clara.private_key", clara_private_key);
    return more;
}

std::string basic_credentials(std::string_view address, std::string_view password) {
    return "Basic " + to_base64(std::string(address) + ":" + std::string(password));
}

std::string clara_code(std::string_view code) {
    return boost::json::serialize(boost::json::object{{"code", code}});
}

clara_client::clara_client(std::uint16_t server, const smtp_sink& mails)
    : port(server), mailbox(&mails), email(native_client::fresh_email()) {}

http_response clara_client::call(std::string_view method, std::string_view target,
                                 std::string_view authorization, std::string_view body) {
    auto headers = always;
    if (!authorization.empty()) headers.emplace_back("Authorization", authorization);
    auto response = http_request(port, method, "/api/v1" + std::string(target), headers, body);
    boost::system::error_code error;
    const auto value = boost::json::parse(response.body, error);
    if (error || !value.is_object()) return response;
    const auto* data = value.get_object().if_contains("data");
    if (data == nullptr || !data->is_object() || !data->get_object().contains("token"))
        return response;
    token = text_in(data->get_object(), "token");
    id = text_in(data->get_object(), "id");
    return response;
}

http_response clara_client::as_user(std::string_view method, std::string_view target,
                                    std::string_view body) {
    return call(method, target, bearer(), body);
}

http_response clara_client::as_client(std::string_view method, std::string_view target,
                                      std::string_view body) {
    return call(method, target, clara_public_key, body);
}

http_response clara_client::as_administrator(std::string_view method, std::string_view target,
                                             std::string_view body) {
    return call(method, target, clara_private_key, body);
}

std::string clara_client::by_id(std::string_view rest) const {
    return "/users/" + id + std::string(rest);
}

std::string clara_client::by_email(std::string_view rest) const {
    return "/users/" + email + std::string(rest);
}

http_response clara_client::register_account() {
    return as_client("POST", "/auth/register",
                     boost::json::serialize(boost::json::object{{"first_name", first_name},
                                                                {"last_name", last_name},
                                                                {"email", email},
                                                                {"password", password}}));
}

http_response clara_client::log_in(std::string_view body) {
    return call("POST", "/auth/session", basic(), body);
}

http_response clara_client::log_in_with(std::string_view code) {
    return log_in(clara_code(code));
}

http_response clara_client::ask_for_code(std::string_view type) {
    return as_client("POST", by_email("/otp/" + std::string(type)));
}

std::string clara_client::next_code(std::string_view subject) {
    auto& read = codes_read_[std::string(subject)];
    const auto deadline = std::chrono::steady_clock::now() + mail_patience;
    for (;;) {
        const auto mails = mails_about(*mailbox, email, subject);
        if (mails.size() > read) return find_six_digits(text_part(mails[read++].data)).value();
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("no code came to " + email + ": " + std::string(subject));
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

std::string clara_client::two_factor_code() {
    require(ask_for_code("TWO_FACTOR_AUTH"), 201, "asking for a code");
    return next_code("verification code");
}

void clara_client::sign_up() {
    require(register_account(), 201, "registering");
}

void clara_client::activate_now() {
    const auto code = next_code("Confirm your");
    require(as_client("POST", by_email("/activate"), clara_code(code)), 200, "activating");
}

void clara_client::enable_two_factor() {
    require(as_user("POST", by_id("/2fa"), clara_code(two_factor_code())), 200, "enabling 2FA");
}

boost::json::object clara_client::read() {
    const auto response = as_administrator("GET", by_id());
    require(response, 200, "reading the user");
    return json_of(response).at("data").as_object();
}

native_client clara_client::as_native() const {
    native_client same;
    same.port = port;
    same.email = email;
    same.password = password;
    return same;
}

clara_client active_clara_client(std::uint16_t server, const smtp_sink& mails) {
    clara_client who(server, mails);
    who.sign_up();
    who.activate_now();
    return who;
}

} // namespace countersign::tests
