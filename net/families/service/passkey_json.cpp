#include "net/families/service/passkey_json.hpp"

#include "core/crypto/encoding.hpp"
#include "core/decide/passkeys.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace countersign::net::service {

namespace {

constexpr std::string_view member = "passkey";
constexpr std::string_view public_key = "public-key";
constexpr std::size_t transports_max = 8, transport_size_max = 32;

boost::json::array descriptors_of(const core::account& account) {
    boost::json::array all;
    for (const auto& key : account.passkeys) {
        boost::json::object one{{"type", public_key}, {"id", key.credential.id}};
        boost::json::array transports(key.transports.begin(), key.transports.end());
        if (!transports.empty()) one["transports"] = std::move(transports);
        all.push_back(std::move(one));
    }
    return all;
}

std::string_view verification_of(const core::relying_party& party) {
    return party.verifies_users ? "required" : "preferred";
}

std::int64_t timeout_ms() {
    return core::milliseconds(core::passkey_challenge_life).count();
}

// Reads the members of a credential that a browser shows.
class credential_reader {
public:
    credential_reader(json_body& body, const boost::json::object& shown)
        : body_(body), shown_(shown) {
        if (text(shown_, "type") != public_key)
            body_.reject(member, "'passkey.type' must be public-key.");
        const auto* response = shown_.if_contains("response");
        if (response != nullptr && response->is_object())
            response_ = &response->get_object();
        else
            body_.reject(member, "'passkey.response' must be an object.");
    }

    // Base64url, as it is.
    [[nodiscard]] std::string id() {
        auto given = text(shown_, "id");
        if (given.empty() || !core::from_base64url(given))
            body_.reject(member, "'passkey.id' must be base64url.");
        return given;
    }
    // Of the response, out of base64url.
    [[nodiscard]] std::string bytes(std::string_view name) {
        const auto given = response_ != nullptr ? text(*response_, name) : std::string();
        const auto decoded = core::from_base64url(given);
        if (given.empty() || !decoded) {
            body_.reject(member, "'passkey.response." + std::string(name) + "' must be base64url.");
            return {};
        }
        return std::string(core::text_of(*decoded));
    }
    [[nodiscard]] std::optional<std::string> optional_bytes(std::string_view name) {
        const auto* value = response_ != nullptr ? response_->if_contains(name) : nullptr;
        if (value == nullptr || value->is_null()) return std::nullopt;
        return bytes(name);
    }
    // A hint, so what is no name of a transport is left out.
    [[nodiscard]] std::vector<std::string> transports() const {
        std::vector<std::string> names;
        const auto* list = response_ != nullptr ? response_->if_contains("transports") : nullptr;
        if (list == nullptr || !list->is_array()) return names;
        for (const auto& each : list->get_array()) {
            if (names.size() == transports_max) break;
            if (!each.is_string()) continue;
            const std::string_view name = each.get_string();
            const bool plain = std::ranges::all_of(
                name, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
            if (plain && !name.empty() && name.size() <= transport_size_max)
                names.emplace_back(name);
        }
        return names;
    }

private:
    [[nodiscard]] static std::string text(const boost::json::object& in, std::string_view name) {
        const auto* value = in.if_contains(name);
        if (value == nullptr || !value->is_string()) return {};
        return std::string(value->get_string());
    }

    json_body& body_;
    const boost::json::object& shown_;
    const boost::json::object* response_ = nullptr;
};

} // namespace

boost::json::object creation_options(const core::account& account,
                                     const core::relying_party& party) {
    boost::json::array algorithms;
    for (const auto algorithm : core::passkey_algorithms)
        algorithms.push_back({{"type", public_key}, {"alg", core::cose_number(algorithm)}});
    const auto handle = core::to_base64url(core::bytes_of(core::user_handle_of(account)));
    return {{"rp", {{"id", party.id}, {"name", party.shown_name()}}},
            {"user", {{"id", handle}, {"name", account.email}, {"displayName", account.name}}},
            {"challenge", account.passkey_enrolment->challenge},
            {"pubKeyCredParams", std::move(algorithms)},
            {"timeout", timeout_ms()},
            {"excludeCredentials", descriptors_of(account)},
            // The account is always known before: nothing need be found on the authenticator.
            {"authenticatorSelection",
             {{"residentKey", "discouraged"},
              {"requireResidentKey", false},
              {"userVerification", verification_of(party)}}},
            {"attestation", "none"}};
}

boost::json::object request_options(const core::account& account,
                                    const core::relying_party& party) {
    return {{"challenge", account.passkey_challenge->challenge},
            {"timeout", timeout_ms()},
            {"rpId", party.id},
            {"allowCredentials", descriptors_of(account)},
            {"userVerification", verification_of(party)}};
}

shown_registration read_registration(json_body& body, const boost::json::object& shown) {
    credential_reader in(body, shown);
    return {.response = {.client_data_json = in.bytes("clientDataJSON"),
                         .attestation_object = in.bytes("attestationObject")},
            .transports = in.transports()};
}

core::assertion_response read_assertion(json_body& body, const boost::json::object& shown) {
    credential_reader in(body, shown);
    return {.credential_id = in.id(),
            .client_data_json = in.bytes("clientDataJSON"),
            .authenticator_data = in.bytes("authenticatorData"),
            .signature = in.bytes("signature"),
            .user_handle = in.optional_bytes("userHandle")};
}

} // namespace countersign::net::service
