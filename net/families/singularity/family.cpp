#include "net/families/singularity/family.hpp"

#include "net/client_address.hpp"

namespace countersign::net::singularity {

namespace {

// Contract section 3.9.
constexpr store::rate_rule general_rule{"singularity-ip", 200, core::seconds(60)};
constexpr store::rate_rule sign_in_rule{"singularity-sign-in", 10, core::seconds(300)};

} // namespace

singularity_family::singularity_family(services& services) : services_(services) {
    for (const auto& route : singularity::routes())
        keys_.push_back(route.key);
}

bool singularity_family::owns(std::string_view path) const {
    return path.starts_with("/api/auth") || path.starts_with("/api/users");
}

boost::asio::awaitable<reply> singularity_family::handle(std::size_t route,
                                                         const request& request) {
    const auto& row = singularity::routes()[route];
    call call(services_, request);
    if (services_.ip_limits)
        if (const auto limited = co_await check_ip_limits(row.limit, request))
            co_return call.refuse(*limited);
    if (const auto problem = call.authenticate(row.needs)) co_return call.refuse(*problem);
    co_return co_await row.handler(call);
}

boost::asio::awaitable<std::optional<error>>
singularity_family::check_ip_limits(ip_limit limit, const request& request) {
    struct step {
        store::rate_rule rule;
        error_code exceeded;
    };
    std::vector<step> steps{{general_rule, error_code::ip_rate_limit_exceeded}};
    if (limit == ip_limit::sign_in)
        steps.push_back({sign_in_rule, error_code::ip_login_rate_limit_exceeded});
    const auto who = limit_key(request.client_ip);
    for (const auto& [rule, exceeded] : steps) {
        const auto verdict = co_await services_.limits.take(rule, who, services_.now());
        // The accounts are in the same Redis: without it nothing is answered anyway.
        if (verdict.has_error()) co_return from_store(verdict.error());
        if (verdict->allowed) continue;
        co_return error(exceeded, {}, std::chrono::ceil<core::seconds>(verdict->retry_in));
    }
    co_return std::nullopt;
}

reply singularity_family::not_found(const request& request) {
    return render(error(error_code::not_found), request.path, services_.now());
}

reply singularity_family::method_not_allowed(const request& request, std::string_view allow) {
    auto out =
        render(error(error_code::method_not_allowed, "This path takes " + std::string(allow) + "."),
               request.path, services_.now());
    out.headers.emplace_back("Allow", allow);
    return out;
}

reply singularity_family::problem(transport_problem problem, std::string_view target,
                                  std::string_view detail) {
    return render(from_transport(problem, detail), target.substr(0, target.find('?')),
                  services_.now());
}

} // namespace countersign::net::singularity
