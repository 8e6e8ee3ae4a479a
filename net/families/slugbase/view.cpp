#include "net/families/slugbase/view.hpp"

#include "core/text.hpp"

#include <boost/json/value.hpp>

namespace countersign::net::slugbase {

namespace {

std::string language_of(const core::account& account) {
    const auto tag = core::locale_tag::parse(account.locale);
    return tag ? std::string(tag->language()) : "en";
}

// What both views of a user begin and end with. There are no administrators and no themes here.
void add_names(boost::json::object& body, const core::account& account) {
    body["id"] = account.id.value();
    body["email"] = account.email;
    body["name"] = account.name;
    body["user_key"] = account.id.value();
    body["is_admin"] = false;
}

void add_preferences(boost::json::object& body, const core::account& account) {
    body["language"] = language_of(account);
    body["theme"] = "auto";
}

} // namespace

void add_user(boost::json::object& body, const core::account& account) {
    add_names(body, account);
    body["email_verified"] = account.email_verified;
    add_preferences(body, account);
}

boost::json::object profile(const core::account& account) {
    boost::json::object body;
    add_names(body, account);
    add_preferences(body, account);
    body["ai_suggestions_enabled"] = false;
    body["mfa_enabled"] = account.has(core::factor_method::totp);
    body["has_password"] = !account.password_hash.empty();
    body["oidc_provider"] = nullptr;
    body["oidc_sub"] = nullptr;
    return body;
}

boost::json::object mfa_status(const core::account& account) {
    const bool enabled = account.has(core::factor_method::totp);
    boost::json::object body{{"enabled", enabled}, {"enrolled_at", nullptr}};
    if (enabled) body["enrolled_at"] = core::to_rfc3339(account.totp.front().enrolled_at);
    return body;
}

boost::json::object api_token_view(const core::api_token& token) {
    return {{"id", token.id.value()},
            {"name", token.name},
            {"created_at", core::to_rfc3339(token.created_at)}};
}

boost::json::array api_token_list(const core::account& account) {
    boost::json::array list;
    for (const auto& token : account.api_tokens)
        list.emplace_back(api_token_view(token));
    return list;
}

} // namespace countersign::net::slugbase
