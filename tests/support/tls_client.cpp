#include "tests/support/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>

namespace countersign::tests {
namespace {

void check(bool good, const char* what) {
    if (!good) throw std::runtime_error(std::string("tls client: ") + what);
}

int number_of(tls_version version) {
    switch (version) {
    case tls_version::v1_1:
        return TLS1_1_VERSION;
    case tls_version::v1_2:
        return TLS1_2_VERSION;
    case tls_version::v1_3:
        return TLS1_3_VERSION;
    }
    return 0;
}

std::string reason_of(int kind) {
    const char* reason = ::ERR_reason_error_string(::ERR_peek_error());
    ::ERR_clear_error();
    if (reason != nullptr) return reason;
    return kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE
               ? "no answer within the deadline"
               : "the server closed";
}

// RFC 7301 section 3.1: each with its length before it.
std::string wire_form(const std::vector<std::string>& protocols) {
    std::string list;
    for (const auto& name : protocols)
        list.append(1, static_cast<char>(name.size())).append(name);
    return list;
}

} // namespace

tls_client::tls_client(int socket, const tls_wish& wish, std::chrono::milliseconds deadline)
    : socket_(socket), deadline_(deadline),
      context_(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free), ssl_(nullptr, &::SSL_free) {
    // OpenSSL writes without MSG_NOSIGNAL, to a server that may have closed.
    std::signal(SIGPIPE, SIG_IGN);
    auto* const context = context_.get();
    if (wish.lowest == tls_version::v1_1) ::SSL_CTX_set_security_level(context, 0);
    ::SSL_CTX_set_min_proto_version(context, number_of(wish.lowest));
    ::SSL_CTX_set_max_proto_version(context, number_of(wish.highest));
    if (!wish.ciphers.empty())
        check(::SSL_CTX_set_cipher_list(context, wish.ciphers.c_str()) == 1, "no such cipher");
    if (!wish.ca_file.empty()) {
        check(::SSL_CTX_load_verify_file(context, wish.ca_file.c_str()) == 1, "no authority");
        ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    }
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* fresh) {
        static_cast<tls_client*>(SSL_get_app_data(ssl))->ticket_ =
            tls_ticket(fresh, &::SSL_SESSION_free);
        return 1; // it is ours now
    });
    ssl_.reset(::SSL_new(context));
    check(ssl_ != nullptr, "no memory");
    SSL_set_app_data(ssl_.get(), this);
    const auto protocols = wire_form(wish.protocols);
    if (!protocols.empty())
        ::SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                              static_cast<unsigned>(protocols.size()));
    if (wish.resumes) { // a copy, because OpenSSL does not use one of TLS 1.3 twice
        const tls_ticket copy(::SSL_SESSION_dup(wish.resumes.get()), &::SSL_SESSION_free);
        ::SSL_set_session(ssl_.get(), copy.get());
    }
    ::SSL_set_mode(ssl_.get(), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    check(::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK) == 0, "no socket");
    ::SSL_set_fd(ssl_.get(), socket);
    const auto [result, kind] = until_done([](SSL* ssl) { return ::SSL_connect(ssl); });
    if (result != 1) throw std::runtime_error("tls client: no handshake: " + reason_of(kind));
}

template <typename Step>
std::pair<int, int> tls_client::until_done(Step step) {
    for (;;) {
        int result = 0, kind = 0;
        {
            const std::lock_guard lock(one_at_a_time_);
            ::ERR_clear_error();
            result = step(ssl_.get());
            kind = ::SSL_get_error(ssl_.get(), result);
        }
        if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE) return {result, kind};
        pollfd waiting{socket_, static_cast<short>(kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT),
                       0};
        if (::poll(&waiting, 1, static_cast<int>(deadline_.count())) == 0) return {result, kind};
    }
}

// OpenSSL takes a session that was left without a word for a bad one, and never resumes it.
tls_client::~tls_client() {
    ::SSL_set_quiet_shutdown(ssl_.get(), 1);
    ::SSL_shutdown(ssl_.get());
}

void tls_client::write(std::string_view bytes) {
    const auto [result, kind] = until_done([bytes](SSL* ssl) {
        std::size_t written = 0; // all, or nothing yet
        return ::SSL_write_ex(ssl, bytes.data(), bytes.size(), &written);
    });
    if (result != 1) throw std::runtime_error("tls client: cannot write: " + reason_of(kind));
}

std::size_t tls_client::read(std::span<char> into) {
    std::size_t size = 0;
    const auto [result, kind] = until_done(
        [into, &size](SSL* ssl) { return ::SSL_read_ex(ssl, into.data(), into.size(), &size); });
    if (result == 1) return size;
    if (kind == SSL_ERROR_ZERO_RETURN) return 0;
    const bool truncated = ERR_GET_REASON(::ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    const auto reason = reason_of(kind);
    if (!truncated) throw std::runtime_error("tls client: cannot read: " + reason);
    return 0;
}

void tls_client::finish() {
    (void)until_done([](SSL* ssl) {
        const int result = ::SSL_shutdown(ssl);
        return result == 0 ? 1 : result; // the other side's is not waited for
    });
}

bool tls_client::ended_properly() const {
    return (::SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

tls_ticket tls_client::ticket() const {
    const std::lock_guard lock(one_at_a_time_);
    return ticket_;
}

std::string tls_client::version() const {
    return ::SSL_get_version(ssl_.get());
}

std::string tls_client::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string tls_client::cipher() const {
    return ::SSL_get_cipher_name(ssl_.get());
}

bool tls_client::resumed() const {
    return ::SSL_session_reused(ssl_.get()) == 1;
}

long tls_client::certificate_serial() const {
    auto* const shown = ::SSL_get0_peer_certificate(ssl_.get());
    check(shown != nullptr, "no certificate");
    return ::ASN1_INTEGER_get(::X509_get0_serialNumber(shown));
}

} // namespace countersign::tests
