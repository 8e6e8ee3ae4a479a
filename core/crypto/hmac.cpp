#include "core/crypto/hmac.hpp"

#include "core/crypto/openssl_ptr.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace countersign::core {
namespace {

using mac_ptr = openssl_ptr<EVP_MAC, EVP_MAC_free>;
using mac_context_ptr = openssl_ptr<EVP_MAC_CTX, EVP_MAC_CTX_free>;

const char* openssl_name(hash_algorithm algorithm) {
    switch (algorithm) {
    case hash_algorithm::sha1:
        return "SHA1";
    case hash_algorithm::sha256:
        return "SHA256";
    case hash_algorithm::sha512:
        return "SHA512";
    }
    throw std::logic_error("not a hash_algorithm");
}

mac_context_ptr make_context(hash_algorithm algorithm) {
    const mac_ptr mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    mac_context_ptr context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
    std::string digest = openssl_name(algorithm);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end(),
    };
    if (!context || EVP_MAC_CTX_set_params(context.get(), parameters) != 1) {
        throw std::runtime_error("OpenSSL offers no HMAC over " + digest);
    }
    return context;
}

// Fetching an algorithm takes process-wide locks in OpenSSL 3, so a context is made once for each
// thread and only re-keyed afterwards.
EVP_MAC_CTX* thread_context(hash_algorithm algorithm) {
    thread_local std::array<mac_context_ptr, 3> contexts;
    auto& context = contexts.at(static_cast<std::size_t>(algorithm));
    if (!context) {
        context = make_context(algorithm);
    }
    return context.get();
}

constexpr unsigned char no_key = 0;

void set_key(EVP_MAC_CTX* context, std::span<const std::byte> key) {
    // A null key means "the key of last time" to OpenSSL; an empty key must not.
    const auto* bytes = key.empty() ? &no_key : reinterpret_cast<const unsigned char*>(key.data());
    if (EVP_MAC_init(context, bytes, key.size(), nullptr) != 1)
        throw std::runtime_error("OpenSSL failed to set the key of an HMAC");
}

// With the key that was set.
std::size_t compute(EVP_MAC_CTX* context, std::span<const std::byte> message,
                    std::span<std::byte, 64> out) {
    std::size_t length = 0;
    if (EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(message.data()),
                       message.size()) != 1 ||
        EVP_MAC_final(context, reinterpret_cast<unsigned char*>(out.data()), &length, out.size()) !=
            1) {
        throw std::runtime_error("OpenSSL failed to compute an HMAC");
    }
    return length;
}

} // namespace

keyed_hmac::keyed_hmac(hash_algorithm algorithm, std::span<const std::byte> key)
    : context_(thread_context(algorithm)) {
    set_key(context_, key);
}

// Or the context would keep the key, somebody's TOTP secret, for long.
keyed_hmac::~keyed_hmac() {
    EVP_MAC_init(context_, &no_key, 0, nullptr);
}

std::size_t keyed_hmac::compute(std::span<const std::byte> message, std::span<std::byte, 64> out) {
    // Without a key OpenSSL begins again with the one that is set.
    if (used_ && EVP_MAC_init(context_, nullptr, 0, nullptr) != 1)
        throw std::runtime_error("OpenSSL failed to begin an HMAC");
    used_ = true;
    return core::compute(context_, message, out);
}

std::size_t hmac(hash_algorithm algorithm, std::span<const std::byte> key,
                 std::span<const std::byte> message, std::span<std::byte, 64> out) {
    return keyed_hmac(algorithm, key).compute(message, out);
}

std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                      std::span<const std::byte> message) {
    std::array<std::byte, 64> out{};
    // The server's own keys, which stay in memory anyway.
    EVP_MAC_CTX* const context = thread_context(hash_algorithm::sha256);
    set_key(context, key);
    compute(context, message, out);
    std::array<std::byte, 32> code{};
    std::copy_n(out.begin(), code.size(), code.begin());
    return code;
}

} // namespace countersign::core
