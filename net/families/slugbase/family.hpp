// The slugbase API family: its two-factor routes, API tokens and CSRF token, and a login by cookie
// (contract: the SlugBase API). Where the native family is on too, that one answers the login.
#pragma once

#include "net/families/slugbase/call.hpp"
#include "net/families/slugbase/participant.hpp"
#include "net/families/slugbase/routes.hpp"
#include "net/family.hpp"
#include "net/ip_limits.hpp"
#include "net/services.hpp"
#include "store/event_loop.hpp"

#include <optional>
#include <vector>

namespace countersign::net::slugbase {

class slugbase_family final : public family {
public:
    // Takes part in the logins of other families as long as it lives. `services` outlives it.
    explicit slugbase_family(services& services);
    ~slugbase_family() override;
    slugbase_family(const slugbase_family&) = delete;
    slugbase_family& operator=(const slugbase_family&) = delete;

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
    [[nodiscard]] reply refuse_forged(const request& request);

    services& services_;
    participant participant_;
    std::vector<route_key> keys_;
};

} // namespace countersign::net::slugbase
