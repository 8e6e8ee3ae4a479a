// Submission to a mail relay by SMTP (RFC 5321, 6409, 8314), with libcurl. One per worker thread;
// the connection is kept between mails.
#pragma once

#include "notify/mail_url.hpp"
#include "notify/transport.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace countersign::notify {

struct smtp_options {
    std::shared_ptr<const mail_url> url; // shared by the workers
    std::string hello_name;              // for EHLO; empty: this host's name
    std::string certificate_authority;   // PEM file; empty: the system's
    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds total_timeout{60'000}; // of one mail, connecting included
};

// TLS is demanded unless the relay is on this machine, and its certificate is always verified.
class smtp_transport final : public transport {
public:
    explicit smtp_transport(smtp_options options);
    ~smtp_transport() override;

    [[nodiscard]] boost::system::result<void, delivery_failure> submit(const mail& mail) override;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::notify
