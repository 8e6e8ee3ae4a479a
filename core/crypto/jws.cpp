#include "core/crypto/jws.hpp"

#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/crypto/key_id.hpp"
#include "core/crypto/openssl_ptr.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

namespace countersign::core {
namespace {

namespace json = boost::json;

struct compact_parts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
    std::string_view signed_text; // header and payload with the dot between them
};

std::optional<compact_parts> split(std::string_view token) {
    if (token.size() > jws_size_max_bytes || std::ranges::count(token, '.') != 2) {
        return std::nullopt;
    }
    const std::size_t first = token.find('.');
    const std::size_t second = token.rfind('.');
    return compact_parts{.header = token.substr(0, first),
                         .payload = token.substr(first + 1, second - first - 1),
                         .signature = token.substr(second + 1),
                         .signed_text = token.substr(0, second)};
}

bool is_text(const json::value* value, std::string_view expected) {
    return value != nullptr && value->is_string() && value->get_string() == expected;
}

std::string_view name_of(jws_algorithm algorithm) {
    switch (algorithm) {
    case jws_algorithm::hs256:
        return "HS256";
    case jws_algorithm::eddsa:
        return "EdDSA";
    }
    throw std::logic_error("not a jws_algorithm");
}

// The index of the key that the header names, if the header is one that sign() could have made.
boost::system::result<std::size_t, jws_error> key_for(std::string_view encoded_header,
                                                      std::string_view expected_type,
                                                      const std::vector<signing_key>& keys) {
    const auto text = from_base64url(encoded_header);
    if (!text) {
        return jws_error::malformed;
    }
    boost::system::error_code error;
    std::array<unsigned char, 1024> scratch;
    json::monotonic_resource memory(scratch.data(), scratch.size());
    const json::value header = json::parse(text_of(*text), error, &memory);
    const json::object* const members = error ? nullptr : header.if_object();
    if (members == nullptr) {
        return jws_error::malformed;
    }
    const json::value* const algorithm = members->if_contains("alg");
    if (!is_text(algorithm, name_of(jws_algorithm::hs256)) &&
        !is_text(algorithm, name_of(jws_algorithm::eddsa))) {
        return jws_error::wrong_algorithm;
    }
    if (!is_text(members->if_contains("typ"), expected_type)) {
        return jws_error::wrong_type;
    }
    const json::value* const key_id = members->if_contains("kid");
    // No other member is known here: crit, b64, jku, jwk, x5u and their like are refused unread.
    if (members->size() != 3 || key_id == nullptr || !key_id->is_string()) {
        return jws_error::malformed;
    }
    const signing_key* const key = find_key(keys, key_id->get_string());
    if (key == nullptr) {
        return jws_error::unknown_key;
    }
    // The key says how it signs; the header may only agree (RFC 8725 section 3.1).
    if (!is_text(algorithm, name_of(key->algorithm))) {
        return jws_error::wrong_algorithm;
    }
    return static_cast<std::size_t>(key - keys.data());
}

using digest_context_ptr = openssl_ptr<EVP_MD_CTX, EVP_MD_CTX_free>;

constexpr std::size_t ed25519_signature_size = 64;

void require(bool succeeded) {
    if (!succeeded) {
        throw std::runtime_error("OpenSSL failed in Ed25519");
    }
}

const unsigned char* raw(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

// Null for a key of HS256.
std::shared_ptr<EVP_PKEY> pair_of(const signing_key& key) {
    if (key.algorithm != jws_algorithm::eddsa) {
        return nullptr;
    }
    const auto& seed = key.key.reveal();
    std::shared_ptr<EVP_PKEY> pair(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(seed), seed.size()),
        EVP_PKEY_free);
    require(pair != nullptr);
    return pair;
}

std::string ed25519_signature(std::string_view signed_text, EVP_PKEY* pair) {
    const digest_context_ptr context(EVP_MD_CTX_new());
    require(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pair) == 1);
    std::array<std::byte, ed25519_signature_size> signature{};
    std::size_t size = signature.size();
    require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           raw(bytes_of(signed_text)), signed_text.size()) == 1 &&
            size == signature.size());
    return to_base64url(signature);
}

bool is_ed25519_signature(std::string_view encoded, std::string_view signed_text, EVP_PKEY* pair) {
    const auto signature = from_base64url(encoded);
    if (!signature || signature->size() != ed25519_signature_size) {
        return false;
    }
    const digest_context_ptr context(EVP_MD_CTX_new());
    require(context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pair) == 1);
    return EVP_DigestVerify(context.get(), raw(*signature), signature->size(),
                            raw(bytes_of(signed_text)), signed_text.size()) == 1;
}

std::string hmac_signature(std::string_view signed_text, const secret_key& key) {
    return to_base64url(hmac_sha256(key.reveal(), bytes_of(signed_text)));
}

// `pair` is null for a key of HS256.
std::string signature_of(std::string_view signed_text, const signing_key& key, EVP_PKEY* pair) {
    return pair != nullptr ? ed25519_signature(signed_text, pair)
                           : hmac_signature(signed_text, key.key);
}

bool is_signed(const compact_parts& parts, const signing_key& key, EVP_PKEY* pair) {
    if (pair != nullptr) {
        return is_ed25519_signature(parts.signature, parts.signed_text, pair);
    }
    // Comparing the encoded forms also refuses every other spelling of the same signature.
    return equal_in_constant_time(hmac_signature(parts.signed_text, key.key), parts.signature);
}

} // namespace

jws_key_ring::jws_key_ring(std::vector<signing_key> keys) : keys_(std::move(keys)) {
    require_usable_ring(keys_);
    pairs_.reserve(keys_.size());
    for (const signing_key& key : keys_) {
        pairs_.push_back(pair_of(key));
    }
}

std::vector<verifying_key> jws_key_ring::verifying_keys() const {
    std::vector<verifying_key> found;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (!pairs_[i]) {
            continue;
        }
        verifying_key& key = found.emplace_back(keys_[i].id);
        std::size_t size = key.point.size();
        require(EVP_PKEY_get_raw_public_key(pairs_[i].get(),
                                            reinterpret_cast<unsigned char*>(key.point.data()),
                                            &size) == 1 &&
                size == key.point.size());
    }
    return found;
}

std::string jws_key_ring::sign(std::string_view type, std::string_view payload_json) const {
    const signing_key& current = keys_.front();
    std::string header = R"({"alg":")";
    header.append(name_of(current.algorithm)).append(R"(","kid":")");
    header.append(current.id).append(R"(","typ":")").append(type).append(R"("})");
    std::string token = to_base64url(bytes_of(header));
    token += '.';
    token += to_base64url(bytes_of(payload_json));
    const std::string signature = signature_of(token, current, pairs_.front().get());
    token += '.';
    token += signature;
    if (token.size() > jws_size_max_bytes) {
        throw std::length_error("a token exceeds the limit that its reader has");
    }
    return token;
}

boost::system::result<std::string, jws_error>
jws_key_ring::verify(std::string_view token, std::string_view expected_type) const {
    const auto parts = split(token);
    if (!parts) {
        return jws_error::malformed;
    }
    const auto key = key_for(parts->header, expected_type, keys_);
    if (!key) {
        return key.error();
    }
    if (!is_signed(*parts, keys_[*key], pairs_[*key].get())) {
        return jws_error::bad_signature;
    }
    const auto payload = from_base64url(parts->payload);
    if (!payload) {
        return jws_error::malformed;
    }
    return std::string(text_of(*payload));
}

} // namespace countersign::core
