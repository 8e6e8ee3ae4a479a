#include "net/families/api_texts.hpp"
#include "net/families/singularity/routes.hpp"

namespace countersign::net::singularity {

namespace {

using names = std::vector<std::string_view>;

std::vector<names> credentials_of(credential needs) {
    switch (needs) {
    case credential::none:
    case credential::guest:
        return {};
    case credential::access_optional:
        return {{}, {"access"}};
    case credential::any_token:
        return {{}, {"access"}, {"two-factor"}};
    case credential::access:
        return {{"access"}};
    case credential::access_and_step_up:
        return {{"access", "step-up"}};
    case credential::two_factor:
    case credential::two_factor_guest:
        return {{"two-factor"}};
    case credential::two_factor_and_access:
        return {{"access", "two-factor"}};
    case credential::access_or_two_factor:
        return {{"access"}, {"two-factor"}};
    case credential::refresh:
        return {{"refresh"}};
    }
    return {};
}

// What call::authenticate() and core's checks of the session answer.
names credential_refusals(credential needs) {
    const names access{"AUTHENTICATION_REQUIRED", "ACCESS_TOKEN_INVALID", "ACCESS_TOKEN_EXPIRED"};
    const names step_up{"STEP_UP_TOKEN_MISSING", "STEP_UP_TOKEN_INVALID", "STEP_UP_TOKEN_EXPIRED"};
    const names two_factor{"TWO_FACTOR_AUTHENTICATION_TOKEN_MISSING",
                           "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID",
                           "TWO_FACTOR_AUTHENTICATION_TOKEN_EXPIRED"};
    const auto all_of = [](names first, const names& second) {
        first.insert(first.end(), second.begin(), second.end());
        return first;
    };
    switch (needs) {
    case credential::none:
    case credential::access_optional:
        return {};
    case credential::guest:
        return {"ALREADY_AUTHENTICATED"};
    case credential::any_token:
        return {"ACCESS_TOKEN_INVALID", "ACCESS_TOKEN_EXPIRED", "USER_NOT_FOUND"};
    case credential::access:
        return access;
    case credential::access_and_step_up:
        return all_of(access, step_up);
    case credential::two_factor:
        return two_factor;
    case credential::two_factor_guest:
        return all_of({"ALREADY_AUTHENTICATED"}, two_factor);
    case credential::two_factor_and_access:
        return all_of(access, two_factor);
    case credential::access_or_two_factor:
        return {"AUTHENTICATION_REQUIRED", "ACCESS_TOKEN_INVALID", "ACCESS_TOKEN_EXPIRED",
                "TWO_FACTOR_AUTHENTICATION_TOKEN_INVALID",
                "TWO_FACTOR_AUTHENTICATION_TOKEN_EXPIRED"};
    case credential::refresh:
        return {"REFRESH_TOKEN_MISSING", "REFRESH_TOKEN_INVALID", "REFRESH_TOKEN_EXPIRED"};
    }
    return {};
}

// Whether a session opens it, and so only that of an account with the factor that policy requires.
bool asks_for_enrolment(const route& row) {
    return is_opened_by_session(row.needs) && !row.before_enrolment;
}

names refusals_of(const route& row) {
    auto all = credential_refusals(row.needs);
    if (asks_for_enrolment(row)) all.push_back("ENROLMENT_REQUIRED");
    if (row.proves_code) all.push_back("USER_RATE_LIMIT_EXCEEDED");
    all.push_back("IP_RATE_LIMIT_EXCEEDED");
    if (row.limit == ip_limit::sign_in) all.push_back("IP_LOGIN_RATE_LIMIT_EXCEEDED");
    // Who only looks, and shows nothing, is told of no account.
    if (row.needs != credential::none || row.key.method != boost::beast::http::verb::get)
        all.push_back("DATABASE_FAILURE");
    return all;
}

} // namespace

family_description describe() {
    family_description out{.name = "singularity", .api = families::singularity_api()};
    for (const auto& row : routes())
        out.routes.push_back({row.key, credentials_of(row.needs), refusals_of(row)});
    return out;
}

} // namespace countersign::net::singularity
