// Paths that two families have in common (login, logout): the family that is served there answers,
// and the others add what their own clients read and carry.
#pragma once

#include "core/account.hpp"
#include "core/decide/login.hpp"
#include "net/reply.hpp"
#include "net/request.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <vector>

namespace countersign::net {

// Whose session a credential speaks of; whether it stands is core's to check.
struct session_reference {
    core::account_id account;
    core::session_id session;
};

class login_participant {
public:
    virtual ~login_participant() = default;

    // Members and cookies of a login that is complete, and of one that waits for a second factor.
    virtual void add_session(const request& request, const core::account& account,
                             const core::session_opened& opened, reply& out,
                             boost::json::object& body) = 0;
    virtual void add_pending(const request& request, const core::account& account,
                             const core::second_factor_pending& pending, reply& out,
                             boost::json::object& body) = 0;
    // The session that the request carries in this family's way, to be ended by a logout.
    [[nodiscard]] virtual std::optional<session_reference>
    presented_session(const request& request) = 0;
    virtual void add_logged_out(const request& request, reply& out, boost::json::object& body) = 0;
};

// The session of that account that a login's request carries and its reply replaces by another, so
// that it is to end with it (OWASP ASVS 5.0 7.2.4); empty if there is none.
[[nodiscard]] core::session_id replaced_session(const std::vector<login_participant*>& participants,
                                                const request& request,
                                                const core::account_id& account);

} // namespace countersign::net
