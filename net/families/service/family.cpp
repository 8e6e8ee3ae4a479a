#include "net/families/service/family.hpp"

#include "net/evidence.hpp"

#include <array>

namespace countersign::net::service {

namespace {

constexpr std::string_view realm = "Bearer realm=\"countersign\"";

// RFC 6750 section 3.1: a request without a credential is told of the scheme only.
error key_missing() {
    error made(error_code::service_key_missing);
    made.challenge = realm;
    return made;
}

error key_invalid() {
    error made(error_code::service_key_invalid);
    made.challenge = std::string(realm) + ", error=\"invalid_token\"";
    return made;
}

error scope_missing(const route& row) {
    const auto scope = store::to_text({row.needs});
    error made(error_code::insufficient_scope,
               "The service key lacks the scope '" + scope + "', which this route asks for.");
    made.challenge = std::string(realm) + ", error=\"insufficient_scope\", scope=\"" + scope + "\"";
    return made;
}

} // namespace

service_family::service_family(services& services, store::service_keys& keys)
    : services_(services), keys_(keys, services.random) {
    for (const auto& route : service::routes())
        routes_.push_back(route.key);
}

std::span<const std::string_view> service_family::prefixes() const {
    static constexpr std::array<std::string_view, 1> own{"/api/service"};
    return own;
}

family_description service_family::describe() const {
    return service::describe();
}

bool service_family::streams_body(std::size_t route) const {
    return service::routes()[route].streams_body;
}

awaitable<reply> service_family::handle(std::size_t route, const request& request) {
    const auto& row = service::routes()[route];
    const auto presented = credentials_of(request, "bearer");
    if (presented.empty()) co_return render(key_missing());
    auto key = keys_.recall(presented);
    if (!key) {
        auto found = co_await keys_.find(presented);
        if (found.has_error()) co_return render(from_store(found.error()));
        key = *std::move(found);
    }
    if (!key) co_return render(key_invalid());
    if (!row.allows(*key)) co_return render(scope_missing(row));

    const auto parameters = request.path_parameters();
    if (!parameters.empty() && !core::is_valid_subject(parameters[0]))
        co_return render(invalid(
            "subject", "A subject is 1 to 128 printable ASCII characters without a slash, with no "
                       "space at its ends."));
    call call(services_, request, std::move(key));
    co_return co_await row.handler(call);
}

reply service_family::overloaded(const request&) {
    return render(from_store(store::store_error::overloaded));
}

reply service_family::not_found(const request&) {
    return render(error(error_code::not_found));
}

reply service_family::method_not_allowed(const request&, std::string_view allow) {
    auto out = render(
        error(error_code::method_not_allowed, "This path takes " + std::string(allow) + "."));
    out.headers.emplace_back("Allow", allow);
    return out;
}

reply service_family::problem(transport_problem problem, std::string_view,
                              std::string_view detail) {
    return render(from_transport(problem, detail));
}

} // namespace countersign::net::service
