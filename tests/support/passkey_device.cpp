#include "tests/support/passkey_device.hpp"

#include "core/crypto/digest.hpp"
#include "core/crypto/encoding.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>

namespace countersign::tests {

namespace {

using core::passkey_algorithm;

constexpr unsigned rsa_bits = 2048;
constexpr std::size_t credential_id_size = 32;

void require(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("OpenSSL cannot ") + what);
}

std::string cbor_head(unsigned major, std::uint64_t value) {
    const auto first = [major](unsigned info) { return static_cast<char>(major << 5U | info); };
    if (value < 24) return {first(static_cast<unsigned>(value))};
    if (value < 256) return {first(24), static_cast<char>(value)};
    return {first(25), static_cast<char>(value >> 8U), static_cast<char>(value)};
}

std::string hash_of(std::string_view text) {
    return std::string(core::text_of(core::sha256(core::bytes_of(text))));
}

EVP_PKEY* make_key(passkey_algorithm algorithm) {
    switch (algorithm) {
    case passkey_algorithm::es256:
        return EVP_EC_gen("P-256");
    case passkey_algorithm::eddsa:
        return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case passkey_algorithm::rs256:
        return EVP_RSA_gen(rsa_bits);
    }
    return nullptr;
}

std::string octets_of(EVP_PKEY* key, const char* parameter) {
    std::array<unsigned char, 512> out{};
    std::size_t size = 0;
    require(EVP_PKEY_get_octet_string_param(key, parameter, out.data(), out.size(), &size) == 1,
            "show a public key");
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string modulus_of(EVP_PKEY* key) {
    BIGNUM* number = nullptr;
    require(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &number) == 1, "show a modulus");
    std::string out(rsa_bits / 8, '\0');
    BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()),
                 static_cast<int>(out.size()));
    BN_free(number);
    return out;
}

// Maps of COSE (RFC 9053 section 7): 1 is the type, 3 the algorithm, the others are the key's.
std::string cose_key_of(passkey_algorithm algorithm, EVP_PKEY* key) {
    const auto begin = [algorithm](unsigned pairs, int type) {
        return cbor_head(5, pairs) + cbor_number(1) + cbor_number(type) + cbor_number(3) +
               cbor_number(core::cose_number(algorithm));
    };
    switch (algorithm) {
    case passkey_algorithm::es256: {
        const auto point = octets_of(key, OSSL_PKEY_PARAM_PUB_KEY); // 4, x, y
        return begin(5, 2) + cbor_number(-1) + cbor_number(1) + cbor_number(-2) +
               cbor_bytes(point.substr(1, 32)) + cbor_number(-3) + cbor_bytes(point.substr(33));
    }
    case passkey_algorithm::eddsa:
        return begin(4, 1) + cbor_number(-1) + cbor_number(6) + cbor_number(-2) +
               cbor_bytes(octets_of(key, OSSL_PKEY_PARAM_PUB_KEY));
    case passkey_algorithm::rs256:
        return begin(4, 3) + cbor_number(-1) + cbor_bytes(modulus_of(key)) + cbor_number(-2) +
               cbor_bytes({"\x01\x00\x01", 3});
    }
    return {};
}

std::string base64url(std::string_view bytes) {
    return core::to_base64url(core::bytes_of(bytes));
}

} // namespace

std::string cbor_text(std::string_view text) {
    return cbor_head(3, text.size()).append(text);
}

std::string cbor_bytes(std::string_view bytes) {
    return cbor_head(2, bytes.size()).append(bytes);
}

std::string cbor_number(std::int64_t number) {
    return number < 0 ? cbor_head(1, static_cast<std::uint64_t>(-1 - number))
                      : cbor_head(0, static_cast<std::uint64_t>(number));
}

passkey_device::passkey_device(core::passkey_algorithm algorithm)
    : algorithm_(algorithm), key_(make_key(algorithm), EVP_PKEY_free) {
    require(key_ != nullptr, "make a key");
    std::array<unsigned char, credential_id_size> id{};
    require(RAND_bytes(id.data(), static_cast<int>(id.size())) == 1, "draw an id");
    credential_id.assign(reinterpret_cast<const char*>(id.data()), id.size());
    cose_key = cose_key_of(algorithm, key_.get());
}

