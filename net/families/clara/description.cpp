#include "net/families/api_texts.hpp"
#include "net/families/clara/routes.hpp"

namespace countersign::net::clara {

namespace {

using names = std::vector<std::string_view>;

std::vector<names> credentials_of(credential needs) {
    switch (needs) {
    case credential::none:
        return {};
    case credential::password:
        return {{"password"}};
    case credential::key:
        return {{"public-key"}, {"private-key"}};
    case credential::private_key:
        return {{"private-key"}};
    case credential::user:
        return {{"user-token"}};
    case credential::user_or_key:
        return {{"user-token"}, {"public-key"}, {"private-key"}};
    case credential::user_or_private_key:
    case credential::active_user_or_private_key:
        return {{"user-token"}, {"private-key"}};
    }
    return {};
}

// What call::authenticate() answers, and the search for the user whom the path names.
names credential_refusals(credential needs) {
    switch (needs) {
    case credential::none:
        return {};
    case credential::password:
    case credential::key:
    case credential::private_key:
    case credential::user:
        return {"NOT_AUTHENTICATED"};
    case credential::user_or_key:
    case credential::user_or_private_key:
        return {"NOT_AUTHENTICATED", "NOT_ALLOWED"};
    case credential::active_user_or_private_key:
        return {"NOT_AUTHENTICATED", "NOT_ACTIVE", "NOT_ALLOWED"};
    }
    return {};
}

bool is_opened_by_user(credential needs) {
    switch (needs) {
    case credential::none:
    case credential::password:
    case credential::key:
    case credential::private_key:
        return false;
    case credential::user:
    case credential::user_or_key:
    case credential::user_or_private_key:
    case credential::active_user_or_private_key:
        return true;
    }
    return true;
}

names refusals_of(const route& row) {
    auto all = credential_refusals(row.needs);
    if (is_opened_by_user(row.needs) && !row.before_enrolment) all.push_back("ENROLMENT_REQUIRED");
    if (row.key.pattern.find("{user_") != std::string_view::npos) all.push_back("USER_NOT_FOUND");
    if (row.proves_code) all.push_back("PAUSED");
    if (row.limit == ip_limit::general) all.push_back("RATE_LIMITED");
    if (row.needs != credential::none) all.push_back("FAILED");
    return all;
}

} // namespace

family_description describe() {
    family_description out{.name = "clara", .api = families::clara_api()};
    for (const auto& row : routes())
        out.routes.push_back({row.key, credentials_of(row.needs), refusals_of(row)});
    return out;
}

} // namespace countersign::net::clara
