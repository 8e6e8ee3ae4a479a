#include "tests/support/service_client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace countersign::tests {

namespace {

// The standard output of `countersign key …`. The words need no quoting.
std::string key_command(const std::filesystem::path& program, const server_process& server,
                        const std::string& words) {
    auto line = program.string() + " key " + words;
    for (const auto& option : server.data_options())
        line += " " + option;
    std::FILE* out = ::popen(line.c_str(), "r"); // NOLINT(cert-env33-c): a test's own words
    if (out == nullptr) throw std::runtime_error("cannot run " + line);
    std::string text;
    for (std::array<char, 256> piece{};
         std::fgets(piece.data(), static_cast<int>(piece.size()), out) != nullptr;)
        text += piece.data();
    if (::pclose(out) != 0) throw std::runtime_error(line + " failed");
    return text;
}

std::string id_of(const std::string& listing, const std::string& name) {
    std::istringstream lines(listing);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string id, found;
        if (words >> id >> found; found == name) return id;
    }
    throw std::runtime_error("the service key " + name + " is not listed");
}

void require(const http_response& response, unsigned status, std::string_view what) {
    if (response.status != status)
        throw std::runtime_error(std::string(what) + " was answered with " +
                                 std::to_string(response.status) + " " + response.body);
}

std::string next_name(std::string_view prefix) {
    static std::atomic<int> number{0};
    return std::string(prefix) + std::to_string(::getpid()) + "-" + std::to_string(++number);
}

std::string put_fresh(const service_client& client, bool email_factor) {
    auto subject = service_client::fresh_subject();
    require(client.put(subject, {{"email", address_of(subject)}, {"emailFactor", email_factor}}),
            201, "creating a subject");
    return subject;
}

} // namespace

made_service_key make_service_key(const std::filesystem::path& program,
                                  const server_process& server, std::string_view scopes) {
    const auto name = next_name("test");
    auto key =
        key_command(program, server, "create --name=" + name + " --scopes=" + std::string(scopes));
    key.erase(key.find_last_not_of('\n') + 1);
    return {id_of(key_command(program, server, "list"), name), key};
}

void revoke_service_key(const std::filesystem::path& program, const server_process& server,
                        const std::string& id) {
    (void)key_command(program, server, "revoke " + id);
}

std::string service_client::fresh_subject() {
    return next_name("acme");
}

std::string address_of(std::string_view subject) {
    return std::string(subject) + "@example.org";
}

std::string service_client::path_of(std::string_view subject) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string path = "/api/service/v1/subjects/";
    for (const char character : subject) {
        const auto byte = static_cast<unsigned char>(character);
        if (std::isalnum(byte) != 0 || character == '-' || character == '_') {
            path += character;
        } else {
            path += '%';
            path += digits[byte / 16];
            path += digits[byte % 16];
        }
    }
    return path;
}

http_headers service_client::credentials() const {
    return {{"Authorization", "Bearer " + key}};
}

http_response service_client::call(std::string_view method, std::string_view target,
                                   std::string_view body, const http_headers& headers) const {
    auto all = headers;
    for (auto& one : credentials())
        all.push_back(std::move(one));
    return http_request(port, method, target, all, body);
}

http_response service_client::about(std::string_view subject, std::string_view method,
                                    std::string_view rest, std::string_view body) const {
    return call(method, path_of(subject) + std::string(rest), body);
}

http_response service_client::put(std::string_view subject, const boost::json::object& body) const {
    return about(subject, "PUT", {}, boost::json::serialize(body));
}

http_response service_client::verify(std::string_view subject, std::string_view code) const {
    return about(subject, "POST", "/verifications",
                 boost::json::serialize(boost::json::object{{"code", code}}));
}

http_response service_client::open_session(std::string_view subject, std::string_view body) const {
    return about(subject, "POST", "/sessions", body);
}

http_response service_client::import(std::string_view lines, const http_headers& headers) const {
    auto all = headers;
    all.emplace_back("Content-Type", "application/x-ndjson");
    return call("POST", "/api/service/v1/imports", lines, all);
}

std::string service_client::subject_without_factors() const {
    return put_fresh(*this, false);
}

std::string service_client::subject_with_email() const {
    return put_fresh(*this, true);
}

enrolled_app service_client::enrol(std::string_view subject, int window) const {
    const auto begun = about(subject, "POST", "/totp");
    require(begun, 201, "beginning TOTP");
    const auto material = json_of(begun);
    enrolled_app made{.factor = text_in(material, "factorId"),
                      .app = authenticator(text_in(material, "secret"), window),
                      .backup_codes = {}};
    const auto confirmed =
        about(subject, "POST", "/totp/" + made.factor + "/confirm",
              boost::json::serialize(boost::json::object{{"code", made.app.next()}}));
    require(confirmed, 200, "confirming TOTP");
    const auto told = json_of(confirmed); // named: it outlives the loop over a part of it
    for (const auto& code : told.at("backupCodes").as_array())
        made.backup_codes.emplace_back(code.as_string());
    return made;
}

boost::json::object service_client::view(std::string_view subject) const {
    const auto shown = read(subject);
    require(shown, 200, "reading a subject");
    return json_of(shown);
}

} // namespace countersign::tests
