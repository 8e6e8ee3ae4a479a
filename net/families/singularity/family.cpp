#include "net/families/singularity/family.hpp"

#include "net/ip_limits.hpp"

#include <array>

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

std::span<const std::string_view> singularity_family::prefixes() const {
    static constexpr std::array<std::string_view, 2> own{"/api/auth", "/api/users"};
    return own;
}

family_description singularity_family::describe() const {
    return singularity::describe();
}

boost::asio::awaitable<reply> singularity_family::handle(std::size_t route,
                                                         const request& request) {
    const auto& row = singularity::routes()[route];
    call call(services_, request);
    if (const auto limited = co_await check_ip_limits(row.limit, request))
        co_return call.refuse(*limited);
    if (const auto problem = call.authenticate(row.needs)) co_return call.refuse(*problem);
    co_return co_await row.handler(call);
}

boost::asio::awaitable<std::optional<error>>
singularity_family::check_ip_limits(ip_limit limit, const request& request) {
    static constexpr std::array rules{general_rule, sign_in_rule};
    const std::size_t count = limit == ip_limit::sign_in ? 2 : 1;
    const auto exceeded =
        co_await take_ip_limits(services_, std::span(rules).first(count), request);
    // The accounts are in the same Redis: without it nothing is answered anyway.
    if (exceeded.has_error()) co_return from_store(exceeded.error());
    if (!*exceeded) co_return std::nullopt;
    const auto code = (*exceeded)->rule == 0 ? error_code::ip_rate_limit_exceeded
                                             : error_code::ip_login_rate_limit_exceeded;
    co_return error(code, {}, (*exceeded)->retry_after);
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
