// TLS of the listener, on OpenSSL: the keys of session tickets, and one connection's state over its
// non-blocking socket. What may be negotiated is decided here and is no setting: TLS 1.3, and 1.2
// with forward secrecy and authenticated encryption only; http/1.1 by ALPN; no renegotiation, no
// compression, no early data, no sessions in the server's memory.
#pragma once

#include "net/tls_identity.hpp"

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace countersign::net {

// The keys that seal session tickets (RFC 8446 section 4.6.1, RFC 5077): of all threads the same,
// each with a copy of its own, and never on disk. A new one takes over for sealing; its predecessor
// still opens what it has sealed, until the next one comes.
class ticket_keys {
public:
    struct key {
        std::array<std::byte, 16> name{};
        std::array<std::byte, 32> cipher{}; // AES-256-CBC
        std::array<std::byte, 32> mac{};    // HMAC-SHA-256

        key() = default;
        key(const key&) = default;
        key& operator=(const key&) = default;
        ~key();
    };

    // From OpenSSL's private generator, as all else that TLS draws. Throws std::runtime_error.
    [[nodiscard]] static key make_key();

    explicit ticket_keys(const key& first) : sealing_(first) {}

    void replace(const key& next) noexcept;

private:
    friend class tls_context;
    // OpenSSL's callback (SSL_CTX_set_tlsext_ticket_key_evp_cb); `name` has 16 bytes.
    int prepare(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                bool seal);

    key sealing_;
    std::optional<key> previous_;
};

// One connection. The socket is the caller's: non-blocking, and open as long as this lives. A step
// never waits; it says what for, and is then to be made again, a write with the same bytes.
class tls_session {
public:
    enum class state {
        done,
        readable, // to be made again when the socket is readable,
        writable, // or writable,
        again,    // or at once, after others had their turn
        closed,   // the peer has said that it sends no more
        failed,   // problem() says why
    };
    struct step {
        state now;
        std::size_t size = 0; // bytes read or written; not 0 when done
    };

    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    [[nodiscard]] step handshake();
    [[nodiscard]] step read(std::span<char> into); // not empty
    [[nodiscard]] step write(std::span<const char> bytes);
    // Says that no more will be sent (close_notify); does nothing on a session that has failed.
    [[nodiscard]] step end();

    // OpenSSL's words, of static storage.
    [[nodiscard]] std::string_view problem() const noexcept { return problem_; }

private:
    friend class tls_context;
    friend struct socket_bio;
    tls_session(SSL_CTX* context, int socket); // throws std::bad_alloc
    step after(int result);

    std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
    int socket_;
    bool starved_ = false; // the last read found nothing on the socket
    bool failed_ = false;
    std::string_view problem_;
};

// What the connections of one thread have in common. Connections outlive it, not the ticket keys.
class tls_context {
public:
    // Throws std::runtime_error if OpenSSL does not take the certificate.
    tls_context(const tls_identity& identity, ticket_keys& tickets);

    [[nodiscard]] std::unique_ptr<tls_session> accept(int socket) const;

private:
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
};

} // namespace countersign::net
