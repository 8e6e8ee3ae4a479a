#include "net/tls.hpp"

#include "core/crypto/secret.hpp"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace countersign::net {

namespace {

constexpr const char* ciphers_1_2 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
// At least 112 bits: no RSA below 2048, no SHA-1 in signatures.
constexpr int security_level = 2;
// Clients open several connections at once, and a ticket is used once (RFC 8446 appendix C.4).
constexpr std::size_t tickets_per_handshake = 2;
constexpr long ticket_life_seconds = 2 * 60 * 60;

constexpr int iv_size = 16; // of AES

unsigned char* bytes_of(std::span<std::byte> part) {
    return reinterpret_cast<unsigned char*>(part.data());
}

// The oldest error in OpenSSL's queue, which is emptied.
std::string_view take_reason() {
    const char* reason = ::ERR_reason_error_string(::ERR_peek_error());
    ::ERR_clear_error();
    return reason != nullptr ? reason : "the connection broke";
}

// RFC 7301 section 3.2: who offers protocols, and not ours, is told so and gets no connection.
int select_protocol(SSL*, const unsigned char** selected, unsigned char* selected_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
    constexpr std::string_view ours = "http/1.1";
    const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
    for (std::size_t at = 0; at < list.size();) {
        const auto size = static_cast<unsigned char>(list[at]);
        if (list.substr(at + 1, size) == ours) {
            *selected = offered + at + 1;
            *selected_size = size;
            return SSL_TLSEXT_ERR_OK;
        }
        at += 1U + size;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

ticket_keys::key::~key() {
    core::wipe(cipher);
    core::wipe(mac);
}

ticket_keys::key ticket_keys::make_key() {
    key made;
    for (const auto part : {std::span<std::byte>(made.name), std::span<std::byte>(made.cipher),
                            std::span<std::byte>(made.mac)})
        if (::RAND_priv_bytes(bytes_of(part), static_cast<int>(part.size())) != 1)
            throw std::runtime_error("OpenSSL has no random bytes");
    return made;
}

void ticket_keys::replace(const key& next) noexcept {
    previous_ = sealing_;
    sealing_ = next;
}

int ticket_keys::prepare(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, bool seal) {
    constexpr int unknown = 0, good = 1, good_but_renew = 2, failed = -1;
    const auto is_named = [name](const key& each) {
        return std::memcmp(name, each.name.data(), each.name.size()) == 0;
    };
    key* chosen = &sealing_;
    if (!seal && !is_named(sealing_)) {
        if (!previous_ || !is_named(*previous_)) return unknown;
        chosen = &*previous_;
    }
    if (seal) {
        std::memcpy(name, chosen->name.data(), chosen->name.size());
        if (::RAND_bytes(iv, iv_size) != 1) return failed;
    }
    std::array<char, 7> digest{"SHA256"};
    const OSSL_PARAM parameters[] = {
        ::OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, chosen->mac.data(),
                                            chosen->mac.size()),
        ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        ::OSSL_PARAM_construct_end()};
    if (::EVP_MAC_CTX_set_params(mac, parameters) != 1 ||
        ::EVP_CipherInit_ex(cipher, ::EVP_aes_256_cbc(), nullptr, bytes_of(chosen->cipher), iv,
                            seal) != 1)
        return failed;
    return chosen == &sealing_ ? good : good_but_renew;
}

// The end of a session that touches the socket. OpenSSL's own would raise SIGPIPE, and cannot say
// whether it found the socket empty.
struct socket_bio {
    static tls_session& session_of(BIO* bio) {
        return *static_cast<tls_session*>(::BIO_get_data(bio));
    }

    static int read(BIO* bio, char* into, int size) {
        auto& session = session_of(bio);
        ::BIO_clear_retry_flags(bio);
        ssize_t count = 0;
        do
            count = ::recv(session.socket_, into, static_cast<std::size_t>(size), 0);
        while (count < 0 && errno == EINTR);
        if (count >= 0) return static_cast<int>(count);
        session.starved_ = errno == EAGAIN || errno == EWOULDBLOCK;
        if (session.starved_) ::BIO_set_retry_read(bio);
        return -1;
    }

    static int write(BIO* bio, const char* bytes, int size) {
        ::BIO_clear_retry_flags(bio);
        ssize_t count = 0;
        do
            count = ::send(session_of(bio).socket_, bytes, static_cast<std::size_t>(size),
                           MSG_NOSIGNAL);
        while (count < 0 && errno == EINTR);
        if (count >= 0) return static_cast<int>(count);
        if (errno == EAGAIN || errno == EWOULDBLOCK) ::BIO_set_retry_write(bio);
        return -1;
    }

    static long control(BIO*, int command, long, void*) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static const BIO_METHOD* method() {
        static const BIO_METHOD* const made = [] {
            BIO_METHOD* const fresh =
                ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "countersign socket");
            if (fresh == nullptr) throw std::bad_alloc();
            ::BIO_meth_set_read(fresh, read);
            ::BIO_meth_set_write(fresh, write);
            ::BIO_meth_set_ctrl(fresh, control);
            return fresh;
        }();
        return made;
    }
};

tls_session::tls_session(SSL_CTX* context, int socket)
    : ssl_(::SSL_new(context), &::SSL_free), socket_(socket) {
    if (!ssl_) throw std::bad_alloc();
    BIO* const bio = ::BIO_new(socket_bio::method());
    if (bio == nullptr) throw std::bad_alloc();
    ::BIO_set_data(bio, this);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(ssl_.get(), bio, bio);
    ::SSL_set_accept_state(ssl_.get());
}

tls_session::~tls_session() = default;

tls_session::step tls_session::after(int result) {
    switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return {starved_ ? state::readable : state::again};
    case SSL_ERROR_WANT_WRITE:
        return {state::writable};
    case SSL_ERROR_ZERO_RETURN:
        return {state::closed};
    default:
        failed_ = true;
        problem_ = take_reason();
        return {state::failed};
    }
}

