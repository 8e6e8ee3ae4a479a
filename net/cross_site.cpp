#include "net/cross_site.hpp"

#include "core/text.hpp"

namespace countersign::net {

namespace {

std::string_view authority_of(std::string_view origin) {
    const auto found = origin.find("://");
    return found == std::string_view::npos ? std::string_view() : origin.substr(found + 3);
}

} // namespace

std::string origin_of(std::string_view uri) {
    const auto authority = uri.find("://");
    const auto end = authority == std::string_view::npos ? uri.npos : uri.find('/', authority + 3);
    return core::to_lower_ascii(uri.substr(0, end));
}

bool is_from_another_site(const request& request, std::string_view own_origin) {
    if (const auto site = request.header("sec-fetch-site"))
        return *site != "same-origin" && *site != "same-site" && *site != "none";
    const auto origin = request.header("origin");
    if (!origin || *origin == own_origin) return false;
    const auto authority = authority_of(*origin);
    return authority.empty() || authority != request.header("host");
}

std::string_view credential_cookie(const services& services, const request& request,
                                   std::string_view name) {
    const auto value = request.cookie(name, services.cookie_prefix).value_or(std::string_view());
    if (value.empty() || is_from_another_site(request, services.origin)) return {};
    return value;
}

} // namespace countersign::net
