#include "core/tokens.hpp"

#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>

namespace countersign::core {
namespace {

namespace json = boost::json;

constexpr seconds clock_skew_max{60};
constexpr std::int64_t numeric_date_max = 253'402'300'799; // the end of the year 9999

std::string_view type_of(token_kind kind) {
    switch (kind) {
    case token_kind::access:
        return "cs-access+jwt";
    case token_kind::refresh:
        return "cs-refresh+jwt";
    case token_kind::step_up:
        return "cs-step-up+jwt";
    case token_kind::two_factor:
        return "cs-two-factor+jwt";
    case token_kind::totp_setup:
        return "cs-totp-setup+jwt";
    case token_kind::email_verification:
        return "cs-email-verification+jwt";
    case token_kind::password_reset:
        return "cs-password-reset+jwt";
    case token_kind::session_cookie:
        return "cs-session-cookie+jwt";
    case token_kind::user_session:
        return "cs-user-session+jwt";
    }
    throw std::logic_error("not a token_kind");
}

std::string_view name_of(challenge_purpose purpose) {
    switch (purpose) {
    case challenge_purpose::login:
        return "login";
    case challenge_purpose::step_up:
        return "step_up";
    }
    throw std::logic_error("not a challenge_purpose");
}

std::int64_t numeric_date(unix_time time) {
    return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

// Reads the claims one after the other; one that is missing or of the wrong type spoils the whole.
class claims_reader {
public:
    explicit claims_reader(const json::object& members) : members_(members) {}

    [[nodiscard]] bool ok() const { return ok_; }

    std::string text(std::string_view name) {
        const json::value* const value = members_.if_contains(name);
        if (value == nullptr || !value->is_string()) {
            ok_ = false;
            return {};
        }
        return std::string(std::string_view(value->get_string()));
    }

    std::string text_or_empty(std::string_view name) {
        return members_.contains(name) ? text(name) : std::string();
    }

    std::int64_t number(std::string_view name, std::int64_t least, std::int64_t greatest) {
        const json::value* const value = members_.if_contains(name);
        if (value == nullptr || !value->is_int64() || value->get_int64() < least ||
            value->get_int64() > greatest) {
            ok_ = false;
            return least;
        }
        return value->get_int64();
    }

    unix_time date(std::string_view name) {
        return unix_time{seconds{number(name, 0, numeric_date_max)}};
    }

private:
    const json::object& members_;
    bool ok_ = true;
};

std::optional<challenge_purpose> purpose_from(std::string_view name) {
    for (const auto purpose : {challenge_purpose::login, challenge_purpose::step_up}) {
        if (name == name_of(purpose)) {
            return purpose;
        }
    }
    return std::nullopt;
}

std::optional<token_claims> parse_claims(token_kind kind, std::string_view payload,
                                         std::string_view audience) {
    boost::system::error_code error;
    std::array<unsigned char, 2048> scratch;
    json::monotonic_resource memory(scratch.data(), scratch.size());
    const json::value value = json::parse(payload, error, &memory);
    const json::object* const members = error ? nullptr : value.if_object();
    if (members == nullptr) {
        return std::nullopt;
    }
    claims_reader reader(*members);
    token_claims claims;
    claims.subject = account_id(reader.text("sub"));
    claims.session = session_id(reader.text_or_empty("session"));
    claims.id = reader.text("jti");
    claims.issued_at = reader.date("iat");
    claims.expires_at = reader.date("exp");
    const bool for_us = reader.text("aud") == audience;
    if (kind == token_kind::step_up) {
        claims.assurance = static_cast<assurance_level>(reader.number("aal", 1, 2));
    }
    if (kind == token_kind::two_factor) {
        const auto purpose = purpose_from(reader.text("pur"));
        if (!purpose) {
            return std::nullopt;
        }
        claims.purpose = *purpose;
    }
    if (!reader.ok() || !for_us || claims.subject.empty()) {
        return std::nullopt;
    }
    return claims;
}

jws_key_ring derive_ring(const std::vector<signing_key>& masters, token_kind kind) {
    const std::string label = "countersign token " + std::string(type_of(kind));
    std::vector<signing_key> keys;
    keys.reserve(masters.size());
    for (const signing_key& master : masters) {
        keys.push_back({.id = master.id,
                        .key = secret_key(hmac_sha256(master.key.reveal(), bytes_of(label))),
                        .algorithm = master.algorithm});
    }
    return jws_key_ring(std::move(keys));
}

} // namespace

token_keys derive_token_keys(const std::vector<signing_key>& masters) {
    return {.rings = {derive_ring(masters, token_kind::access),
                      derive_ring(masters, token_kind::refresh),
                      derive_ring(masters, token_kind::step_up),
                      derive_ring(masters, token_kind::two_factor),
                      derive_ring(masters, token_kind::totp_setup),
                      derive_ring(masters, token_kind::email_verification),
                      derive_ring(masters, token_kind::password_reset),
                      derive_ring(masters, token_kind::session_cookie),
                      derive_ring(masters, token_kind::user_session)}};
}

token_service::token_service(token_keys keys, std::string audience)
    : keys_(std::move(keys)), audience_(std::move(audience)) {}

std::string token_service::issue(token_kind kind, const token_claims& claims) const {
    json::object payload;
    payload["sub"] = claims.subject.value();
    if (!claims.session.empty()) {
        payload["session"] = claims.session.value();
    }
    payload["jti"] = claims.id;
    payload["iat"] = numeric_date(claims.issued_at);
    payload["exp"] = numeric_date(claims.expires_at);
    payload["aud"] = audience_;
    if (kind == token_kind::step_up) {
        payload["aal"] = static_cast<int>(claims.assurance);
    }
    if (kind == token_kind::two_factor) {
        payload["pur"] = name_of(claims.purpose);
    }
    return keys_.rings.at(static_cast<std::size_t>(kind))
        .sign(type_of(kind), json::serialize(payload));
}

boost::system::result<token_claims, token_error>
token_service::verify(token_kind kind, std::string_view token, unix_time now) const {
    if (token.empty()) {
        return token_error::missing;
    }
    const auto payload =
        keys_.rings.at(static_cast<std::size_t>(kind)).verify(token, type_of(kind));
    if (!payload) {
        return token_error::malformed;
    }
    auto claims = parse_claims(kind, *payload, audience_);
    if (!claims || claims->issued_at > now + clock_skew_max) {
        return token_error::malformed;
    }
    if (now >= claims->expires_at) {
        return token_error::expired;
    }
    return *std::move(claims);
}

std::string token_service::key_set() const {
    json::array keys;
    for (const verifying_key& key :
         keys_.rings.at(static_cast<std::size_t>(token_kind::access)).verifying_keys()) {
        keys.push_back(json::object{{"kty", "OKP"},
                                    {"crv", "Ed25519"},
                                    {"kid", key.id},
                                    {"use", "sig"},
                                    {"alg", "EdDSA"},
                                    {"x", to_base64url(key.point)}});
    }
    return keys.empty() ? std::string() : json::serialize(json::object{{"keys", std::move(keys)}});
}

} // namespace countersign::core