tls_session::step tls_session::handshake() {
    ::ERR_clear_error();
    starved_ = false;
    const int result = ::SSL_do_handshake(ssl_.get());
    return result == 1 ? step{state::done} : after(result);
}

tls_session::step tls_session::read(std::span<char> into) {
    ::ERR_clear_error();
    starved_ = false;
    std::size_t size = 0;
    const int result = ::SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
    return result == 1 ? step{state::done, size} : after(result);
}

tls_session::step tls_session::write(std::span<const char> bytes) {
    ::ERR_clear_error();
    starved_ = false;
    std::size_t size = 0;
    const int result = ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
    return result == 1 ? step{state::done, size} : after(result);
}

tls_session::step tls_session::end() {
    if (failed_ || ::SSL_is_init_finished(ssl_.get()) != 1) return {state::failed};
    ::ERR_clear_error();
    starved_ = false;
    const int result = ::SSL_shutdown(ssl_.get());
    return result >= 0 ? step{state::done} : after(result);
}

tls_context::tls_context(const tls_identity& identity, ticket_keys& tickets)
    : context_(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free) {
    if (!context_) throw std::bad_alloc();
    SSL_CTX* const context = context_.get();
    ::SSL_CTX_set_security_level(context, security_level);
    ::SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                       SSL_OP_CLEANSE_PLAINTEXT);
    ::SSL_CTX_clear_options(context, SSL_OP_NO_TICKET | SSL_OP_LEGACY_SERVER_CONNECT);
    // Without automatic retries a stream of records that carry no data cannot keep the thread.
    ::SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    ::SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    ::SSL_CTX_set_read_ahead(context, 1);
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_timeout(context, ticket_life_seconds);
    ::SSL_CTX_set_max_early_data(context, 0);
    bool good = ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                ::SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                ::SSL_CTX_set_cipher_list(context, ciphers_1_2) == 1 &&
                ::SSL_CTX_set_ciphersuites(context, ciphers_1_3) == 1 &&
                ::SSL_CTX_set1_groups_list(context, groups) == 1 &&
                ::SSL_CTX_set_num_tickets(context, tickets_per_handshake) == 1 &&
                ::SSL_CTX_use_certificate(context, identity.chain_.front().get()) == 1 &&
                ::SSL_CTX_use_PrivateKey(context, identity.key_.get()) == 1;
    for (std::size_t i = 1; good && i < identity.chain_.size(); ++i)
        good = ::SSL_CTX_add1_chain_cert(context, identity.chain_[i].get()) == 1;
    if (!good) throw std::runtime_error(std::string(take_reason()));

    ::SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
    SSL_CTX_set_app_data(context, &tickets);
    ::SSL_CTX_set_tlsext_ticket_key_evp_cb(context, [](SSL* ssl, unsigned char* name,
                                                       unsigned char* iv, EVP_CIPHER_CTX* cipher,
                                                       EVP_MAC_CTX* mac, int seal) {
        auto* keys = static_cast<ticket_keys*>(SSL_CTX_get_app_data(::SSL_get_SSL_CTX(ssl)));
        return keys->prepare(name, iv, cipher, mac, seal != 0);
    });
}

std::unique_ptr<tls_session> tls_context::accept(int socket) const {
    return std::unique_ptr<tls_session>(new tls_session(context_.get(), socket));
}

} // namespace countersign::net
