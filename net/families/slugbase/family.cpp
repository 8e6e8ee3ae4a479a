#include "net/families/slugbase/family.hpp"

#include "net/families/slugbase/cookies.hpp"
#include <array>
#include <string>

namespace countersign::net::slugbase {

namespace {

constexpr core::seconds window{900}; // contract section 2.6
constexpr store::rate_rule general{"slugbase-ip", 2000, window};

struct limit_row {
    std::array<store::rate_rule, 2> rules; // the general one, and the route's own
    error_code exceeded;                   // its own
    bool failures_only = false;            // its own
};
// In the order of ip_limit.
constexpr std::array limits{
    limit_row{{general}, error_code::too_many_requests},
    limit_row{{general, {"slugbase-auth", 50, window}}, error_code::too_many_sign_ins, true},
    limit_row{{general, {"slugbase-mfa-verify", 40, window}}, error_code::too_many_mfa_attempts},
    limit_row{{general, {"slugbase-mfa-enroll", 25, window}}, error_code::too_many_mfa_setups},
    limit_row{{general, {"slugbase-token", 10, window}}, error_code::too_many_requests},
};

// The fields of draft-ietf-httpapi-ratelimit-headers-06, which the contract's clients read.
void add_limit_fields(const ip_limits_taken& taken, reply& out) {
    taken.add_to(out);
    if (taken.verdicts.empty()) return;
    const auto last = taken.verdicts.size() - 1;
    const auto& verdict = taken.verdicts[last];
    const auto add = [&](const char* name, std::int64_t value) {
        out.headers.emplace_back(name, std::to_string(value));
    };
    add("RateLimit-Limit", taken.rules[last].count);
    add("RateLimit-Remaining", verdict.remaining);
    add("RateLimit-Reset", std::chrono::ceil<core::seconds>(verdict.whole_in).count());
}

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
awaitable<reply> slugbase_family::handle(std::size_t route, const request& request) {
    const auto& row = slugbase::routes()[route];
    if (row.csrf && may_be_forged(services_, request)) co_return refuse_forged(request);
    const auto& own = limits[static_cast<std::size_t>(row.limit)];
    const auto rules = std::span(own.rules).first(row.limit == ip_limit::general ? 1 : 2);
    const auto taken = co_await take_ip_limits(services_, rules, request);
    call call(services_, request);
    auto out = co_await answer(row, taken.exceeded(), call);
    if (own.failures_only && out.status < 400)
        co_await give_back_ip_limit(services_, own.rules.back(), request);
    add_limit_fields(taken, out);
    co_return out;
}

awaitable<reply> slugbase_family::answer(const route& row, std::optional<limit_exceeded> exceeded,
                                         call& call) {
    if (exceeded) {
        const auto own = limits[static_cast<std::size_t>(row.limit)].exceeded;
        co_return call.refuse(
            error{.code = exceeded->rule == 0 ? error_code::too_many_requests : own,
                  .retry_after = exceeded->retry_after});
    }
    if (const auto problem = co_await call.authenticate(row.needs)) co_return call.refuse(*problem);
    if (!row.before_enrolment)
        if (const auto problem = call.check_enrolled()) co_return call.refuse(*problem);
    co_return co_await row.handler(call);
}

reply slugbase_family::refuse_forged(const request& request) {
    auto out = call::refuse(error_code::csrf_token_invalid);
    const auto token = csrf_token(services_, request);
    if (request.cookie(csrf_cookie, services_.cookie_prefix) != token)
        set_csrf_cookie(services_, request, out, token);
    return out;
}

reply slugbase_family::overloaded(const request&) {
    return call::refuse(slugbase::overloaded());
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
