#include "net/families/api_texts.hpp"
#include "net/families/slugbase/routes.hpp"

namespace countersign::net::slugbase {

namespace {

using names = std::vector<std::string_view>;

std::vector<names> credentials_of(const route& row) {
    switch (row.needs) {
    case credential::none:
        return {};
    case credential::account:
        if (row.csrf) return {{"bearer"}, {"session", "csrf", "csrf-cookie"}};
        return {{"bearer"}, {"session"}};
    case credential::pending_login:
        return {{"pending-login"}};
    }
    return {};
}

std::string_view refusal_of(ip_limit limit) {
    switch (limit) {
    case ip_limit::general:
        return "IP_LIMIT";
    case ip_limit::sign_in:
        return "IP_SIGN_IN_LIMIT";
    case ip_limit::mfa_verify:
        return "IP_MFA_LIMIT";
    case ip_limit::mfa_enrol:
        return "IP_ENROLMENT_LIMIT";
    case ip_limit::api_token:
        return "IP_API_TOKEN_LIMIT";
    }
    return "IP_LIMIT";
}

names refusals_of(const route& row) {
    names all;
    if (row.csrf) all.push_back("CSRF_TOKEN_INVALID");
    all.push_back("IP_LIMIT");
    if (row.limit != ip_limit::general) all.push_back(refusal_of(row.limit));
    if (row.needs == credential::account) all.push_back("UNAUTHORIZED");
    if (row.needs == credential::account && !row.before_enrolment)
        all.push_back("ENROLMENT_REQUIRED");
    if (row.needs == credential::pending_login) all.push_back("MFA_PENDING_INVALID");
    // The login says both in words of its own.
    if (row.limit == ip_limit::sign_in) return all;
    if (row.proves_code) all.push_back("ATTEMPTS_PAUSED");
    // Who only looks, and shows nothing, is told of no account.
    if (row.needs != credential::none || row.key.method != boost::beast::http::verb::get)
        all.push_back("REQUEST_FAILED");
    return all;
}

} // namespace

family_description describe() {
    family_description out{.name = "slugbase", .api = families::slugbase_api()};
    for (const auto& row : routes())
        out.routes.push_back({row.key, credentials_of(row), refusals_of(row)});
    return out;
}

} // namespace countersign::net::slugbase
