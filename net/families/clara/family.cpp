#include "net/families/clara/family.hpp"

#include <array>

namespace countersign::net::clara {

namespace {

// What the peer's guide sets (contract section 1.6). It counts by the Authorization value, which a
// client chooses: a guesser would begin anew with every guess. So by the address alone.
constexpr std::array rules{store::rate_rule{"clara", 100, core::seconds(60)}};

} // namespace

clara_family::clara_family(services& services, clara_keys keys, std::string_view version)
    : services_(services), keys_(keys), version_(version) {
    for (const auto& route : clara::routes())
        keys_of_routes_.push_back(route.key);
}

std::span<const std::string_view> clara_family::prefixes() const {
    static constexpr std::array<std::string_view, 1> own{"/api/v1"};
    return own;
}

family_description clara_family::describe() const {
    return clara::describe();
}

awaitable<reply> clara_family::handle(std::size_t route, const request& request) {
    const auto& row = clara::routes()[route];
    const auto own_rules = std::span(rules).first(row.limit == ip_limit::none ? 0 : 1);
    const auto limits = co_await take_ip_limits(services_, own_rules, request);
    call call(services_, keys_, version_, request);
    auto out = co_await answer(row, limits.exceeded(), call);
    limits.add_to(out);
    co_return out;
}

awaitable<reply> clara_family::answer(const route& row, std::optional<limit_exceeded> exceeded,
                                      call& call) {
    if (exceeded) co_return render(error(error_code::rate_limited, exceeded->retry_after));
    if (const auto problem = co_await call.authenticate(row.needs)) co_return render(*problem);
    if (!row.before_enrolment)
        if (const auto problem = call.check_enrolled()) co_return render(*problem);
    co_return co_await row.handler(call);
}

reply clara_family::overloaded(const request&) {
    return render(clara::overloaded());
}

reply clara_family::not_found(const request&) {
    return render(error(error_code::route_not_found));
}

reply clara_family::method_not_allowed(const request&, std::string_view allow) {
    auto out = render(error(error_code::method_not_allowed));
    out.headers.emplace_back("Allow", allow);
    return out;
}

reply clara_family::problem(transport_problem problem, std::string_view, std::string_view detail) {
    auto out = render(from_transport(problem, detail));
    out.status = status_of(problem);
    return out;
}

} // namespace countersign::net::clara
