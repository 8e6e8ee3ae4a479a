// The Clara family: accounts and e-mail codes below /api/v1 (contract: Clara-Backend).
#pragma once

#include "net/families/clara/call.hpp"
#include "net/families/clara/routes.hpp"
#include "net/family.hpp"
#include "net/ip_limits.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace countersign::net::clara {

class clara_family final : public family {
public:
    // `services`, the keys and `version`, which GET /version says, outlive the family.
    clara_family(services& services, clara_keys keys, std::string_view version);

    [[nodiscard]] std::span<const route_key> routes() const override { return keys_of_routes_; }
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
    clara_keys keys_;
    std::string_view version_;
    std::vector<route_key> keys_of_routes_;
};

} // namespace countersign::net::clara
