// The certificate that the listener shows, and its key.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::net {

struct tls_problem {
    enum class file { certificate, key };
    file where;
    std::string sentence; // the end of one that begins with the file's name: "holds no …"
};

// What a result's value() does where there is none: the caller did not look, a bug.
[[noreturn]] void throw_exception_from_error(const tls_problem& problem,
                                             const boost::source_location& where);

// A certificate with its chain and key, checked. Copies share what they hold.
class tls_identity {
public:
    // PEM: the server's own certificate first, then those that lead to the authority's, which may
    // be left out; and its private key, not encrypted. Every certificate must be valid at `now`.
    [[nodiscard]] static boost::system::result<tls_identity, tls_problem>
    parse(std::string_view certificates, std::string_view key, std::chrono::sys_seconds now);

    // When the first certificate of the chain expires.
    [[nodiscard]] std::chrono::sys_seconds valid_until() const noexcept { return valid_until_; }

private:
    friend class tls_context;
    tls_identity() = default;

    std::vector<std::shared_ptr<X509>> chain_;
    std::shared_ptr<EVP_PKEY> key_;
    std::chrono::sys_seconds valid_until_{};
};

} // namespace countersign::net
