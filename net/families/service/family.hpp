// The service API: everything below /api/service (docs/api.md). For backends that have users of
// their own and want second factors, sessions and alerts for them.
#pragma once

#include "net/families/service/key_cache.hpp"
#include "net/families/service/routes.hpp"
#include "net/family.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"
#include "store/service_keys.hpp"

#include <vector>

namespace countersign::net::service {

class service_family final : public family {
public:
    // `services` and `keys` outlive the family.
    service_family(services& services, store::service_keys& keys);

    [[nodiscard]] std::span<const route_key> routes() const override { return routes_; }
    [[nodiscard]] std::span<const std::string_view> prefixes() const override;
    [[nodiscard]] family_description describe() const override;
    [[nodiscard]] bool streams_body(std::size_t route) const override;
    [[nodiscard]] awaitable<reply> handle(std::size_t route, const request& request) override;
    [[nodiscard]] reply overloaded(const request& request) override;
    [[nodiscard]] reply not_found(const request& request) override;
    [[nodiscard]] reply method_not_allowed(const request& request, std::string_view allow) override;
    [[nodiscard]] reply problem(transport_problem problem, std::string_view target,
                                std::string_view detail) override;

private:
    services& services_;
    key_cache keys_;
    std::vector<route_key> routes_;
};

} // namespace countersign::net::service
