#include "core/crypto/aead.hpp"

#include "core/crypto/encoding.hpp"
#include "core/crypto/key_id.hpp"
#include "core/crypto/openssl_ptr.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>

namespace countersign::core {
namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;

using cipher_ptr = openssl_ptr<EVP_CIPHER, EVP_CIPHER_free>;
using cipher_context_ptr = openssl_ptr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

enum class direction { decrypt = 0, encrypt = 1 };

void require(bool succeeded) {
    if (!succeeded) {
        throw std::runtime_error("OpenSSL failed in AES-256-GCM");
    }
}

const unsigned char* raw(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* raw(std::span<std::byte> bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

int openssl_size(std::size_t size) {
    require(size <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(size);
}

// Made once for each thread, as in hmac.cpp; begin() replaces key and nonce.
EVP_CIPHER_CTX* thread_context() {
    thread_local const cipher_ptr cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    thread_local const cipher_context_ptr context(EVP_CIPHER_CTX_new());
    require(cipher && context);
    if (EVP_CIPHER_CTX_get0_cipher(context.get()) == nullptr) {
        require(EVP_CipherInit_ex2(context.get(), cipher.get(), nullptr, nullptr, 1, nullptr) == 1);
    }
    return context.get();
}

EVP_CIPHER_CTX* begin(direction way, const secret_key& key, std::span<const std::byte> nonce,
                      std::string_view associated_data) {
    EVP_CIPHER_CTX* const context = thread_context();
    require(EVP_CipherInit_ex2(context, nullptr, raw(std::span(key.reveal())), raw(nonce),
                               static_cast<int>(way), nullptr) == 1);
    int written = 0;
    require(EVP_CipherUpdate(context, nullptr, &written, raw(bytes_of(associated_data)),
                             openssl_size(associated_data.size())) == 1);
    return context;
}

} // namespace

key_ring::key_ring(std::vector<encryption_key> keys) : keys_(std::move(keys)) {
    require_usable_ring(keys_);
}

std::string key_ring::seal(std::string_view plaintext, std::string_view associated_data,
                           std::array<std::byte, nonce_size> nonce) const {
    const encryption_key& current = keys_.front();
    std::vector<std::byte> sealed(nonce_size + plaintext.size() + tag_size);
    std::ranges::copy(nonce, sealed.begin());
    const auto ciphertext = std::span(sealed).subspan(nonce_size, plaintext.size());
    const auto tag = std::span(sealed).last(tag_size);

    EVP_CIPHER_CTX* const context = begin(direction::encrypt, current.key, nonce, associated_data);
    int written = 0;
    require(EVP_CipherUpdate(context, raw(ciphertext), &written, raw(bytes_of(plaintext)),
                             openssl_size(plaintext.size())) == 1);
    require(EVP_CipherFinal_ex(context, raw(tag), &written) == 1); // GCM writes nothing here
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_size, tag.data()) == 1);
    return current.id + '.' + to_base64url(sealed);
}

boost::system::result<secret_string, open_error>
key_ring::open(std::string_view sealed, std::string_view associated_data) const {
    const std::size_t dot = sealed.find('.');
    if (dot == std::string_view::npos) {
        return open_error::malformed;
    }
    const encryption_key* const key = find_key(keys_, sealed.substr(0, dot));
    if (key == nullptr) {
        return open_error::unknown_key;
    }
    auto bytes = from_base64url(sealed.substr(dot + 1));
    if (!bytes || bytes->size() < nonce_size + tag_size) {
        return open_error::malformed;
    }
    const auto nonce = std::span(*bytes).first(nonce_size);
    const auto ciphertext =
        std::span(*bytes).subspan(nonce_size, bytes->size() - nonce_size - tag_size);
    const auto tag = std::span(*bytes).last(tag_size);

    EVP_CIPHER_CTX* const context = begin(direction::decrypt, key->key, nonce, associated_data);
    std::string plaintext(ciphertext.size(), '\0');
    int written = 0;
    require(EVP_CipherUpdate(context, reinterpret_cast<unsigned char*>(plaintext.data()), &written,
                             raw(ciphertext), openssl_size(ciphertext.size())) == 1);
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1);
    std::array<unsigned char, tag_size> rest{};
    if (EVP_CipherFinal_ex(context, rest.data(), &written) != 1) {
        wipe(plaintext);
        return open_error::not_authentic;
    }
    return secret_string(std::move(plaintext));
}

bool key_ring::is_current(std::string_view sealed) const noexcept {
    return key_of(sealed) == keys_.front().id && sealed.size() > keys_.front().id.size();
}

bool key_ring::is_outdated(std::string_view sealed) const noexcept {
    const encryption_key* const key = find_key(keys_, key_of(sealed));
    return key != nullptr && key != &keys_.front() && !key->is_next;
}

} // namespace countersign::core
