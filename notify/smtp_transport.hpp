// Submission to a mail relay by SMTP (RFC 5321, 6409, 8314), with libcurl. One per worker thread;
// the connection is kept between mails.
#pragma once

#include "notify/smtp_options.hpp"
#include "notify/transport.hpp"

#include <memory>

namespace countersign::notify {

// TLS is demanded unless the relay is on this machine, and its certificate is always verified. What
// kind of failure is what: docs/outbox.md.
class smtp_transport final : public transport {
public:
    explicit smtp_transport(smtp_options options);
    ~smtp_transport() override;

    // Within options.deadlines.longest(). Success: the relay answered the message's end with 2xx,
    // whatever it did next.
    [[nodiscard]] boost::system::result<void, delivery_failure> submit(const mail& mail) override;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

} // namespace countersign::notify
