#include "net/families/singularity/family.hpp"

#include "core/text.hpp"

#include <array>

namespace countersign::net::singularity {

namespace {

// Contract section 3.9. In the order of ip_limit, each with those before it.
constexpr std::array rules{store::rate_rule{"singularity-ip", 200, core::seconds(60)},
                           store::rate_rule{"singularity-sign-in", 10, core::seconds(300)}};
constexpr std::array exceeded_codes{error_code::ip_rate_limit_exceeded,
                                    error_code::ip_login_rate_limit_exceeded};

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

awaitable<reply> singularity_family::handle(std::size_t route, const request& request) {
    const auto& row = singularity::routes()[route];
    const auto own_rules = std::span(rules).first(static_cast<std::size_t>(row.limit) + 1);
    const auto limits = co_await take_ip_limits(services_, own_rules, request);
    call call(services_, request);
    auto out = co_await answer(row, limits.exceeded(), call);
    limits.add_to(out);
    co_return out;
}

awaitable<reply> singularity_family::answer(const route& row,
                                            std::optional<limit_exceeded> exceeded, call& call) {
    if (exceeded)
        co_return call.refuse(error(exceeded_codes[exceeded->rule], {}, exceeded->retry_after));
    if (const auto problem = call.authenticate(row.needs)) co_return call.refuse(*problem);
    if (!row.before_enrolment)
        if (const auto problem = co_await call.check_enrolled()) co_return call.refuse(*problem);
    co_return co_await row.handler(call);
}

reply singularity_family::overloaded(const request& request) {
    return render(singularity::overloaded(), request.path, services_.now());
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
    // A target that is no text is refused as well, and the refusal is JSON.
    const auto path = target.substr(0, target.find('?'));
    return render(from_transport(problem, detail), core::is_valid_utf8(path) ? path : "",
                  services_.now());
}

} // namespace countersign::net::singularity
