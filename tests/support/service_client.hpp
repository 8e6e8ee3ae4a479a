// A backend that uses the service API, with a service key made by the program itself.
#pragma once

#include "tests/support/http_client.hpp"
#include "tests/support/native_client.hpp"
#include "tests/support/server_process.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::tests {

inline constexpr std::string_view all_scopes = "verify,manage,sessions,import";

struct made_service_key {
    std::string id, key;
};
// By `countersign key create`, while the server runs.
[[nodiscard]] made_service_key make_service_key(const std::filesystem::path& program,
                                                const server_process& server,
                                                std::string_view scopes = all_scopes);
void revoke_service_key(const std::filesystem::path& program, const server_process& server,
                        const std::string& id);

// What a subject got when it enrolled.
struct enrolled_app {
    std::string factor;
    authenticator app;
    std::vector<std::string> backup_codes;
};

struct service_client {
    std::uint16_t port = 0;
    std::string key;

    [[nodiscard]] static std::string fresh_subject(); // a new one at each call
    // "/api/service/v1/subjects/<percent-encoded>"
    [[nodiscard]] static std::string path_of(std::string_view subject);
    [[nodiscard]] http_headers credentials() const;

    http_response call(std::string_view method, std::string_view target, std::string_view body = {},
                       const http_headers& headers = {}) const;
    // `rest` stands behind the subject's path: "/totp".
    http_response about(std::string_view subject, std::string_view method,
                        std::string_view rest = {}, std::string_view body = {}) const;

    http_response put(std::string_view subject, const boost::json::object& body) const;
    http_response read(std::string_view subject) const { return about(subject, "GET"); }
    http_response verify(std::string_view subject, std::string_view code) const;
    http_response open_session(std::string_view subject, std::string_view body = {}) const;
    http_response import(std::string_view lines, const http_headers& headers = {}) const;

    // Throw if a step is refused: for tests that are about what comes after.
    // A subject of its own address; without the e-mail factor.
    [[nodiscard]] std::string subject_without_factors() const;
    [[nodiscard]] std::string subject_with_email() const;
    enrolled_app enrol(std::string_view subject, int window = 1) const;
    [[nodiscard]] boost::json::object view(std::string_view subject) const;
};

// The address that the subjects of subject_without_factors() and subject_with_email() have.
[[nodiscard]] std::string address_of(std::string_view subject);

} // namespace countersign::tests
