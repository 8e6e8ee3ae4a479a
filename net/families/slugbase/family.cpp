#include "net/families/slugbase/family.hpp"

#include "net/families/slugbase/cookies.hpp"
#include "net/ip_limits.hpp"

#include <array>

namespace countersign::net::slugbase {

namespace {

constexpr core::seconds window{900}; // contract section 2.6
constexpr store::rate_rule general{"slugbase-ip", 2000, window};

struct limit_row {
    ip_limit limit;
    store::rate_rule rule;
    error_code exceeded;
};
// In the order of ip_limit.
constexpr std::array limits{
    limit_row{ip_limit::general, general, error_code::too_many_requests},
    limit_row{ip_limit::sign_in, {"slugbase-auth", 50, window}, error_code::too_many_sign_ins},
    limit_row{ip_limit::mfa_verify,
              {"slugbase-mfa-verify", 40, window},
              error_code::too_many_mfa_attempts},
    limit_row{
        ip_limit::mfa_enrol, {"slugbase-mfa-enroll", 25, window}, error_code::too_many_mfa_setups},
    limit_row{ip_limit::api_token, {"slugbase-token", 10, window}, error_code::too_many_requests},
};

} // namespace

slugbase_family::slugbase_family(services& services) : services_(services), participant_(services) {
    for (const auto& route : slugbase::routes())
        keys_.push_back(route.key);
    services.login_participants.push_back(&participant_);
}

slugbase_family::~slugbase_family() {
    std::erase(services_.login_participants, &participant_);
}

std::span<const std::string_view> slugbase_family::prefixes() const {
    static constexpr std::array<std::string_view, 5> own{
        "/api/auth/mfa", "/api/auth/me", "/api/csrf-token", "/api/tokens", "/api/auth"};
    return own;
}

family_description slugbase_family::describe() const {
    return slugbase::describe();
}

// In the order of contract section 2.3: forgery, limits, credential.
boost::asio::awaitable<reply> slugbase_family::handle(std::size_t route, const request& request) {
    const auto& row = slugbase::routes()[route];
    if (row.csrf && may_be_forged(request)) co_return refuse_forged(request);
    if (const auto limited = co_await check_ip_limits(row.limit, request))
        co_return call::refuse(*limited);
    call call(services_, request);
    if (const auto problem = co_await call.authenticate(row.needs)) co_return call.refuse(*problem);
    co_return co_await row.handler(call);
}

boost::asio::awaitable<std::optional<error>>
slugbase_family::check_ip_limits(ip_limit limit, const request& request) {
    const auto& own = limits[static_cast<std::size_t>(limit)];
    const std::array rules{general, own.rule};
    const std::size_t count = own.limit == ip_limit::general ? 1 : 2;
    const auto exceeded =
        co_await take_ip_limits(services_, std::span(rules).first(count), request);
    // The accounts are in the same Redis: without it nothing is answered anyway.
    if (exceeded.has_error()) {
        auto failed = from_store(exceeded.error());
        if (limit == ip_limit::sign_in) failed.code = error_code::sign_in_failed; // its own words
        co_return failed;
    }
    if (!*exceeded) co_return std::nullopt;
    co_return error{.code = (*exceeded)->rule == 0 ? error_code::too_many_requests : own.exceeded,
                    .retry_after = (*exceeded)->retry_after};
}

reply slugbase_family::refuse_forged(const request& request) {
    auto out = call::refuse(error_code::csrf_token_invalid);
    const auto token = csrf_token(services_, request);
    if (request.cookie(csrf_cookie) != token) set_csrf_cookie(services_, request, out, token);
    return out;
}

reply slugbase_family::not_found(const request&) {
    return call::refuse(error_code::not_found);
}

reply slugbase_family::method_not_allowed(const request&, std::string_view allow) {
    auto out = call::refuse(error_code::method_not_allowed);
    out.headers.emplace_back("Allow", allow);
    return out;
}

reply slugbase_family::problem(transport_problem problem, std::string_view, std::string_view) {
    auto out = call::refuse(from_transport(problem));
    out.status = status_of(problem);
    return out;
}

} // namespace countersign::net::slugbase
