#include "net/families/singularity/view.hpp"

namespace countersign::net::singularity {

namespace {

boost::json::value preferred(const core::account& account) {
    if (!account.preferred) return nullptr;
    return boost::json::value(core::to_string(*account.preferred));
}

// Those that the contract has; its clients cannot ask for a passkey.
boost::json::array methods(const core::account& account) {
    boost::json::array names;
    for (const auto method : account.code_methods())
        names.emplace_back(core::to_string(method));
    return names;
}

} // namespace

boost::json::value or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::value(text);
}

boost::json::object principal(const core::account& account) {
    boost::json::object body;
    body["id"] = account.id.value();
    body["name"] = account.name;
    body["email"] = account.email;
    body["identityProviders"] =
        account.password_hash.empty() ? boost::json::array() : boost::json::array{"password"};
    body["roles"] = boost::json::array{"USER"};
    body["emailVerified"] = account.email_verified;
    body["lastActive"] = core::to_rfc3339(account.last_active);
    body["twoFactorAuthEnabled"] = account.has_second_factor();
    body["preferredTwoFactorMethod"] = preferred(account);
    body["twoFactorMethods"] = methods(account);
    body["avatar"] = nullptr;
    body["createdAt"] = core::to_rfc3339(account.created_at);
    body["groups"] = boost::json::array();
    return body;
}

boost::json::array session_list(const core::account& account, core::unix_time now) {
    boost::json::array list;
    for (const auto& session : account.sessions) {
        if (session.expires_at <= now) continue;
        boost::json::object one;
        one["id"] = session.id.value();
        one["browser"] = or_null(session.client.browser);
        one["os"] = or_null(session.client.os);
        one["ipAddress"] = or_null(session.client.ip);
        one["location"] = nullptr;
        one["lastActive"] = core::to_rfc3339(session.last_seen);
        list.emplace_back(std::move(one));
    }
    return list;
}

void add_methods(boost::json::object& body, const core::account& account) {
    body["twoFactorMethods"] = methods(account);
    body["preferredTwoFactorMethod"] = preferred(account);
}

} // namespace countersign::net::singularity
