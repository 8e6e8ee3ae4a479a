#include "net/ip_limits.hpp"

#include "net/client_address.hpp"

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace countersign::net {

std::optional<limit_exceeded> ip_limits_taken::exceeded() const {
    if (verdicts.empty() || verdicts.back().allowed) return std::nullopt;
    return limit_exceeded{verdicts.size() - 1,
                          std::chrono::ceil<core::seconds>(verdicts.back().retry_in)};
}

void ip_limits_taken::add_to(reply& out) const {
    if (verdicts.empty()) return;
    std::string policy, state;
    for (std::size_t index = 0; index < verdicts.size(); ++index) {
        const auto& rule = rules[index];
        const auto& verdict = verdicts[index];
        const auto* const comma = index > 0 ? ", " : "";
        fmt::format_to(std::back_inserter(policy), "{}\"{}\";q={};w={}", comma, rule.name,
                       rule.count, rule.window.count());
        fmt::format_to(std::back_inserter(state), "{}\"{}\";r={};t={}", comma, rule.name,
                       verdict.remaining,
                       std::chrono::ceil<core::seconds>(verdict.whole_in).count());
    }
    out.headers.emplace_back("RateLimit-Policy", std::move(policy));
    out.headers.emplace_back("RateLimit", std::move(state));
}

awaitable<ip_limits_taken> take_ip_limits(services& services,
                                          std::span<const store::rate_rule> rules,
                                          const request& request) {
    if (!services.ip_limits || rules.empty()) co_return ip_limits_taken{};
    co_return ip_limits_taken{
        rules, co_await services.limits.take(rules, limit_key(request.client_ip), services.now())};
}

awaitable<void> give_back_ip_limit(services& services, const store::rate_rule& rule,
                                   const request& request) {
    if (!services.ip_limits) co_return;
    (void)co_await services.limits.apply(std::span(&rule, 1), limit_key(request.client_ip),
                                         store::rate_use::give_back, services.now());
}

} // namespace countersign::net
