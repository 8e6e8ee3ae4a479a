// Slugbase's part in a login: the members and cookies that its clients read, whichever family
// answers the request.
#pragma once

#include "net/services.hpp"
#include "net/shared_login.hpp"

namespace countersign::net::slugbase {

class participant final : public login_participant {
public:
    // `services` outlives it.
    explicit participant(services& services) : services_(services) {}

    void add_session(const request& request, const core::account& account,
                     const core::session_opened& opened, reply& out,
                     boost::json::object& body) override;
    void add_pending(const request& request, const core::account& account,
                     const core::second_factor_pending& pending, reply& out,
                     boost::json::object& body) override;
    [[nodiscard]] std::optional<session_reference>
    presented_session(const request& request) override;
    void add_logged_out(const request& request, reply& out, boost::json::object& body) override;

private:
    services& services_;
};

} // namespace countersign::net::slugbase
