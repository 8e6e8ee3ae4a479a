// The native API family: everything below /api/auth and /api/users (contract: the Singularity API).
#pragma once

#include "net/families/singularity/call.hpp"
#include "net/families/singularity/routes.hpp"
#include "net/family.hpp"
#include "net/ip_limits.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <optional>
#include <vector>

namespace countersign::net::singularity {

class singularity_family final : public family {
public:
    // `services` outlives the family.
    explicit singularity_family(services& services);

    [[nodiscard]] std::span<const route_key> routes() const override { return keys_; }
    [[nodiscard]] std::span<const std::string_view> prefixes() const override;
    [[nodiscard]] family_description describe() const override;
    [[nodiscard]] awaitable<reply> handle(std::size_t route, const request& request) override;
    [[nodiscard]] reply overloaded(const request& request) override;
    [[nodiscard]] reply not_found(const request& request) override;
    [[nodiscard]] reply method_not_allowed(const request& request, std::string_view allow) override;
    [[nodiscard]] reply problem(transport_problem problem, std::string_view target,
                                std::string_view detail) override;

private:
    [[nodiscard]] static awaitable<reply>
    answer(const route& row, std::optional<limit_exceeded> exceeded, call& call);

    services& services_;
    std::vector<route_key> keys_;
};

} // namespace countersign::net::singularity
