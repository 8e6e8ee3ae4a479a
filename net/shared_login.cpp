#include "net/shared_login.hpp"

#include <utility>

namespace countersign::net {

core::session_id replaced_session(const std::vector<login_participant*>& participants,
                                  const request& request, const core::account_id& account) {
    for (auto* one : participants)
        if (auto presented = one->presented_session(request);
            presented && presented->account == account)
            return std::move(presented->session);
    return {};
}

} // namespace countersign::net