std::string passkey_device::client_data_of(std::string_view right_type,
                                           std::string_view right_challenge) const {
    if (client_data) return *client_data;
    boost::json::object data{{"type", type.value_or(std::string(right_type))},
                             {"challenge", challenge.value_or(std::string(right_challenge))},
                             {"origin", origin}};
    for (const auto& member : more_client_data)
        data[member.key()] = member.value();
    return boost::json::serialize(data);
}

std::string passkey_device::authenticator_data(bool with_credential) const {
    auto said = flags;
    if (with_credential || says_credential_in_assertions) said |= flag_credential;
    if (!extensions.empty()) said |= flag_extensions;
    auto data = hash_of(rp_id);
    data += static_cast<char>(said);
    for (int shift = 24; shift >= 0; shift -= 8)
        data += static_cast<char>(counter >> static_cast<unsigned>(shift));
    if ((said & flag_credential) != 0) {
        data.append(16, '\0'); // no model
        data += static_cast<char>(credential_id.size() >> 8U);
        data += static_cast<char>(credential_id.size());
        data += credential_id + cose_key;
    }
    return data + extensions + behind_data;
}

std::string passkey_device::sign(const std::string& authenticator_data,
                                 const std::string& client_data_json) const {
    if (signature) return *signature;
    const auto message = authenticator_data + hash_of(client_data_json);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          EVP_MD_CTX_free);
    const char* digest = algorithm_ == passkey_algorithm::eddsa ? nullptr : "SHA256";
    std::array<unsigned char, 512> out{};
    std::size_t size = out.size();
    require(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key_.get(),
                                  nullptr) == 1 &&
                EVP_DigestSign(context.get(), out.data(), &size,
                               reinterpret_cast<const unsigned char*>(message.data()),
                               message.size()) == 1,
            "sign");
    return {reinterpret_cast<const char*>(out.data()), size};
}

core::registration_response passkey_device::create(std::string_view asked) const {
    const auto client = client_data_of("webauthn.create", asked);
    const auto data = authenticator_data(true);
    std::string said = cbor_head(5, 0);
    if (statement)
        said = *statement;
    else if (format == "packed")
        said = cbor_head(5, 2) + cbor_text("alg") + cbor_number(core::cose_number(algorithm_)) +
               cbor_text("sig") + cbor_bytes(sign(data, client));
    const auto object = cbor_head(5, 3) + cbor_text("fmt") + cbor_text(format) +
                        cbor_text("attStmt") + said + cbor_text("authData") + cbor_bytes(data);
    return {.client_data_json = client, .attestation_object = attestation_object.value_or(object)};
}

core::assertion_response passkey_device::get(std::string_view asked) const {
    const auto client = client_data_of("webauthn.get", asked);
    const auto data = authenticator_data(false);
    return {.credential_id = base64url(credential_id),
            .client_data_json = client,
            .authenticator_data = data,
            .signature = sign(data, client),
            .user_handle = std::nullopt};
}

boost::json::object passkey_device::create_json(std::string_view asked) const {
    const auto made = create(asked);
    const auto id = base64url(credential_id);
    return {{"id", id},
            {"rawId", id},
            {"type", "public-key"},
            {"authenticatorAttachment", "cross-platform"},
            {"clientExtensionResults", boost::json::object()},
            {"response",
             {{"clientDataJSON", base64url(made.client_data_json)},
              {"attestationObject", base64url(made.attestation_object)},
              {"transports", boost::json::array{"usb", "nfc"}}}}};
}

boost::json::object passkey_device::get_json(std::string_view asked,
                                             const std::optional<std::string>& user_handle) const {
    const auto made = get(asked);
    const auto id = base64url(credential_id);
    boost::json::object response{{"clientDataJSON", base64url(made.client_data_json)},
                                 {"authenticatorData", base64url(made.authenticator_data)},
                                 {"signature", base64url(made.signature)}};
    if (user_handle) response["userHandle"] = base64url(*user_handle);
    return {{"id", id},
            {"rawId", id},
            {"type", "public-key"},
            {"authenticatorAttachment", "cross-platform"},
            {"clientExtensionResults", boost::json::object()},
            {"response", std::move(response)}};
}

} // namespace countersign::tests
