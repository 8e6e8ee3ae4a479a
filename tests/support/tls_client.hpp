// The client's side of TLS over a connected, blocking socket, with OpenSSL's own socket code: none
// of the server's. What goes wrong is thrown as std::runtime_error.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_session_st; // OpenSSL's SSL_SESSION

namespace countersign::tests {

using tls_ticket = std::shared_ptr<ssl_session_st>;

enum class tls_version { v1_1, v1_2, v1_3 };

struct tls_wish {
    tls_version lowest = tls_version::v1_2, highest = tls_version::v1_3;
    std::vector<std::string> protocols{}; // for ALPN; none: it is not offered
    std::string ciphers{};                // of TLS 1.2, OpenSSL's names; empty: its default
    std::string ca_file{};                // empty: any certificate is good
    tls_ticket resumes{};                 // none: a full handshake
};

class tls_client {
public:
    // Shakes hands. The socket is the caller's, outlives it and is made non-blocking; every wait
    // has the deadline. One thread may write while another reads.
    tls_client(int socket, const tls_wish& wish, std::chrono::milliseconds deadline);
    ~tls_client();
    tls_client(const tls_client&) = delete;
    tls_client& operator=(const tls_client&) = delete;

    void write(std::string_view bytes);
    std::size_t read(std::span<char> into); // 0 at the end
    void finish();                          // close_notify

    // Whether the end came with a close_notify of the server's.
    [[nodiscard]] bool ended_properly() const;
    [[nodiscard]] std::string version() const;  // "TLSv1.3"
    [[nodiscard]] std::string protocol() const; // by ALPN; empty if none was agreed on
    [[nodiscard]] std::string cipher() const;
    [[nodiscard]] bool resumed() const;
    [[nodiscard]] long certificate_serial() const;
    // The newest ticket that has arrived; those of TLS 1.3 come with what is read.
    [[nodiscard]] tls_ticket ticket() const;

private:
    // Makes `step`, under the lock, until it takes; its last result and SSL_get_error() of it.
    template <typename Step>
    std::pair<int, int> until_done(Step step);

    int socket_;
    std::chrono::milliseconds deadline_;
    mutable std::mutex one_at_a_time_;
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
    std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
    tls_ticket ticket_;
};

} // namespace countersign::tests
