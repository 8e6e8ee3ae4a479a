#include "net/families/api_texts.hpp"
#include "net/families/service/routes.hpp"

namespace countersign::net::service {

namespace {

std::string_view credential_of(store::service_scope scope) {
    switch (scope) {
    case store::service_scope::verify:
        return "verify";
    case store::service_scope::manage:
        return "manage";
    case store::service_scope::sessions:
        return "sessions";
    case store::service_scope::import:
        return "import";
    }
    return {};
}

std::vector<std::vector<std::string_view>> credentials_of(const route& row) {
    std::vector<std::vector<std::string_view>> either{{credential_of(row.needs)}};
    if (row.or_else) either.push_back({credential_of(*row.or_else)});
    return either;
}

std::vector<std::string_view> refusals_of(const route& row) {
    std::vector<std::string_view> all{"service_key_missing", "service_key_invalid",
                                      "insufficient_scope"};
    const bool of_a_subject = row.key.pattern.find("{subject}") != std::string_view::npos;
    if (of_a_subject) {
        all.push_back("invalid_subject");
        all.push_back("subject_not_found");
    }
    if (row.proves_code) all.push_back("blocked");
    all.push_back("store_unavailable");
    return all;
}

} // namespace

family_description describe() {
    family_description out{.name = "service", .api = families::service_api()};
    for (const auto& row : routes())
        out.routes.push_back({row.key, credentials_of(row), refusals_of(row)});
    return out;
}

} // namespace countersign::net::service
