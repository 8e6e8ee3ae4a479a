// The service family's routes as data: which scope each asks of the service key, whether it takes a
// code, who handles it. Tests about guards are generated from this table, so a new route cannot
// forget one.
#pragma once

#include "net/families/service/handlers.hpp"
#include "net/family.hpp"
#include "net/route.hpp"
#include "store/service_keys.hpp"

#include <optional>
#include <span>

namespace countersign::net::service {

struct route {
    route_key key;
    store::service_scope needs;
    std::optional<store::service_scope> or_else; // does as well
    bool proves_code;  // takes a code: refuses while the account is blocked (T-12)
    bool streams_body; // of any length
    handled (*handler)(call&);

    [[nodiscard]] bool allows(const store::service_key& presented) const;
};

[[nodiscard]] std::span<const route> routes();

// What the table says to a reader of the API, in the names of api.json (description.cpp).
[[nodiscard]] family_description describe();

} // namespace countersign::net::service
