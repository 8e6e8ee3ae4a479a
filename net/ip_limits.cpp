#include "net/ip_limits.hpp"

#include "net/client_address.hpp"

namespace countersign::net {

boost::asio::awaitable<store::store_result<std::optional<limit_exceeded>>>
take_ip_limits(services& services, std::span<const store::rate_rule> rules,
               const request& request) {
    if (!services.ip_limits) co_return std::nullopt;
    const auto who = limit_key(request.client_ip);
    for (std::size_t index = 0; index < rules.size(); ++index) {
        const auto verdict = co_await services.limits.take(rules[index], who, services.now());
        if (verdict.has_error()) co_return verdict.error();
        if (!verdict->allowed)
            co_return limit_exceeded{index, std::chrono::ceil<core::seconds>(verdict->retry_in)};
    }
    co_return std::nullopt;
}

} // namespace countersign::net
