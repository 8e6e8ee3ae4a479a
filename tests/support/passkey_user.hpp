// A subject of a backend who registers and shows passkeys through the service API.
#pragma once

#include "tests/support/passkey_device.hpp"
#include "tests/support/service_client.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace countersign::tests {

// With which a server takes the passkeys of passkey_device.
[[nodiscard]] inline server_settings with_passkeys(server_settings more = {}) {
    more.try_emplace("webauthn.rp_id", passkey_rp_id);
    more.try_emplace("webauthn.origins", passkey_origin);
    return more;
}

struct passkey_user {
    const service_client& backend;
    std::string subject;

    // What a step answered; throws where it is refused.
    [[nodiscard]] boost::json::object ask(std::string_view rest, std::string_view body = {}) const {
        const auto reply = backend.about(subject, "POST", rest, body);
        if (reply.status != 200 && reply.status != 201)
            throw std::runtime_error(std::string(rest) + " was answered with " + reply.body);
        return boost::json::parse(reply.body).as_object();
    }
    struct begun {
        std::string factor, challenge;
    };
    [[nodiscard]] begun begin() const {
        const auto made = ask("/passkeys", R"({"label":"Yellow key"})");
        return {std::string(made.at("factorId").as_string()), challenge_in(made)};
    }
    [[nodiscard]] static std::string body_of(const boost::json::object& credential) {
        return boost::json::serialize(boost::json::object{{"passkey", credential}});
    }
    [[nodiscard]] http_response confirm(const std::string& factor,
                                        const boost::json::object& credential) const {
        return backend.about(subject, "POST", "/passkeys/" + factor + "/confirm",
                             body_of(credential));
    }
    // The passkey's id and the account's backup codes, if they are new.
    struct registered {
        std::string factor;
        std::vector<std::string> backup_codes;
    };
    registered enrol(const passkey_device& device) const {
        const auto started = begin();
        const auto reply = confirm(started.factor, device.create_json(started.challenge));
        if (reply.status != 200) throw std::runtime_error("a passkey is refused: " + reply.body);
        registered made{started.factor, {}};
        const auto told = boost::json::parse(reply.body);
        for (const auto& code : told.at("backupCodes").as_array())
            made.backup_codes.emplace_back(code.as_string());
        return made;
    }
    [[nodiscard]] std::string challenge() const { return challenge_in(ask("/passkey-challenges")); }
    [[nodiscard]] http_response show(const boost::json::object& credential) const {
        return backend.about(subject, "POST", "/verifications", body_of(credential));
    }

private:
    [[nodiscard]] static std::string challenge_in(const boost::json::object& made) {
        return std::string(made.at("publicKey").at("challenge").as_string());
    }
};

} // namespace countersign::tests
