// The setting `mail.url`: where mails are handed in, and as whom.
#pragma once

#include "core/crypto/secret.hpp"

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace countersign::notify {

struct mail_url {
    bool implicit_tls = false; // smtps://
    std::string host;          // a name or an address; IPv6 without brackets
    std::uint16_t port = 0;
    std::string user; // empty: no authentication
    core::secret_string password;

    // 127.0.0.0/8, ::1 or localhost: nothing leaves the machine, so TLS is not demanded.
    [[nodiscard]] bool is_loopback() const noexcept;
};

// smtp://[user:password@]host[:587] (STARTTLS) or smtps://[user:password@]host[:465] (RFC 8314);
// user and password are percent-encoded. The error is a sentence for the operator, without the
// password.
[[nodiscard]] boost::system::result<mail_url, std::string> parse_mail_url(std::string_view url);

} // namespace countersign::notify
