#include "core/crypto/jws.hpp"

#include "core/crypto/encoding.hpp"
#include "core/crypto/hmac.hpp"
#include "core/crypto/key_id.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <optional>
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

// The key that the header names, if the header is one that sign() could have made.
boost::system::result<const signing_key*, jws_error> key_for(std::string_view encoded_header,
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
    if (!is_text(members->if_contains("alg"), "HS256")) {
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
    return key;
}

std::string signature_of(std::string_view signed_text, const secret_key& key) {
    return to_base64url(hmac_sha256(key.reveal(), bytes_of(signed_text)));
}

} // namespace

jws_key_ring::jws_key_ring(std::vector<signing_key> keys) : keys_(std::move(keys)) {
    require_usable_ring(keys_);
}

std::string jws_key_ring::sign(std::string_view type, std::string_view payload_json) const {
    const signing_key& current = keys_.front();
    std::string header = R"({"alg":"HS256","kid":")";
    header.append(current.id).append(R"(","typ":")").append(type).append(R"("})");
    std::string token = to_base64url(bytes_of(header));
    token += '.';
    token += to_base64url(bytes_of(payload_json));
    const std::string signature = signature_of(token, current.key);
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
    // Comparing the encoded forms also refuses every other spelling of the same signature.
    if (!equal_in_constant_time(signature_of(parts->signed_text, (*key)->key), parts->signature)) {
        return jws_error::bad_signature;
    }
    const auto payload = from_base64url(parts->payload);
    if (!payload) {
        return jws_error::malformed;
    }
    return std::string(text_of(*payload));
}

} // namespace countersign::core
